"""Bars from files as a source: what is known when, and who is told what."""

from pathlib import Path

import numpy as np
import pytest

from crypto_signals.domain.bars import BarFault
from crypto_signals.domain.errors import NoBars, UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.engine.ports import BarSource, Wanted
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.file_source import FileBars
from market.samples import Row, stamps, steady, utc, write

DAY, HOUR, FIVE = Timeframe("1Day"), Timeframe("1Hour"), Timeframe("5Min")


def source(path: Path, *symbols: str) -> BarSource:
    return FileBars([path], MarketCalendar(), symbols or None)


def wanted(symbol: str, since: str | None = None) -> list[Wanted]:
    return [Wanted(Instrument.of(symbol), utc(since) if since else None)]


@pytest.mark.parametrize(
    ("symbol", "now", "last"),
    [
        ("BTC/USD", "2018-07-05T00:00:59", "2018-07-03"),
        ("BTC/USD", "2018-07-05T00:01:00", "2018-07-04"),
        ("SPY", "2018-07-02T20:19:59", "2018-07-01"),
        ("SPY", "2018-07-02T20:20:00", "2018-07-02"),
        ("SPY", "2018-07-03T17:20:00", "2018-07-03"),
    ],
)
def test_a_bar_shows_up_at_its_close_plus_the_grace(tmp_path: Path, symbol: str, now: str, last: str) -> None:
    """Not a second earlier: neither for crypto, nor on a half day of the exchange."""
    path = write(tmp_path / "a.parquet", {symbol: steady("2018-06-25", 20)})
    history = source(path).history(wanted(symbol), DAY, utc(now))
    assert history.panel[symbol].ts[-1] == stamps(last)[0]
    assert history.feeds == {symbol: "file"}


def test_first_look_is_the_newest_bar_and_500_before(tmp_path: Path) -> None:
    """Without ``since`` 501 bars are given, or all of fewer; with it all from there on."""
    path = write(tmp_path / "a.parquet", {"BTC/USD": steady("2016-01-01", 900)})
    bars = source(path)
    now = utc("2018-01-02T00:01")
    first = bars.history(wanted("BTC/USD"), DAY, now).panel["BTC/USD"]
    assert (len(first), first.ts[-1]) == (501, stamps("2018-01-01")[0])
    since = bars.history(wanted("BTC/USD", "2016-01-10"), DAY, now).panel["BTC/USD"]
    assert (since.ts[0], since.ts[-1]) == tuple(stamps("2016-01-10", "2018-01-01"))
    early = bars.history(wanted("BTC/USD"), DAY, utc("2016-01-04T00:01")).panel["BTC/USD"]
    assert len(early) == 3


def test_nothing_new_is_no_fault(tmp_path: Path) -> None:
    """A ``since`` after the newest bar gives an empty panel; before any bar is known, NoBars."""
    path = write(tmp_path / "a.parquet", {"BTC/USD": steady("2018-01-01", 9)})
    bars = source(path)
    assert len(bars.history(wanted("BTC/USD", "2018-01-05"), DAY, utc("2018-01-05T12:00")).panel) == 0
    with pytest.raises(NoBars, match="no valid 1Day bar that is known by now"):
        bars.history(wanted("BTC/USD"), DAY, utc("2018-01-01T12:00"))
    assert len(bars.history([], DAY, utc("2018-01-05T12:00")).panel) == 0


def test_unknown_symbols_are_errors_of_their_own(tmp_path: Path) -> None:
    """A configured symbol that the files lack is named with its nearest; the others go on."""
    path = write(tmp_path / "a.parquet", {"BTC/USD": steady("2018-01-01", 9), "SPY": steady("2018-01-01", 9)})
    bars = source(path, "BTCUSD", "BTC/USD")
    assert [instrument.symbol for instrument in bars.instruments()] == ["BTCUSD", "BTC/USD"]
    history = bars.history([*wanted("BTCUSD"), *wanted("BTC/USD")], DAY, utc("2018-01-05"))
    assert [(error.symbol, error.service) for error in history.errors] == [("BTCUSD", "file")]
    assert history.errors[0].error == "is not in the bars files; the nearest they hold: BTC/USD"
    assert history.panel.symbols == ("BTC/USD",)
    with pytest.raises(NoBars, match="BTCUSD: is not in the bars files"):
        bars.history(wanted("BTCUSD"), DAY, utc("2018-01-05"))


def test_all_symbols_of_the_files_by_default(tmp_path: Path) -> None:
    """Without a list of symbols, the instruments are those in the files."""
    path = write(tmp_path / "a.parquet", {"SPY": steady("2018-01-01", 2), "BTC/USD": steady("2018-01-01", 2)})
    assert [instrument.symbol for instrument in source(path).instruments()] == ["SPY", "BTC/USD"]


