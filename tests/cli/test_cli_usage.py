"""Exit codes, help, bad files, pipes and locks: what a script or a hurried person relies on."""

import datetime as dt
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.program import CRYPTO, EQUITY, REAL_DATA, SENTINEL, Answer, Program, clean, one_line, until

COMMANDS = ("demo", "run", "scan", "backtest", "patterns", "signals", "why", "config", "simulator")
MODULE = [sys.executable, "-m", "crypto_signals"]
HEADER = "symbol,ts,open,high,low,close,volume\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_help_lists_the_commands_quickly(program: Program) -> None:
    """``--help`` names every command and imports none of the heavy libraries."""
    code = (
        "import sys\nfrom crypto_signals.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = ('numpy', 'matplotlib', 'sqlalchemy', 'httpx', 'pyarrow', 'numba', 'talib')\n"
        "sys.stderr.write(' '.join(name for name in heavy if name in sys.modules))\n"
    )
    answer = program.command([sys.executable, "-c", code])
    assert (answer.code, answer.err) == (0, "")
    for name in COMMANDS:
        assert name in answer.out


def test_a_scan_loads_nothing_it_has_no_use_for(program: Program) -> None:
    """Neither TA-Lib nor Arrow brings pandas in, and no store is loaded: all that takes half a second."""
    code = (
        "import sys\nfrom crypto_signals.cli import main\n"
        f"try:\n    main(['scan', '--bars', {str(CRYPTO)!r}, '--symbol', 'LTC/USD', '--last'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "idle = ('pandas', 'polars', 'sqlalchemy', 'matplotlib', 'httpx')\n"
        "print([name for name in idle if name in sys.modules])\n"
    )
    answer = program.command([sys.executable, "-c", code])
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == "[]"


def test_a_run_in_which_nothing_ended_loads_no_warehouse(program: Program) -> None:
    """DuckDB and the library that draws are for what has closed, and for charts."""
    code = (
        "import sys\nfrom crypto_signals.cli import main\n"
        "try:\n    main(['run', '--format', 'json'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([name for name in ('duckdb', 'matplotlib') if name in sys.modules])\n"
    )
    bars = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "LTC/USD"}
    answer = program.command([sys.executable, "-c", code], **bars, SENTINEL_NOW="2018-06-02T00:10:00Z")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("demo",),
        ("run",),
        ("scan",),
        ("backtest",),
        ("patterns",),
        ("signals",),
        ("signals", "list"),
        ("signals", "show"),
        ("why",),
        ("config",),
        ("simulator",),
    ],
)
def test_every_command_explains_itself(program: Program, words: tuple[str, ...]) -> None:
    """``-h`` and ``--help`` print the same and exit 0."""
    short, long = (clean(program(*words, flag)) for flag in ("-h", "--help"))
    assert (short.code, short.out) == (0, long.out)
    assert "Usage" in short.out
    assert short.err == ""


def test_the_module_is_the_command(program: Program) -> None:
    """``python -m crypto_signals`` prints what ``sentinel`` prints."""
    words = ["patterns", "--format", "json"]
    assert program.command([*MODULE, *words]) == program(*words)


def test_main_is_one_run(program: Program) -> None:
    """``python -m crypto_signals.main`` is ``sentinel run``, options and exit codes included."""
    settings = {"BARS_URL": f"file:{CRYPTO}", "SENTINEL_NOW": "2018-12-20T00:05:00Z"}
    first = program.command([*MODULE[:2], "crypto_signals.main", "--format", "json"], **settings)
    second = program("run", "--format", "json", SENTINEL_HOME=program.folder / "other", **settings)
    assert first.code == second.code == 0
    skipped = {"duration_s"}
    assert {k: v for k, v in first.row.items() if k not in skipped} == {
        k: v for k, v in second.row.items() if k not in skipped
    }


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("scan",),
        ("backtest",),
        ("scan", "--bars", str(CRYPTO), "--from", "yesterday"),
        ("scan", "--bars", str(CRYPTO), "--timeframe", "7Foo"),
        ("scan", "--bars", str(CRYPTO), "--symbol", "NOPE/USD"),
        ("why",),
        ("why", "NOPE/USD", "--bars", str(CRYPTO)),
        ("why", "not a symbol", "--bars", str(CRYPTO)),
        ("demo", "--days", "0"),
        ("demo", "--days", "many"),
        ("config", "--format", "xml"),
    ],
    ids=" ".join,
)
def test_bad_usage_exits_2_and_prints_nothing_on_stdout(program: Program, words: tuple[str, ...]) -> None:
    """What was wrong stands on stderr; no traceback; exit 2."""
    answer = clean(program(*words))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.strip()


