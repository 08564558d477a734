"""What no line of the program does, read from the lines themselves."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src" / "crypto_signals"
UNSAFE = {"pickle", "cPickle", "dill", "shelve", "marshal", "xml", "lxml", "yaml", "telnetlib", "ftplib"}
"""What turns data into code or follows what data says; where YAML or XML must be read, it needs a reason."""
EXECUTE = {"text", "exec_driver_sql", "execute", "executescript", "executemany"}
PRAGMAS = ["f'PRAGMA {pragma}={wanted}'", "f'PRAGMA {pragma}'"]
NAMED = {"warehouse/duckdb.py", "simulator/bigquery_data.py"}
"""Where names of tables, views and columns are put into statements; the stand-in's are those it was given."""
CLIENTS = {"Client", "AsyncClient", "get", "post", "put", "request", "stream", "urlopen"}


def everywhere(check: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """What ``check`` finds, by file."""
    found = {path.relative_to(SOURCES).as_posix(): check(path) for path in sorted(SOURCES.rglob("*.py"))}
    assert len(found) > 200
    return {name: said for name, said in found.items() if said}


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def unsafe(path: Path) -> list[str]:
    """What is imported that could run what it reads, and arrays loaded without saying no to it."""
    found = [name for name in imports(path) if name.partition(".")[0] in UNSAFE]
    for node in nodes(path):
        if isinstance(node, ast.Call) and called(node) in {"load", "loads", "read_pickle", "save", "savez"}:
            says = {word.arg: ast.unparse(word.value) for word in node.keywords}
            is_numpys = ast.unparse(node.func).startswith(("np.", "numpy."))
            if is_numpys and called(node) == "load" and says.get("allow_pickle") != "False":
                found.append(ast.unparse(node))
            if says.get("allow_pickle") == "True" or called(node) == "read_pickle":
                found.append(ast.unparse(node))
    return found


def built_sql(path: Path) -> list[str]:
    """Statements put together from pieces: what varies has to travel as a parameter."""
    return [
        ast.unparse(node.args[0])
        for node in nodes(path)
        if isinstance(node, ast.Call) and called(node) in EXECUTE and node.args
        if isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
        or (isinstance(node.args[0], ast.Call) and called(node.args[0]) == "format")
    ]


def own_requests(path: Path) -> list[str]:
    """Requests that do not go through `outgoing`, which bounds them."""
    return [
        ast.unparse(node.func)
        for node in nodes(path)
        if isinstance(node, ast.Call) and called(node) in CLIENTS
        if ast.unparse(node.func).partition(".")[0] in {"httpx", "requests", "urllib", "urlopen"}
    ]


def test_nothing_that_is_read_can_run() -> None:
    """No pickle, and nothing like it. The compiler's own cache holds pickles of kernels: it lies in a folder
    that only its user may write to."""
    assert everywhere(unsafe) == {}


def test_statements_are_written_out() -> None:
    """Values reach a database as parameters. SQLite takes none in a PRAGMA, whose names and values are
    written out beside it; and none takes the name of a table, which is one of the warehouse's own."""
    found = everywhere(built_sql)
    assert found.pop("repository/sqlite.py") == PRAGMAS
    assert set(found) == NAMED


def test_requests_are_bounded_in_one_place() -> None:
    """Nobody makes an HTTP client but `outgoing`."""
    assert everywhere(own_requests) == {"outgoing.py": ["httpx.Client"]}


def test_the_checks_would_notice(tmp_path: Path) -> None:
    """Each of them, on a file that does what must not be done."""
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import pickle\nfrom xml.etree import ElementTree\nimport numpy as np\nimport httpx\n"
        "np.load(f)\nnp.load(f, allow_pickle=True)\n"
        "c.execute(f'SELECT {x}')\nc.execute('SELECT ' + x)\nc.execute('SELECT {}'.format(x))\n"
        "httpx.Client()\nhttpx.get(u)\n"
    )
    assert len(unsafe(bad)) == 5
    assert len(built_sql(bad)) == 3
    assert own_requests(bad) == ["httpx.Client", "httpx.get"]
