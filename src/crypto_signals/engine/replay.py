"""The main job over past bars in virtual time: run at every close, as a scheduler would have run it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine.ports import BarSource, Calendar, Store, Wanted, Watermark
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.summary import Summary

HISTORY_BARS = 500
"""How many bars before the first day the history of each instrument starts."""
_LATEST = frozenset(
    {
        "run_id",
        "symbols_total",
        "symbols_processed",
        "owed",
        "unknown",
        "oldest_owed_s",
        "open_signals",
        "drift",
    }
)
"""Of what describes a state, the latest counts."""


class VirtualClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.set(now)

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)


def closes(calendar: Calendar, instruments: Iterable[Instrument], first: date, last: date) -> list[datetime]:
    """When the daily bars of the days ``first`` to ``last`` became known, in order, each time once."""
    daily, day = Timeframe("1Day"), timedelta(days=1)
    midnights = [
        datetime(first.year, first.month, first.day, tzinfo=UTC) + n * day
        for n in range((last - first).days + 1)
    ]
    known: set[datetime] = set()
    for kind in {instrument.asset_class for instrument in instruments}:
        sessions = [ts for ts in midnights if calendar.session_after(kind, ts - day, 1) == ts]
        stamps = np.array([as_ts64(ts) for ts in sessions], "datetime64[us]")
        known.update(as_datetime(ts) for ts in calendar.known_at(kind, daily, stamps))
    return sorted(known)


def start_at(store: Store, source: BarSource, strategy: Strategy, first_close: datetime) -> None:
    """Marks everything known before ``first_close`` as seen, so that the replay starts exactly there."""
    timeframe = Timeframe(strategy.timeframe)
    before = first_close - timedelta(microseconds=1)
    history = source.history([Wanted(i) for i in source.instruments()], timeframe, before)
    marks = [
        Watermark(series.symbol, as_datetime(series.ts[-HISTORY_BARS:][0]), as_datetime(series.ts[-1]))
        for series in history.panel
    ]
    store.commit((), strategy.name, strategy.timeframe, marks)


def replay(
    job: MainJob, clock: VirtualClock, moments: Iterable[datetime], total: Summary
) -> Iterator[Summary]:
    """Runs the job at each moment and adds what it did to ``total``; yields each run's own summary."""
    for moment in moments:
        clock.set(moment)
        summary = job.run()
        total.add(summary, latest=_LATEST)
        yield summary
        if job.patience.stopping:
            return
