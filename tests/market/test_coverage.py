"""Gaps, staleness and odd volumes are told against the calendar, in one line each."""

import numpy as np
import pytest

from crypto_signals.analysis.panel import Series
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.coverage import unusual
from market.samples import raw, steady, utc

CALENDAR, DAY = MarketCalendar(), Timeframe("1Day")


def series(
    symbol: str, first: str, bars: int, *, without: tuple[int, ...] = (), minutes: int = 1440
) -> Series:
    own = raw(steady(first, bars, minutes))
    kept = own.take(np.array([row for row in range(bars) if row not in without]))
    return Series.of(symbol, kept.ts, (kept.open, kept.high, kept.low, kept.close), kept.volume)


def sessions(symbol: str, *, without: tuple[int, ...] = ()) -> Series:
    """The weekdays of 2018-11-26 to 12-21; 12-05 is a day of mourning, without a session."""
    weeks = np.datetime64("2018-11-26") + 7 * np.arange(4)
    own = raw([row for week in weeks for row in steady(str(week), 5)])
    kept = own.take(np.array([row for row in range(20) if row not in {7, *without}]))
    return Series.of(symbol, kept.ts, (kept.open, kept.high, kept.low, kept.close), kept.volume)


def said(*panel: Series, now: str, timeframe: Timeframe = DAY) -> list[str]:
    return unusual(panel, timeframe, CALENDAR, utc(now))


def test_complete_bars_are_no_news() -> None:
    """Over weekends, a holiday, and until the next bar is known."""
    assert said(sessions("SPY"), now="2018-12-24T17:59:00") == []
    assert said(series("BTC/USD", "2018-11-01", 30), now="2018-12-02T00:00:59") == []


@pytest.mark.parametrize(
    ("own", "now", "newest"),
    [
        (sessions("SPY"), "2018-12-24T18:20:00", "2018-12-21"),
        (series("BTC/USD", "2018-11-01", 30), "2018-12-02T00:01:00", "2018-11-30"),
    ],
)
def test_a_bar_that_is_due(own: Series, now: str, newest: str) -> None:
    """It is named from the moment at which it should be known, half days included."""
    assert said(own, now=now) == [f"1 symbol without the bar that is due: {own.symbol} (newest {newest})"]


def test_short_bars_are_late_after_a_session() -> None:
    """A quiet hour is no news; a day without any is."""
    hours = series("BTC/USD", "2018-11-01", 48, minutes=60)
    assert said(hours, now="2018-11-03T20:00:00", timeframe=Timeframe("1Hour")) == []
    (line,) = said(hours, now="2018-11-04T00:01:00", timeframe=Timeframe("1Hour"))
    assert line.endswith("BTC/USD (newest 2018-11-02 23:00 UTC)")


def test_gaps_among_the_newest() -> None:
    """Missing days are counted; those long ago are not told for ever."""
    lines = said(
        series("BTC/USD", "2018-11-01", 40, without=(30, 31, 35)),
        series("ETH/USD", "2018-11-01", 40, without=(5,)),
        now="2018-12-11T00:01:00",
    )
    assert lines == ["1 symbol with bars missing among the last 20: BTC/USD (3)"]
    (line,) = said(sessions("SPY", without=(3, 12)), now="2018-12-22T00:00:00")
    assert line.endswith("SPY (2)")


@pytest.mark.parametrize(
    ("symbol", "volume", "says"),
    [
        ("SPY", 30, "29×"),
        ("SPY", 0.001, "0.00097×"),
        ("SPY", 0.0, "0×"),
        ("BTC/USD", 0.0, None),
        ("SPY", 3, None),
    ],
)
def test_a_volume_out_of_all_proportion(symbol: str, volume: float, says: str | None) -> None:
    """Far above or below its usual size: perhaps another feed, or a bar that is not whole."""
    own = series(symbol, "2018-11-01", 40)
    own.volume[-1] = 1000 * volume
    lines = [line for line in said(own, now="2018-12-11T00:01:00") if "volume" in line]
    assert lines == (
        []
        if says is None
        else [f"1 symbol whose newest volume is far from its usual size: {symbol} ({says})"]
    )


def test_many_symbols_are_one_line() -> None:
    """The first few are named."""
    many = [series(f"S{at}/USD", "2018-11-01", 30) for at in range(40)]
    (line,) = said(*many, now="2018-12-05T00:01:00")
    assert line.startswith("40 symbols without the bar that is due: S0/USD (newest 2018-11-30), S1/USD")
    assert line.endswith("and 35 more")
