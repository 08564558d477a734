"""Sessions, closes and the times at which bars are known."""

import importlib.util
from datetime import UTC, datetime
from typing import Any

import exchange_calendars
import numpy as np
import pytest

from crypto_signals.analysis.panel import as_ts64
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market import sessions
from crypto_signals.market.calendars import EQUITY_GRACE, MarketCalendar
from market.samples import ROOT, stamps, utc

CRYPTO, EQUITY = AssetClass.CRYPTO, AssetClass.EQUITY
DAY, HOUR, FIVE = Timeframe("1Day"), Timeframe("1Hour"), Timeframe("5Min")
CALENDAR = MarketCalendar()

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def reference() -> Any:
    """The schedule of exchange_calendars over the years of the table."""
    calendar = exchange_calendars.get_calendar("XNYS", start=sessions.FIRST, end=sessions.LAST)
    return calendar.schedule


def test_sessions_equal_exchange_calendars(reference: Any) -> None:
    """Walking from session to session visits those of exchange_calendars, and no others."""
    expected = [day.to_pydatetime().replace(tzinfo=UTC) for day in reference.index]
    walked = [expected[0]]
    for _ in expected[1:]:
        walked.append(CALENDAR.session_after(EQUITY, walked[-1], 1))
    assert walked == expected


