"""When the New York Stock Exchange is open, as the stand-in's calendar and clock have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from crypto_signals.market import sessions
from crypto_signals.simulator.bars_store import NEW_YORK

FIRST, LAST = date.fromisoformat(sessions.FIRST), date.fromisoformat(sessions.LAST)
OPENS, CLOSES = time(9, 30), time(16)


@dataclass(frozen=True, slots=True)
class Session:
    """A trading day with its regular hours."""

    day: date
    opens: datetime
    closes: datetime


def session(day: date) -> Session | None:
    """The session of a New York date, or None when there is none. Beyond the table every weekday is one."""
    if day.weekday() >= 5 or day in _dates(sessions.HOLIDAYS):
        return None
    closes = CLOSES
    for hour, early in ((13, sessions.CLOSES_1300), (14, sessions.CLOSES_1400)):
        closes = time(hour) if day in _dates(early) else closes
    return Session(day, _at(day, OPENS), _at(day, closes))


def sessions_between(first: date, last: date) -> Iterator[Session]:
    """The sessions of these dates, both included."""
    for number in range((last - first).days + 1):
        if found := session(first + timedelta(days=number)):
            yield found


def next_session(day: date) -> Session:
    """The first session after this date."""
    return next(sessions_between(day + timedelta(days=1), day + timedelta(days=10)))


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, NEW_YORK)


@cache
def _dates(table: str) -> frozenset[date]:
    rows = (line.split() for line in table.strip().splitlines())
    return frozenset(date(int(year), int(day[:2]), int(day[2:])) for year, *days in rows for day in days)
