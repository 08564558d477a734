"""Bars of several lengths in one series are refused, in words that say what to do."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto_signals.app.bars import file_history
from crypto_signals.domain.errors import UsageError

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
FIRST = dt.datetime(2021, 3, 1, tzinfo=dt.UTC)


def written(path: Path, symbol: str, stamps: list[dt.datetime]) -> Path:
    columns = {
        name: [100.0 + n % 7 for n, _ in enumerate(stamps)] for name in ("open", "high", "low", "close")
    }
    stamp = pa.array(stamps, pa.timestamp("us", "UTC"))
    table = {"symbol": [symbol] * len(stamps), "ts": stamp, **columns, "volume": [5.0] * len(stamps)}
    pq.write_table(pa.table(table), path)
    return path


def days(count: int) -> list[dt.datetime]:
    return [FIRST + n * DAY for n in range(count)]


def hours(count: int) -> list[dt.datetime]:
    return [FIRST + 10 * DAY + n * HOUR for n in range(count)]


@pytest.mark.parametrize("symbol", ["BTC/USD", "IBM"])
def test_hours_among_days_are_refused(tmp_path: Path, symbol: str) -> None:
    """Few of them are enough: none may be taken for a day."""
    path = written(tmp_path / "bars.parquet", symbol, sorted({*days(90), *hours(5)}))
    with pytest.raises(UsageError, match=r"bars of more than one length: 1Day bars, and \d+ that follow"):
        file_history([path], "1Day")


def test_days_among_hours_are_refused(tmp_path: Path) -> None:
    """As hours they cannot be read either, where two files are given together."""
    daily = written(tmp_path / "d.parquet", "BTC/USD", days(20))
    hourly = written(tmp_path / "h.parquet", "BTC/USD", hours(400))
    with pytest.raises(UsageError, match="mostly 1 h apart, so they are no 1Day bars"):
        file_history([daily, hourly], "1Day")


def test_ten_hours_are_no_days(tmp_path: Path) -> None:
    """However few bars there are."""
    with pytest.raises(UsageError, match="mostly 1 h apart, so they are no 1Day bars"):
        file_history([written(tmp_path / "h.parquet", "BTC/USD", hours(10))], "1Day")


def test_ten_days_are_read(tmp_path: Path) -> None:
    """Few bars of one length are a short history, and no error."""
    history = file_history([written(tmp_path / "d.parquet", "BTC/USD", days(10))], "1Day")
    assert len(history.panel["BTC/USD"]) == 10
    assert not history.errors
