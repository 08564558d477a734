"""What is promised of the image, each looked at in a container of it."""

import json
import socket
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from image_engine import Image
from image_room import Ended, Room

MOMENT = "2018-12-20T00:05:00Z"
SYMBOLS = "BTC/USD,ETH/USD,LTC/USD,AAA,BBB,CCC"
STARTS = 5
STOPPED = 128 + 15
DATA = "/opt/sentinel/lib/python3.11/site-packages/crypto_signals/data"
TOOLS = "gcc cc g++ c++ ld as make cmake strip git curl wget pip pip3"
UNFIT = {"numba.np.ufunc.omppool", "numba.np.ufunc.tbbpool", "PIL._imagingtk", "matplotlib.backends._tkagg"}
"""Ways to work in parallel and to open windows that need what is not there; nothing asks for them."""

STOCKS = f"""
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
bars = pq.read_table("{DATA}/equity_daily.parquet")
spy = bars.filter(pc.equal(bars["symbol"].cast(pa.string()), "SPY"))
place = bars.schema.get_field_index("symbol")
named = [spy.set_column(place, "symbol", pa.array([name] * len(spy))) for name in ("AAA", "BBB", "CCC")]
pq.write_table(pa.concat_tables(named), "/state/stocks.parquet")
"""
EVERY_EXTENSION = """
import importlib, pathlib, sysconfig
root = pathlib.Path(sysconfig.get_path("purelib"))
for path in sorted(root.rglob("*.cpython-*.so")):
    name = ".".join(path.relative_to(root).with_name(path.name.partition(".")[0]).parts)
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, repr(error), sep="\\t")
"""


class Finding(NamedTuple):
    """What was looked at, what was found, and whether that is good."""

    what: str
    found: str
    good: bool


def added_bytes(base: Path, root: Path) -> int:
    """The size of all files of the image that are not, or not so, in its base."""
    return sum(
        path.lstat().st_size
        for path in root.rglob("*")
        if (path.is_symlink() or path.is_file()) and _changed(base / path.relative_to(root), path)
    )


def _changed(before: Path, path: Path) -> bool:
    if not (before.is_symlink() or before.exists()):
        return True
    old, new = before.lstat(), path.lstat()
    return (old.st_size, old.st_mtime, old.st_mode) != (new.st_size, new.st_mtime, new.st_mode)


def heaviest(root: Path, count: int = 8) -> dict[str, float]:
    """The megabytes of the largest packages."""
    (packages,) = (root / "opt/sentinel/lib").glob("python3*/site-packages")
    sizes = {
        path.name: sum(file.lstat().st_size for file in [path, *path.rglob("*")] if file.is_file()) / 1e6
        for path in packages.iterdir()
    }
    return {name: round(sizes[name], 1) for name in sorted(sizes, key=lambda name: -sizes[name])[:count]}


def privileges(room: Room, image: Image) -> Iterator[Finding]:
    """Who runs there, what can be written, and what is not there."""
    user = room.run("-u", entry=("id",)).out.strip()
    yield Finding("user", f"{user}, as the image says: {image.config['User']}", user == "1000")
    touched = room.run("-c", "touch /new /opt/sentinel/new /etc/new", entry=("sh",)).err
    yield Finding("root is read-only", touched.replace("\n", "; "), touched.count("Read-only") == 3)
    found = room.run("-c", f"command -v {TOOLS}; python -m pip --version", entry=("sh",)).out.split()
    yield Finding("tools to build with", ", ".join(found) or "none", not found)
    marked = [
        str(p)
        for p in image.root.rglob("*")
        if p.is_file() and not p.is_symlink() and p.stat().st_mode & 0o6000
    ]
    yield Finding("files that lend rights", ", ".join(marked) or "none", not marked)
    theirs = [
        str(p) for p in (image.root / "opt").rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o022
    ]
    yield Finding("files of the program that others may write", ", ".join(theirs[:5]) or "none", not theirs)


def secrets(image: Image, *words: str) -> Iterator[Finding]:
    """``words`` were lying about where the image was built, or belong to the machine that built it."""
    told = json.dumps(image.config)
    found = [f"configuration: {word}" for word in words if word in told]
    for path in image.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix not in {".so", ".pyc"}:
            content = path.read_bytes()
            found += [f"{path.relative_to(image.root)}: {word}" for word in words if word.encode() in content]
    yield Finding("secrets", ", ".join(found) or "none", not found)


def extensions(room: Room) -> Iterator[Finding]:
    """What was stripped can be loaded still."""
    lines = room.python(EVERY_EXTENSION).out.splitlines()
    broken = [line for line in lines if line.partition("\t")[0] not in UNFIT]
    yield Finding("compiled modules that cannot be imported", "; ".join(broken) or "none", not broken)