def test_problems_are_told_once_and_only_when_known(tmp_path: Path) -> None:
    """A bad bar is reported with the first history that reaches it, not before, and not again."""
    rows: list[Row] = steady("2018-01-01", 9)
    rows[4] = ("2018-01-05", 10.0, 9.0, 8.0, 8.5, 1.0)
    path = write(tmp_path / "a.parquet", {"BTC/USD": rows})
    bars = source(path)
    told = [
        bars.history(wanted("BTC/USD"), DAY, utc(now)).problems
        for now in ("2018-01-05T12:00", "2018-01-06T00:01", "2018-01-07T00:01")
    ]
    assert [len(problems) for problems in told] == [0, 1, 0]
    assert (told[1][0].kind, told[1][0].detail) == (BarFault.INVALID, "high 9 is below open 10")


def test_problems_before_the_bars_given_are_not_told(tmp_path: Path) -> None:
    """A bad bar from before ``since`` is nobody's concern."""
    rows: list[Row] = steady("2018-01-01", 9)
    rows[2] = ("2018-01-03", 10.0, 9.0, 8.0, 8.5, 1.0)
    path = write(tmp_path / "a.parquet", {"BTC/USD": rows})
    assert source(path).history(wanted("BTC/USD", "2018-01-05"), DAY, utc("2018-01-09")).problems == ()


def test_stock_days_are_stamped_alike_whatever_the_vendor(tmp_path: Path) -> None:
    """New York midnights become 00:00 UTC of the date."""
    rows: list[Row] = [
        (f"2018-03-{day:02}T{hour:02}:00", 9.0, 10.0, 8.0, 9.0 + day / 100, 1.0)
        for day, hour in ((8, 5), (9, 5), (12, 4), (13, 4))
    ]
    history = source(write(tmp_path / "a.parquet", {"SPY": rows})).history(
        wanted("SPY"), DAY, utc("2018-04-01")
    )
    np.testing.assert_array_equal(
        history.panel["SPY"].ts, stamps("2018-03-08", "2018-03-09", "2018-03-12", "2018-03-13")
    )


def test_extended_hours_are_left_out(tmp_path: Path) -> None:
    """Of a stock's five-minute bars round the clock, the 78 of the regular session stay, without a report."""
    path = write(tmp_path / "a.parquet", {"SPY": steady("2018-07-02", 288, minutes=5)})
    history = source(path).history(wanted("SPY"), FIVE, utc("2018-07-04"))
    assert (len(history.panel["SPY"]), history.problems) == (78, ())


@pytest.mark.parametrize(
    ("minutes", "timeframe", "says"),
    [
        (60, DAY, "mostly 1 h apart, so they are no 1Day bars"),
        (1440, HOUR, "mostly 1 d apart, so they are no 1Hour"),
    ],
)
def test_bars_of_another_length_are_refused(
    tmp_path: Path, minutes: int, timeframe: Timeframe, says: str
) -> None:
    """Taking hours for days, or days for hours, would tell bars at the wrong time: the symbol is an error."""
    path = write(tmp_path / "a.parquet", {"BTC/USD": steady("2018-01-01", 60, minutes)})
    with pytest.raises(NoBars, match=says):
        source(path).history(wanted("BTC/USD"), timeframe, utc("2019-01-01"))


def test_two_kinds_of_crypto_day_are_refused(tmp_path: Path) -> None:
    """Days from midnight UTC and days from midnight Chicago never share a series."""
    rows = steady("2025-06-01T05:00", 20) + steady("2025-06-22", 20)
    path = write(tmp_path / "a.parquet", {"BTC/USD": rows, "ETH/USD": steady("2025-06-01T05:00", 60)})
    history = source(path).history([*wanted("BTC/USD"), *wanted("ETH/USD")], DAY, utc("2025-09-01"))
    assert history.panel.symbols == ("ETH/USD",)
    assert "daily bars begin at 00:00 and 05:00 UTC" in history.errors[0].error


def test_bars_outside_the_exchange_calendar_are_an_error_of_their_symbol(tmp_path: Path) -> None:
    """A stock with bars from before the calendar fails alone, saying so."""
    path = write(tmp_path / "a.parquet", {"IBM": steady("1972-01-03", 9), "SPY": steady("2018-01-01", 9)})
    history = source(path).history([*wanted("IBM"), *wanted("SPY")], DAY, utc("2019-01-01"))
    assert [error.symbol for error in history.errors] == ["IBM"]
    assert "knows 1990-01-01 to 2031-12-31, not 1972-01-03" in history.errors[0].error


def test_a_bad_file_stops_at_once(tmp_path: Path) -> None:
    """A file that cannot be used is an error of the person who named it, before any run."""
    with pytest.raises(UsageError, match="there is no such file"):
        source(tmp_path / "none.parquet")