def test_closes_equal_exchange_calendars(reference: Any) -> None:
    """Each daily bar is known 20 minutes after the close that exchange_calendars gives its session."""
    days = reference.index.to_numpy().astype("datetime64[us]")
    closes = reference["close"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    known = CALENDAR.known_at(EQUITY, DAY, days)
    np.testing.assert_array_equal(known - np.timedelta64(EQUITY_GRACE), closes)


def test_opens_equal_exchange_calendars(reference: Any) -> None:
    """Regular trading starts at the open of each session, not a minute before."""
    opens = reference["open"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    minute = Timeframe("1Min")
    assert CALENDAR.is_regular(EQUITY, minute, opens).all()
    assert not CALENDAR.is_regular(EQUITY, minute, opens - np.timedelta64(1, "m")).any()


def test_table_is_what_the_tool_writes() -> None:
    """The shipped table is the tool's output, byte for byte."""
    path = ROOT / "tools" / "make_sessions.py"
    spec = importlib.util.spec_from_file_location("make_sessions", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.table() == tool.TARGET.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "timeframe", "ts", "known"),
    [
        (CRYPTO, DAY, "2018-12-31", "2019-01-01T00:01"),
        (CRYPTO, DAY, "2024-07-01T05:00", "2024-07-02T05:01"),
        (CRYPTO, HOUR, "2018-12-31T23:00", "2019-01-01T00:01"),
        (CRYPTO, FIVE, "2018-03-11T07:00", "2018-03-11T07:06"),
        (EQUITY, DAY, "2018-07-02", "2018-07-02T20:20"),
        (EQUITY, DAY, "2018-07-02T04:00", "2018-07-02T20:20"),
        (EQUITY, DAY, "2018-12-31", "2018-12-31T21:20"),
        (EQUITY, DAY, "2018-12-31T05:00", "2018-12-31T21:20"),
        (EQUITY, DAY, "2018-03-09", "2018-03-09T21:20"),
        (EQUITY, DAY, "2018-03-12", "2018-03-12T20:20"),
        (EQUITY, DAY, "2018-11-23", "2018-11-23T18:20"),
        (EQUITY, DAY, "2018-07-03T04:00", "2018-07-03T17:20"),
        (EQUITY, DAY, "1990-12-24", "1990-12-24T19:20"),
        (EQUITY, DAY, "2018-11-24", "2018-11-24T21:20"),
        (EQUITY, HOUR, "2018-07-02T14:00", "2018-07-02T15:20"),
        (EQUITY, HOUR, "2018-07-02T19:30", "2018-07-02T20:20"),
        (EQUITY, HOUR, "2018-11-23T17:30", "2018-11-23T18:20"),
        (EQUITY, HOUR, "2018-07-02T21:00", "2018-07-02T22:20"),
        (EQUITY, FIVE, "2018-07-02T19:55", "2018-07-02T20:20"),
    ],
)
def test_known_at(kind: AssetClass, timeframe: Timeframe, ts: str, known: str) -> None:
    """A bar is known at its close plus the grace: through DST, half days, and both daily stamps."""
    assert CALENDAR.known_at(kind, timeframe, stamps(ts))[0] == np.datetime64(known)


@pytest.mark.parametrize(
    ("kind", "timeframe", "ts", "bars", "close"),
    [
        (CRYPTO, DAY, "2018-12-31", 0, "2019-01-01"),
        (CRYPTO, DAY, "2018-12-31", 3, "2019-01-04"),
        (CRYPTO, HOUR, "2018-12-31T23:00", 2, "2019-01-01T02:00"),
        (EQUITY, DAY, "2018-07-02", 0, "2018-07-02T20:00"),
        (EQUITY, DAY, "2018-07-02", 1, "2018-07-03T17:00"),
        (EQUITY, DAY, "2018-07-02", 2, "2018-07-05T20:00"),
        (EQUITY, DAY, "2018-11-21T05:00", 1, "2018-11-23T18:00"),
        (EQUITY, DAY, "2018-11-24", 1, "2018-11-26T21:00"),
        (EQUITY, DAY, "2018-11-24", 0, "2018-11-24T21:00"),
        (EQUITY, HOUR, "2018-07-02T18:00", 0, "2018-07-02T19:00"),
        (EQUITY, HOUR, "2018-07-02T18:00", 1, "2018-07-02T20:00"),
        (EQUITY, HOUR, "2018-07-02T18:00", 2, "2018-07-03T15:00"),
        (EQUITY, HOUR, "2018-07-02T19:30", 1, "2018-07-03T14:30"),
        (EQUITY, HOUR, "2018-07-02T19:30", 4, "2018-07-03T17:00"),
        (EQUITY, HOUR, "2018-07-02T19:30", 5, "2018-07-05T14:30"),
        (EQUITY, HOUR, "2018-03-09T20:30", 1, "2018-03-12T14:30"),
        (EQUITY, FIVE, "2018-07-06T19:55", 79, "2018-07-10T13:35"),
    ],
)
def test_close_after(kind: AssetClass, timeframe: Timeframe, ts: str, bars: int, close: str) -> None:
    """Bars are counted over nights, weekends, holidays and clock changes, on the grid of the given bar."""
    assert CALENDAR.close_after(kind, timeframe, utc(ts), bars) == utc(close)


@pytest.mark.parametrize("timeframe", [FIVE, HOUR, Timeframe("30Min"), Timeframe("2Hour")])
def test_close_after_counts_the_bars_that_are_regular(timeframe: Timeframe) -> None:
    """Over three weeks with a half day, each bar's close is the one that its number says."""
    start = np.datetime64("2018-11-12T05:00", "us")
    grid = start + np.arange(21 * 24 * 12) * np.timedelta64(5, "m")
    grid = grid[(grid - start) % np.timedelta64(timeframe.span) == np.timedelta64(0, "us")]
    bars = grid[CALENDAR.is_regular(EQUITY, timeframe, grid)]
    known = CALENDAR.known_at(EQUITY, timeframe, bars) - np.timedelta64(EQUITY_GRACE)
    first = bars[0].item().replace(tzinfo=UTC)
    found = [as_ts64(CALENDAR.close_after(EQUITY, timeframe, first, at)) for at in range(len(bars))]
    np.testing.assert_array_equal(found, known)
    assert len(bars) >= 13 * CALENDAR.bars_per_session(EQUITY, timeframe)


@pytest.mark.parametrize(
    ("kind", "ts", "count", "session"),
    [
        (CRYPTO, "2018-11-22T13:00", 2, "2018-11-24"),
        (EQUITY, "2018-11-21", 0, "2018-11-21"),
        (EQUITY, "2018-11-21", 1, "2018-11-23"),
        (EQUITY, "2018-11-21T14:30", 2, "2018-11-26"),
        (EQUITY, "2018-11-24", 1, "2018-11-26"),
        (EQUITY, "2018-11-26", -1, "2018-11-23"),
        (EQUITY, "2001-09-10T04:00", 1, "2001-09-17"),
    ],
)
def test_session_after(kind: AssetClass, ts: str, count: int, session: str) -> None:
    """Sessions are UTC days for crypto, and skip weekends and holidays for stocks."""
    assert CALENDAR.session_after(kind, utc(ts), count) == utc(session)


@pytest.mark.parametrize(
    ("kind", "timeframe", "bars"),
    [
        (CRYPTO, "1Day", 1),
        (CRYPTO, "1Hour", 24),
        (CRYPTO, "5Min", 288),
        (EQUITY, "1Day", 1),
        (EQUITY, "1Hour", 6),
        (EQUITY, "30Min", 13),
        (EQUITY, "5Min", 78),
        (EQUITY, "8Hour", 1),
    ],
)
def test_bars_per_session(kind: AssetClass, timeframe: str, bars: int) -> None:
    """A full session has so many bars, and never none."""
    assert CALENDAR.bars_per_session(kind, Timeframe(timeframe)) == bars


def test_regular_hours() -> None:
    """Bars before the open, after the close (also an early one), on holidays and weekends are not regular."""
    inside = stamps("2018-07-02T13:30", "2018-07-02T19:55", "2018-11-23T14:30", "2018-11-23T17:55")
    outside = stamps(
        *("2018-07-02T13:25", "2018-07-02T20:00", "2018-11-23T18:00", "2018-11-22T15:00"),
        *("2018-11-24T15:00", "2018-07-03T00:00"),
    )
    assert CALENDAR.is_regular(EQUITY, FIVE, inside).all()
    assert not CALENDAR.is_regular(EQUITY, FIVE, outside).any()
    assert CALENDAR.is_regular(EQUITY, DAY, outside).all()
    assert CALENDAR.is_regular(CRYPTO, FIVE, outside).all()


def test_canonical_stamps() -> None:
    """Daily stock bars get 00:00 UTC of their date; crypto and intraday stamps stay."""
    new_york = stamps("2018-07-02T04:00", "2018-12-31T05:00")
    np.testing.assert_array_equal(
        CALENDAR.canonical(EQUITY, DAY, new_york), stamps("2018-07-02", "2018-12-31")
    )
    np.testing.assert_array_equal(CALENDAR.canonical(EQUITY, HOUR, new_york), new_york)
    np.testing.assert_array_equal(CALENDAR.canonical(CRYPTO, DAY, new_york), new_york)


@pytest.mark.parametrize(
    ("kind", "timeframe"), [(CRYPTO, DAY), (CRYPTO, FIVE), (EQUITY, DAY), (EQUITY, FIVE)]
)
def test_first_look_reaches_far_enough(kind: AssetClass, timeframe: Timeframe) -> None:
    """From the start of a first look, at least the wanted bars are known now."""
    now = utc("2018-11-26T12:00")
    start = CALENDAR.first_look(kind, timeframe, now, 501)
    stamp = as_ts64(start if timeframe.is_daily else start.replace(minute=0))
    end = as_ts64(now)
    grid = np.arange(stamp, end, np.timedelta64(timeframe.span))
    if kind is EQUITY:
        held = grid if timeframe.is_daily else grid[CALENDAR.is_regular(kind, timeframe, grid)]
        on_session = [CALENDAR.session_after(kind, utc(str(day)), 0) == utc(str(day)[:10]) for day in held]
        grid = held[np.array(on_session)]
    assert (CALENDAR.known_at(kind, timeframe, grid) <= end).sum() >= 501


@pytest.mark.parametrize("day", ["1989-12-29", "2032-01-02", "1970-01-01"])
def test_days_outside_the_table_are_refused(day: str) -> None:
    """No guess is made about sessions beyond the table."""
    with pytest.raises(UsageError, match=f"knows 1990-01-01 to 2031-12-31, not {day}"):
        CALENDAR.known_at(EQUITY, DAY, stamps("2018-12-31", day))


def test_counting_past_the_table_is_refused() -> None:
    """A session or bar after the end of the table is an error, not a guess."""
    with pytest.raises(UsageError, match="newer release"):
        CALENDAR.session_after(EQUITY, utc("2031-12-31"), 1)
    with pytest.raises(UsageError, match="newer release"):
        CALENDAR.close_after(EQUITY, HOUR, utc("2031-12-31T20:00"), 5)
    assert CALENDAR.session_after(CRYPTO, datetime(2099, 1, 1, tzinfo=UTC), 1).year == 2099