def commands(room: Room) -> Iterator[Finding]:
    """Each ends well, and compiles nothing."""
    crypto, equity = f"{DATA}/crypto_daily.parquet", f"{DATA}/equity_daily.parquet"
    for words in (
        ("demo", "--days", "30"),
        ("scan", "--bars", crypto, "--last"),
        ("backtest", "--bars", crypto, "--symbol", "BTC/USD"),
        ("evidence", "--bars", equity),
        ("audit", "--bars", crypto, "--symbol", "BTC/USD", "--detector", "double_bottom"),
    ):
        yield _compiled_nothing(f"sentinel {words[0]}", room.run(*words, NUMBA_DEBUG_CACHE="1"))


def _compiled_nothing(what: str, ended: Ended) -> Finding:
    compiled, loaded = ended.compiled
    cost = f"{ended.seconds:.1f} s, {ended.peak_mb:.0f} MB"
    said = f"exit {ended.code} after {cost}, {compiled} kernels compiled, {loaded} found"
    good = ended.code == 0 and not compiled
    return Finding(what, said if good else f"{said}: {ended.err[-500:]}", good)


class Figures(NamedTuple):
    """Of a run over six symbols, and of starting."""

    first_start_s: float
    start_s: float
    cold_run_s: float
    warm_run_s: float
    peak_mb: float


def running(room: Room, found: list[Finding]) -> Figures:
    """Runs against the stand-ins for Alpaca and Discord, stops and probes; gives what it cost."""
    if (made := room.python(STOCKS)).code:
        raise RuntimeError(made.err)
    bars = [
        word
        for path in (f"{DATA}/crypto_daily.parquet", "/state/stocks.parquet")
        for word in ("--bars", path)
    ]
    stand_in = room.start("simulator", "--port", "0", "--now", MOMENT, *bars)
    try:
        stand_in.until("\n")
        told = _told(json.loads(stand_in.said().splitlines()[0]))
        runs = [room.run("run", "--format", "json", **told, NUMBA_DEBUG_CACHE="1") for _ in range(2)]
        for what, ended in zip(("sentinel run, 6 symbols", "sentinel run again"), runs, strict=True):
            looked = '"symbols_processed": 6' in ended.out
            finding = _compiled_nothing(what, ended)
            found.append(finding._replace(good=finding.good and looked))
        healthy = room.run("health", **told)
        found.append(Finding("sentinel health", f"exit {healthy.code}", healthy.code == 0))
        starts = list(served(room, told, found))
    finally:
        stand_in.terminate()
        stopped = stand_in.end(20)
    found.append(
        Finding("SIGTERM to sentinel simulator", f"exit {stopped.code}", stopped.code in {0, STOPPED})
    )
    peak = max(ended.peak_mb for ended in runs)
    return Figures(starts[0], statistics.median(starts), runs[0].seconds, runs[1].seconds, peak)


def _told(addresses: dict[str, str]) -> dict[str, str]:
    return {
        "SENTINEL_NOW": MOMENT,
        "ALPACA_DATA_URL": addresses["alpaca_data_url"],
        "ALPACA_API_KEY": "key",
        "ALPACA_SECRET_KEY": "secret",
        "CRYPTO_SYMBOLS": "BTC/USD,ETH/USD,LTC/USD",
        "EQUITY_SYMBOLS": "AAA,BBB,CCC",
    }


def served(room: Room, told: dict[str, str], found: list[Finding]) -> Iterator[float]:
    """``sentinel serve`` several times: how long until it speaks, what its probe says, how it stops."""
    bind = f"127.0.0.1:{_free_port()}"
    probe = ("python", "-m", "crypto_signals.scripts.alive")
    for _ in range(STARTS):
        program = room.start("serve", HTTP_BIND=bind, **told | {"SENTINEL_NOW": ""})
        yield program.first_word()
        program.until("serving")
        alive = room.run(entry=probe, HTTP_BIND=bind)
        program.terminate()
        ended = program.end(20)
        found.append(Finding("health check of sentinel serve", f"exit {alive.code}", alive.code == 0))
        good = ended.code == STOPPED and "Traceback" not in ended.err
        found.append(
            Finding("SIGTERM to sentinel serve", f"exit {ended.code} {'' if good else ended.err}", good)
        )
    dead = room.run(entry=probe, HTTP_BIND=bind)
    found.append(Finding("health check where nothing serves", f"exit {dead.code}", dead.code == 1))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def stopping(room: Room) -> Iterator[Finding]:
    """SIGTERM in the middle of commands that have, and have not, something to finish first."""
    for words in (("demo",), ("evidence", "--bars", f"{DATA}/crypto_daily.parquet")):
        program = room.start(*words, NUMBA_DEBUG_CACHE="1")
        program.until("[cache] data loaded")
        program.terminate()
        ended = program.end(20)
        yield Finding(f"SIGTERM to sentinel {words[0]}", f"exit {ended.code}", ended.code == STOPPED)