def row(**changes: object) -> dict[str, list[object]]:
    ts = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
    values = {
        "symbol": "BTC/USD",
        "ts": ts,
        "open": 1.0,
        "high": 1.0,
        "low": 1.0,
        "close": 1.0,
        "volume": 1.0,
    }
    return {name: [value] for name, value in (values | changes).items() if value is not ...}


def bad_files() -> dict[str, bytes]:
    """Files that cannot be used, by name."""
    tables = {
        "missing.parquet": row(close=...),
        "text.parquet": row(open="1.0"),
        "naive.parquet": row(ts=dt.datetime(2018, 1, 1)),  # noqa: DTZ001 - that is the fault
        "integers.parquet": row(ts=1514764800),
        "empty.parquet": {name: values[:0] for name, values in row().items()},
    }
    made: dict[str, bytes] = {}
    for name, columns in tables.items():
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink)
        made[name] = sink.getvalue().to_pybytes()
    return made | {
        "nothing.csv": b"",
        "header.csv": HEADER.encode(),
        "naive.csv": (HEADER + "BTC/USD,2018-01-01T00:00:00,1,1,1,1,1\n").encode(),
        "words.csv": (HEADER + "BTC/USD,2018-01-01T00:00:00Z,one,1,1,1,1\n").encode(),
        "short.csv": (HEADER + "BTC/USD,2018-01-01T00:00:00Z,1\n").encode(),
        "bytes.csv": bytes(range(256)),
        "not_parquet.parquet": b"PAR1 this is not one",
        "zero.parquet": b"",
    }


@pytest.mark.parametrize("name", sorted(bad_files()))
def test_a_file_that_cannot_be_used_is_one_line_and_exit_2(program: Program, name: str) -> None:
    """It names the file and what is wrong with it."""
    (program.folder / name).write_bytes(bad_files()[name])
    assert name in one_line(program("scan", "--bars", name), 2)


@pytest.mark.parametrize("where", ["no/such/file.parquet", "", "/dev/null", "."])
def test_a_path_that_is_no_file_is_one_line_and_exit_2(program: Program, where: str) -> None:
    """A missing file, a folder without bars, an empty device."""
    one_line(program("scan", "--bars", where), 2)


def test_bad_bars_for_the_main_job_are_bad_configuration(program: Program) -> None:
    """``BARS_URL`` naming a file that is not there: one line, exit 2, and no store is made."""
    one_line(program.run(BARS_URL="file:nowhere.parquet"), 2)
    assert not (program.home / "sentinel.db").exists()


@pytest.mark.parametrize("path", sorted((REAL_DATA / "hostile").glob("*")), ids=lambda path: path.name)
def test_hostile_files_give_a_clear_report(program: Program, path: Path) -> None:
    """Not the columns of bars: exit 2 in one line. Bad bars are reported, the rest is scanned."""
    hourly = ["--timeframe", "1Hour"] if "hourly" in path.name else []
    answer = clean(program("scan", "--bars", path, "--last", "--format", "json", *hourly))
    if path.suffix == ".csv":
        assert "missing" in one_line(answer, 2)
        return
    assert answer.code == 0
    assert answer.rows
    assert "removed" in answer.err
    assert all(line.split(":")[0] for line in answer.said)


def test_no_valid_bar_at_all_is_exit_2(program: Program) -> None:
    """A file of nothing but impossible bars: what is wrong, and exit 2."""
    pq.write_table(pa.table(row(high=0.5)), program.folder / "bad.parquet")
    answer = clean(program("scan", "--bars", "bad.parquet"))
    assert (answer.code, answer.out) == (2, "")
    assert "BTC/USD" in answer.err


def test_a_wrong_timeframe_is_explained(program: Program) -> None:
    """Hourly bars looked at as daily ones: exit 2, the line says how far apart the bars are."""
    hourly = CRYPTO.with_name("crypto_hourly.parquet")
    assert "1 h apart" in one_line(program("scan", "--bars", hourly), 2)


def test_piping_into_head_gives_no_traceback(program: Program) -> None:
    """A reader that leaves early is no error worth a word."""
    command = f"'{SENTINEL}' scan --bars '{CRYPTO}' --format json | head -n 1"
    answer = program.command(["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"])
    assert len(answer.rows) == 1
    assert "Traceback" not in answer.err
    assert "Broken" not in answer.err
    assert answer.code in {0, 141}


