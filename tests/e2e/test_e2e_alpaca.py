"""``sentinel run`` with no keys: Alpaca's crypto bars from the stand-in, announced to the console."""

import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.program import CRYPTO, Program, clean, one_line, until
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

SYMBOLS = "BTC/USD,ETH/USD,LTC/USD"
BARS = "/v1beta3/crypto"


@pytest.fixture(scope="module")
def served() -> Iterator[DiscordSimulator]:
    with running_simulator(bars=[CRYPTO], now="2018-12-20T00:05:00Z") as simulator:
        yield simulator


@pytest.fixture
def alpaca(served: DiscordSimulator) -> DiscordSimulator:
    served.reset()
    return served


@pytest.fixture
def program(alpaca: DiscordSimulator, tmp_path: Path) -> Program:
    return Program(tmp_path, {"ALPACA_DATA_URL": alpaca.alpaca_data_url, "CRYPTO_SYMBOLS": SYMBOLS})


def day(simulator: DiscordSimulator, number: int) -> str:
    """The stand-in's clock and the program's, five minutes into a day of December 2018."""
    now = f"2018-12-{number}T00:05:00Z"
    simulator.clock(now)
    return now


def test_bars_from_alpaca_give_the_signals_that_files_give(
    program: Program, alpaca: DiscordSimulator, tmp_path: Path
) -> None:
    """Announced on stdout, in words; the same ids and levels as with the same bars from a file."""
    assert clean(program.run(day(alpaca, 20))).code == 0
    answer = clean(program("run", SENTINEL_NOW=day(alpaca, 21)))
    assert answer.code == 0
    assert "ETH/USD" in answer.out
    assert "Execution summary" in answer.out
    other = Program(tmp_path / "file", {"BARS_URL": f"file:{CRYPTO}"})
    other.folder.mkdir()
    for number in (20, 21):
        clean(other.run(f"2018-12-{number}T00:05:00Z"))
    keys = ("signal_id", "symbol", "bar_ts", "entry", "stop", "targets", "status", "conviction")
    assert [[row[key] for key in keys] for row in program.signals()] == [
        [row[key] for key in keys] for row in other.signals()
    ]
    assert {row["feed"] for row in program.signals()} == {"us"}


def test_with_json_the_announcement_is_not_on_stdout(program: Program, alpaca: DiscordSimulator) -> None:
    """stdout is one object for scripts; people read stderr."""
    clean(program.run(day(alpaca, 20)))
    answer = clean(program.run(day(alpaca, 21)))
    assert answer.row["announcements"] == 2
    assert "ETH/USD" in answer.err


def test_one_unknown_symbol_never_stops_the_others(program: Program, alpaca: DiscordSimulator) -> None:
    """A symbol without bars is an error with exit 1; the others are processed."""
    answer = clean(program.run(day(alpaca, 21), CRYPTO_SYMBOLS="NOPE/USD,ETH/USD"))
    assert (answer.code, answer.row["symbols_processed"], answer.row["symbols_total"]) == (1, 1, 2)
    assert [error["symbol"] for error in answer.row["errors"]] == ["NOPE/USD"]


def test_a_minute_later_no_bar_is_asked_for_again(program: Program, alpaca: DiscordSimulator) -> None:
    """Closed bars are kept under SENTINEL_HOME; damaged, they are fetched again with a warning."""
    assert clean(program.run(day(alpaca, 20))).row["requests"] == 1
    again = clean(program.run(day(alpaca, 20)))
    assert (again.code, again.row["requests"], again.row["symbols_processed"]) == (0, 0, 3)
    assert again.row["breakers"] == {"alpaca_crypto": "closed"}
    (kept,) = (program.home / "bars").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:1000])
    mended = clean(program.run(day(alpaca, 20)))
    assert (mended.code, mended.row["requests"]) == (0, 1)
    assert "is damaged: its bars are fetched again" in mended.err


def test_a_day_without_network_loses_nothing(
    program: Program, alpaca: DiscordSimulator, tmp_path: Path
) -> None:
    """Exit 3; the next day catches up: the same signals with the same levels as without the outage."""
    other = Program(tmp_path / "other", dict(program.settings))
    other.folder.mkdir()
    for number in (20, 21, 22):
        clean(other.run(day(alpaca, number)))
    assert clean(program.run(day(alpaca, 20))).code == 0
    alpaca.faults([{"fault": "reset_before", "path": BARS, "times": None}])
    assert clean(program.run(day(alpaca, 21))).code == 3
    alpaca.clear_faults()
    answer = clean(program.run(day(alpaca, 22)))
    assert (answer.code, answer.row["requests"]) == (0, 1)
    keys = ("signal_id", "bar_ts", "entry", "stop", "targets", "entry_ts", "entry_fill", "result_r")
    assert other.signals()
    assert [[row[key] for key in keys] for row in program.signals()] == [
        [row[key] for key in keys] for row in other.signals()
    ]


def test_an_unreachable_network_is_one_line_and_exit_3(tmp_path: Path) -> None:
    """It says so in one line and exits 3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Program(tmp_path, {"ALPACA_DATA_URL": f"http://127.0.0.1:{port}"})
    assert "cannot be reached" in one_line(program("run"), 3)


def test_an_unreachable_network_writes_nothing_half(tmp_path: Path) -> None:
    """No signal, event, effect or watermark is stored, and the next run starts as the first would."""
    program = Program(tmp_path, {"ALPACA_DATA_URL": "http://127.0.0.1:9"})
    assert program("run").code == 3
    with sqlite3.connect(program.home / "sentinel.db") as store:
        tables = ("signals", "events", "effects", "watermarks")
        counts = [store.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables]
    store.close()
    assert counts == [(0,)] * 4


def test_sigterm_ends_the_wait_for_alpacas_allowance(program: Program, alpaca: DiscordSimulator) -> None:
    """Told by Alpaca to come back in a minute, the program still exits 143 within 10 s."""
    reset = {"X-RateLimit-Reset": str(int(time.time()) + 60)}
    alpaca.faults([{"fault": "status", "status": 429, "headers": reset, "path": BARS}])
    process = program.start("run", SENTINEL_NOW=day(alpaca, 21))
    until(alpaca.requests)
    assert program.stop(process, signal.SIGTERM).code == 143


def test_the_budget_bounds_the_wait_for_alpaca(program: Program, alpaca: DiscordSimulator) -> None:
    """RUN_BUDGET_SECONDS is what a run may take, also where Alpaca asks to wait."""
    reset = {"X-RateLimit-Reset": str(int(time.time()) + 60)}
    alpaca.faults([{"fault": "status", "status": 429, "headers": reset, "path": BARS, "times": None}])
    process = program.start("run", SENTINEL_NOW=day(alpaca, 21), RUN_BUDGET_SECONDS=3)
    assert program.finish(process, 15).code == 3


def test_keys_are_never_shown(program: Program, alpaca: DiscordSimulator) -> None:
    """Refused keys, echoed by the service, are in no output and no file."""
    keys = {"ALPACA_API_KEY": "CANARYKEY", "ALPACA_SECRET_KEY": "CANARYSECRET"}
    body = {"message": "forbidden: CANARYKEY CANARYSECRET"}
    alpaca.faults([{"fault": "status", "status": 403, "body": body, "path": BARS, "times": None}])
    answer = clean(program.run(day(alpaca, 21), **keys))
    assert answer.code == 3
    assert program.leaks("CANARYKEY", "CANARYSECRET") == []
