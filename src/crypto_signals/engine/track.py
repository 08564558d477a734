"""Following: every open signal over every bar that completed since it was last looked at, in order."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.analysis.study import Study
from crypto_signals.domain.bars import Bar
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import NO_DATA_SESSIONS, rebased, step, without_data
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass, Direction
from crypto_signals.engine.book import Entry
from crypto_signals.engine.ports import Calendar
from crypto_signals.engine.rebasing import factor_since

_DAY = timedelta(days=1)


class Tracker:
    """Walks the open signals of one symbol over its bars."""

    def __init__(self, study: Study, calendar: Calendar) -> None:
        self.study, self.calendar = study, calendar

    def follow(self, entries: Iterable[Entry], until: int) -> list[Entry]:
        """Advances ``entries`` up to and including the bar at index ``until``; gives those that moved."""
        return [entry for entry in entries if self._follow_one(entry, until)]

    def rebase(self, entries: Iterable[Entry], ts: datetime) -> list[Entry]:
        """Brings ``entries`` into the units of the bars, where those changed; gives those concerned."""
        changed = []
        for entry in entries:
            factor = factor_since(entry.signal, self.study.series)
            if factor is not None:
                entry.signal, events = rebased(entry.signal, factor, ts)
                entry.unsaved.extend(events)
                changed.append(entry)
        return changed

    def end_unfed(self, entries: Iterable[Entry], now: datetime) -> list[Entry]:
        """Ends the signals whose instrument has had no bar for too many sessions, as known at ``now``."""
        series = self.study.series
        last = as_datetime(series.ts[-1])
        unfed = [e for e in entries if is_unfed(e.signal.asset_class, last, self.calendar, now)]
        self.follow(unfed, len(series) - 1)
        return end_all(unfed, self.calendar)

    def _follow_one(self, entry: Entry, until: int) -> bool:
        first = int(np.searchsorted(self.study.series.ts, as_ts64(_last_ts(entry.signal)), side="right"))
        for index in range(first, until + 1):
            if entry.signal.progress.closed:
                break
            self._step(entry, index)
        return first <= until

    def _step(self, entry: Entry, index: int) -> None:
        bar = self._bar(index)
        if bar.ts >= _last_session(entry.signal, self.calendar) + _DAY:
            end_all([entry], self.calendar)
            return
        entry.signal, events = step(entry.signal, bar, self._trail(entry.signal.direction, index))
        entry.unsaved.extend(events)

    def _trail(self, direction: Direction, index: int) -> float | None:
        return float(self.study.trail(direction.side)[index])

    def _bar(self, index: int) -> Bar:
        series = self.study.series
        return Bar(
            as_datetime(series.ts[index]),
            float(series.open[index]),
            float(series.high[index]),
            float(series.low[index]),
            float(series.close[index]),
            float(series.volume[index]),
        )


def is_unfed(kind: AssetClass, last: datetime, calendar: Calendar, now: datetime) -> bool:
    """Whether, at ``now``, no bar is known of the sessions after ``last`` in which one had to come."""
    limit = calendar.session_after(kind, last, NO_DATA_SESSIONS)
    known = calendar.known_at(kind, Timeframe("1Day"), np.array([as_ts64(limit)]))
    return bool(known[0] <= as_ts64(now))


def end_all(entries: Iterable[Entry], calendar: Calendar) -> list[Entry]:
    """Ends what is still open for want of bars, on the last session in which one had to come."""
    ended = []
    for entry in entries:
        entry.signal, events = without_data(entry.signal, _last_session(entry.signal, calendar))
        entry.unsaved.extend(events)
        ended.append(entry)
    return ended


def end_gone(entries: Iterable[Entry], calendar: Calendar, now: datetime) -> list[Entry]:
    """Ends the overdue signals of an instrument of which there are no bars at all any more."""
    overdue = [e for e in entries if is_unfed(e.signal.asset_class, _last_ts(e.signal), calendar, now)]
    return end_all(overdue, calendar)


def _last_session(signal: Signal, calendar: Calendar) -> datetime:
    return calendar.session_after(signal.asset_class, _last_ts(signal), NO_DATA_SESSIONS)


def _last_ts(signal: Signal) -> datetime:
    return signal.progress.last_ts or signal.bar_ts
