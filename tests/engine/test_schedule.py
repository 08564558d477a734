"""When a run is due: at each close once its bar is known, and twice after it to recover."""

import datetime as dt

import pytest

from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.schedule import next_moment
from crypto_signals.market.calendars import MarketCalendar

CRYPTO = (AssetClass.CRYPTO, Timeframe("1Day"))
STOCKS = (AssetClass.EQUITY, Timeframe("1Day"))
HOURLY = (AssetClass.CRYPTO, Timeframe("1Hour"))
HOURLY_STOCKS = (AssetClass.EQUITY, Timeframe("1Hour"))


def following(*watched: tuple[AssetClass, Timeframe], after: str, count: int = 4) -> list[str]:
    """The next moments, each asked for from the one before it."""
    moment, found = dt.datetime.fromisoformat(f"{after}+00:00"), []
    for _ in range(count):
        later = next_moment(MarketCalendar(), watched, moment)
        assert later is not None
        assert later > moment
        moment = later
        found.append(f"{moment:%a %H:%M}")
    return found


@pytest.mark.parametrize(
    ("watched", "after", "moments"),
    [
        ([CRYPTO], "2018-12-20T12:00:00", ["Fri 00:01", "Fri 00:21", "Fri 01:01", "Sat 00:01"]),
        ([STOCKS], "2018-12-21T12:00:00", ["Fri 21:20", "Fri 21:40", "Fri 22:20", "Mon 18:20"]),
        ([STOCKS], "2018-12-24T22:00:00", ["Wed 21:20", "Wed 21:40", "Wed 22:20", "Thu 21:20"]),
        ([STOCKS], "2018-07-02T12:00:00", ["Mon 20:20", "Mon 20:40", "Mon 21:20", "Tue 17:20"]),
        ([CRYPTO, STOCKS], "2018-12-20T21:30:00", ["Thu 21:40", "Thu 22:20", "Fri 00:01", "Fri 00:21"]),
        ([HOURLY], "2018-12-20T12:00:00", ["Thu 12:01", "Thu 12:21", "Thu 13:01", "Thu 13:21"]),
    ],
    ids=["crypto", "a half day", "a holiday", "summer time", "both", "hourly"],
)
def test_runs_are_due_at_the_closes_of_the_calendar(
    watched: list[tuple[AssetClass, Timeframe]], after: str, moments: list[str]
) -> None:
    """Weekends, holidays, half days and summer time included."""
    assert following(*watched, after=after) == moments


def test_hourly_bars_of_stocks_are_waited_for_within_the_session() -> None:
    """The first after the opening, the last at the close; nothing in the night."""
    first, *_ = following(HOURLY_STOCKS, after="2018-12-20T06:00:00", count=1)
    assert "Thu 14:00" <= first <= "Thu 15:20"
    assert following(HOURLY_STOCKS, after="2018-12-20T22:20:00", count=1)[0] >= "Fri 14:00"


def test_nothing_is_due_where_nothing_is_watched() -> None:
    """No bars, no moments."""
    assert next_moment(MarketCalendar(), [], dt.datetime(2018, 1, 1, tzinfo=dt.UTC)) is None
