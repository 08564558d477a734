"""Bars files that are wrong, short or beside the question: one clear sentence on stderr, and no traceback."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.program import Answer, Program

HEADER = "symbol,ts,open,high,low,close,volume\n"
SHORT = "too few bars to find anything, which takes 251: BTC/USD (10)\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def table(symbol: str, hours: np.ndarray, prices: np.ndarray | None = None) -> pa.Table:
    """Bars that open so many hours after 2020-03-02, a Monday."""
    close = 100 + np.arange(len(hours)) % 7 if prices is None else prices
    ts = np.datetime64("2020-03-02", "us") + (60 * hours).astype(np.int64) * np.timedelta64(1, "m")
    columns = {name: pa.array(close, pa.float64()) for name in ("open", "high", "low", "close")}
    stamps = {"symbol": [symbol] * len(hours), "ts": pa.array(ts, pa.timestamp("us", "UTC"))}
    return pa.table({**stamps, **columns, "volume": pa.array(np.full(len(hours), 5.0))})


def days(count: int, symbol: str = "BTC/USD") -> pa.Table:
    return table(symbol, 24 * np.arange(count))


def file(program: Program, name: str, content: pa.Table | str | bytes) -> Path:
    path = program.folder / name
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def scan(program: Program, *paths: Path, words: tuple[str, ...] = ()) -> Answer:
    named = [word for path in paths for word in ("--bars", path)]
    return program("scan", *named, *words)


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_symbol_of_ten_bars(program: Program, output: str) -> None:
    """Nothing can be found on them, and that is said, not left to be taken for an answer."""
    answer = scan(program, file(program, "b.parquet", days(10)), words=("--format", output))
    assert (answer.code, answer.err) == (0, SHORT)
    assert answer.out.startswith("0 detections" if output == "table" else "")


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    "period",
    [("--from", "2030-01-01"), ("--to", "2019-12-31"), ("--from", "2020-04-01", "--to", "2020-03-09")],
)
def test_no_bars_in_the_period(program: Program, output: str, period: tuple[str, ...]) -> None:
    """What the files do hold is named."""
    path = file(program, "b.parquet", days(60))
    answer = scan(program, path, words=(*period, "--format", output))
    assert (answer.code, answer.out) == (2, "")
    assert (
        "no bar between --from and --to: the bars files hold bars from 2020-03-02 to 2020-04-30" in answer.err
    )


def test_the_last_day_that_there_can_be(program: Program) -> None:
    """The day after it does not exist, and is not asked for."""
    assert scan(program, file(program, "b.parquet", days(9)), words=("--to", "9999-12-31")).code == 0


@pytest.mark.parametrize("output", ["table", "json"])
def test_daily_and_hourly_files_together(program: Program, output: str) -> None:
    """Neither as days nor as hours; the good symbol beside them is still scanned, with exit 1."""
    daily = file(program, "d.parquet", pa.concat_tables([days(60), days(60, "ETH/USD")]))
    hourly = file(program, "h.parquet", table("BTC/USD", 24 * 9 + np.arange(30)))
    answer = scan(program, daily, hourly, words=("--format", output))
    assert answer.code == 1
    assert "BTC/USD: holds bars of more than one length: 1Day bars, and " in answer.err
    answer = scan(program, daily, hourly, words=("--timeframe", "1Hour", "--format", output))
    assert answer.code == 2
    assert "follow each other 1 d apart, so they are no 1Hour bars" in answer.err


@pytest.mark.parametrize(
    ("content", "timeframe", "says"),
    [
        (days(10), "1Hour", "10 of its 10 bars follow each other 1 d apart, so they are no 1Hour bars"),
        (
            days(4, "IBM"),
            "1Hour",
            "IBM: none of its bars opens within regular trading hours, as no daily bar",
        ),
        (table("BTC/USD", np.array([0, 1, 2, 2.5, 3, 4])), "1Hour", "bars of more than one length"),
    ],
    ids=["ten days", "days of a stock", "half an hour"],
)
def test_bars_of_another_length(program: Program, content: pa.Table, timeframe: str, says: str) -> None:
    """However few, and whether shorter or longer."""
    answer = scan(program, file(program, "b.parquet", content), words=("--timeframe", timeframe))
    assert answer.code == 2
    assert says in answer.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("b.csv", "", "is empty; give a file with at least one row"),
        ("b.parquet", b"", "is empty; give a file with at least one row"),
        ("b.csv", HEADER, "holds no bars; give a file with at least one row"),
        ("b.parquet", days(0), "holds no bars; give a file with at least one row"),
        ("b.parquet", days(9).drop_columns(["volume"]), "the column volume is missing"),
        ("b.csv", HEADER + "A,2020-03-02T00:00:00Z,1,1,1,1,lots\n", "volume 'lots' (row 2) is not a number"),
        (
            "b.parquet",
            days(9).set_column(6, "volume", pa.array(["5"] * 9)),
            "volume holds string, not numbers",
        ),
        ("b.parquet", days(9).set_column(6, "volume", pa.nulls(9)), "the column volume is empty; fill it in"),
        (
            "b.parquet",
            days(9).set_column(6, "volume", pa.nulls(9, pa.float64())),
            "no valid 1Day bar that is known by now: BTC/USD: 9 bars removed: volume is missing",
        ),
    ],
)
def test_a_file_that_is_no_bars_file(
    program: Program, name: str, content: pa.Table | str | bytes, says: str
) -> None:
    """One line, exit 2, nothing on stdout."""
    answer = scan(program, file(program, name, content))
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert says in answer.err


def test_a_folder_without_bars(program: Program) -> None:
    """It is no file, and holds none."""
    (program.folder / "empty").mkdir()
    answer = scan(program, program.folder / "empty")
    assert answer.code == 2
    assert "the folder holds no .parquet and no .csv file" in answer.err


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("command", [["scan"], ["why", "NVDA"], ["audit", "--detector", "engulfing_bullish"]])
def test_a_split_that_was_not_adjusted(program: Program, command: list[str], output: str) -> None:
    """Every command names it on stderr, by symbol, day and ratio."""
    weekdays = 24 * np.array([day for day in range(50) if day % 7 < 5 and day != 39])
    prices = 100 + np.sin(np.arange(len(weekdays)))
    prices[20:] /= 10
    path = file(program, "b.parquet", table("NVDA", weekdays, prices))
    answer = program(*command, "--bars", path, "--format", output)
    line = "NVDA: 2020-03-30 looks like a split of 10 for 1 that was not adjusted: open "
    assert sum(said.startswith(line) for said in answer.err.splitlines()) == 1
    assert "Traceback" not in answer.err