def test_a_state_folder_that_cannot_be_used_is_exit_3(program: Program) -> None:
    """A file in the place of the folder: one line, exit 3."""
    (program.folder / "file").write_text("")
    for words in (("demo", "--days", "2"), ("signals", "list"), ("run",)):
        settings = {"SENTINEL_HOME": program.folder / "file", "BARS_URL": f"file:{CRYPTO}"}
        one_line(program(*words, **settings), 3)


def test_a_store_that_is_something_else_is_exit_3(program: Program) -> None:
    """A damaged or foreign file is not touched: one line, exit 3."""
    program.home.mkdir()
    store = program.home / "sentinel.db"
    store.write_bytes(b"this is not a database, but it is somebody's file " * 100)
    before = store.read_bytes()
    for words in (("signals", "list"), ("run",)):
        one_line(program(*words, BARS_URL=f"file:{CRYPTO}"), 3)
    assert store.read_bytes() == before


def test_a_locked_database_is_exit_3(program: Program) -> None:
    """Another program's write lock: a clear line after a bounded wait, exit 3, nothing half-written."""
    settings = {"BARS_URL": f"file:{CRYPTO}", "SENTINEL_NOW": "2018-12-20T00:05:00Z"}
    clean(program("run", **settings))
    with sqlite3.connect(program.home / "sentinel.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in one_line(program("run", **settings), 3)
        other.execute("ROLLBACK")
    other.close()
    assert clean(program("run", **settings)).code == 0


def test_a_full_disk_is_exit_3(program: Program) -> None:
    """A file-size limit stands for the full disk: no traceback, exit 3, and the next run is whole."""
    settings = {"BARS_URL": f"file:{CRYPTO},{EQUITY}", "SENTINEL_NOW": "2018-12-20T00:05:00Z"}
    clean(program("run", **settings))
    command = ["bash", "-c", f"trap '' XFSZ; ulimit -f 4; exec '{SENTINEL}' run --format json"]
    answer = clean(program.command(command, **settings | {"SENTINEL_NOW": "2018-12-24T00:05:00Z"}))
    assert answer.code == 3
    assert clean(program("run", **settings | {"SENTINEL_NOW": "2018-12-24T00:05:00Z"})).code == 0


def test_a_disk_without_a_byte_left_is_exit_3(program: Program) -> None:
    """Where not even the holder's name can be written: one line that says what to do; health says it too."""
    for word, code in (("run", 3), ("cleanup", 3), ("health", 1)):
        limited = f"trap '' XFSZ; ulimit -f 0; exec '{SENTINEL}' {word} 2>&1 | cat; exit ${{PIPESTATUS[0]}}"
        answer = clean(program.command(["bash", "-c", limited], BARS_URL=f"file:{CRYPTO}"))
        assert answer.code == code
        assert "Free some space" in answer.out


@pytest.mark.parametrize("name", ["a folder #1", "100%41", "what?really"])
def test_odd_folder_names_work(program: Program, name: str) -> None:
    """The state is where SENTINEL_HOME says, whatever characters its name has."""
    home = program.folder / name
    assert clean(program("demo", "--days", "2", SENTINEL_HOME=home)).code == 0
    assert (home / "demo" / "sentinel.db").is_file()
    assert {path.name for path in program.folder.iterdir()} == {name}


def test_sigterm_in_the_middle_of_a_demo(program: Program) -> None:
    """Exit 143 within 10 s with a summary; nothing is left owed, and the next demo is whole."""
    process = program.start("demo", "--format", "json")
    until((program.home / "demo" / "sentinel.db").exists)
    time.sleep(1)
    answer = clean(program.stop(process, signal.SIGTERM))
    assert answer.code == 143
    assert answer.row["owed"] == 0
    assert clean(program("demo", "--days", "3")).code == 0


def test_sigint_in_the_middle_of_a_demo(program: Program) -> None:
    """Ctrl-C: exit 130, no traceback."""
    process = program.start("demo")
    until((program.home / "demo" / "sentinel.db").exists)
    assert clean(program.stop(process, signal.SIGINT)).code == 130


def test_sigint_in_the_middle_of_a_scan(program: Program) -> None:
    """Ctrl-C in a command that owns no state: exit 130, no traceback."""
    hourly = CRYPTO.with_name("crypto_hourly.parquet")
    process = program.start("scan", "--bars", hourly, "--timeframe", "1Hour", "--format", "json")
    time.sleep(0.9)
    assert clean(program.stop(process, signal.SIGINT)).code == 130


def test_two_demos_in_one_folder(program: Program) -> None:
    """The second exits 0 at once, names the holder, and spoils nothing."""
    first = program.start("demo", "--format", "json", "--days", "60")
    until((program.home / "demo" / "sentinel.db").exists)
    assert str(first.pid) in one_line(program("demo", "--days", "2"), 0)
    assert clean(program.finish(first)).code == 0


def as_nobody(program: Program, *words: str, **settings: object) -> Answer:
    """A command run by an account that may write nowhere but in a temporary folder."""
    for parent in (program.folder, *list(program.folder.parents)[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    drop = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become somebody else")
    if subprocess.run([*drop, SENTINEL, "-h"], capture_output=True, check=False).returncode:
        pytest.skip("nobody may run the program here")
    return program.command([*drop, SENTINEL, *words], **settings)


def test_a_read_only_folder_is_exit_3(program: Program) -> None:
    """A state folder without write permission: one line, exit 3."""
    locked = program.folder / "locked"
    locked.mkdir(mode=0o555)
    cache = program.folder / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    settings = {"SENTINEL_HOME": locked / "home", "NUMBA_CACHE_DIR": cache, "MPLCONFIGDIR": cache}
    assert "SENTINEL_HOME" in one_line(as_nobody(program, "demo", "--days", "2", **settings), 3)


def test_an_account_that_cannot_write_to_the_installation_can_run_it(program: Program) -> None:
    """A service account without a home of its own: compiled kernels that cannot be cached stop nothing."""
    state = program.folder / "state"
    state.mkdir()
    state.chmod(0o777)
    answer = as_nobody(program, "demo", "--days", "2", SENTINEL_HOME=state, HOME="/nonexistent")
    assert clean(answer).code == 0


def test_a_clock_with_an_offset_means_the_same_instant(program: Program) -> None:
    """SENTINEL_NOW is an instant: the run id, which says Z, is in UTC whatever offset it was written with."""
    settings = {"BARS_URL": f"file:{CRYPTO}"}
    answer = clean(program.run("2018-12-20T14:05:00+14:00", **settings))
    assert answer.row["run_id"].startswith("20181220T000500Z")


def test_symbols_that_name_nothing_are_bad_configuration(program: Program) -> None:
    """``CRYPTO_SYMBOLS=,`` looks at nothing: exit 2 with files as with Alpaca, no run of 0 symbols."""
    assert "CRYPTO_SYMBOLS" in one_line(program.run(CRYPTO_SYMBOLS=",", BARS_URL=f"file:{CRYPTO}"), 2)


def test_the_simulator_says_that_its_port_is_taken(program: Program) -> None:
    """An address in use: one line, no traceback, exit 2 or 3."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = clean(program("simulator", "--port", taken.getsockname()[1]))
    assert answer.code in {2, 3}


def test_the_simulator_says_that_its_bars_are_missing(program: Program) -> None:
    """A bars file that is not there: one line, exit 2."""
    assert "nowhere.parquet" in one_line(program("simulator", "--port", "0", "--bars", "nowhere.parquet"), 2)


def test_the_simulator_stands_where_it_is_told_and_fails_at_random(program: Program) -> None:
    """``--now``, ``--plan`` and ``--faults SEED``, from the first request on."""
    words = ("simulator", "--port", 0, "--now", "2018-12-31T00:05:00Z", "--plan", "plus")
    with program.start(*words, "--faults", 7, "--fault-rate", 0.5) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        clock = httpx.get(f"{url}/simulator/clock", trust_env=False).json()
        faults = httpx.get(f"{url}/simulator/faults/random", trust_env=False).json()
        assert program.stop(process, signal.SIGTERM).code == 0
    assert clock == {"now": "2018-12-31T00:05:00Z"}
    assert [(one["service"], one["seed"]) for one in faults] == [("alpaca", 7), ("discord", 7)]


@pytest.mark.parametrize("now", ["soon", "2018-12-31T00:05:00"])
def test_the_simulator_needs_an_instant(program: Program, now: str) -> None:
    """A time that is none, or means another one elsewhere: one line, exit 2."""
    assert "--now" in one_line(program("simulator", "--port", 0, "--now", now), 2)
