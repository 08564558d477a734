"""Notices: a heartbeat a day, the result of each week, what gates refused, and what needs a person.

How far people have been told is kept in the store, as marks of a strategy that nobody can configure. For what
must not come twice, the mark is set first, and taken back where the notice is known not to have left. What
gates refused must not get lost: there the mark is set afterwards, so that the next run tells what this one
could not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crypto_signals.domain.errors import (
    ChannelPaused,
    LeaseLost,
    NotSent,
    Refused,
    StoreUnusable,
    VersionConflict,
)
from crypto_signals.domain.notices import Heartbeat, NeedsAPerson, Notice, RefusedSetups, Week
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.attempts import in_words
from crypto_signals.engine.ports import Noticeboard, SourceError, Store, Watermark
from crypto_signals.engine.summary import Summary

MARKS = ("_notices", "always")
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_DID_NOT_LEAVE = (NotSent, ChannelPaused, Refused)


@dataclass(frozen=True, slots=True)
class Notices:
    """Where notices go, and which are wanted. Nothing is lost with them that is not stored as well."""

    system: Noticeboard | None = None
    shadows: Noticeboard | None = None
    heartbeat: bool = True
    weekly: bool = True

    def tell(self, store: Store, now: datetime, summary: Summary) -> None:
        """What is due at the end of a run that began at ``now``."""
        round_ = _Round(store, now, summary)
        if self.shadows is not None:
            round_.refused(self.shadows)
        if self.system is None:
            return
        today = datetime.combine(now.date(), datetime.min.time(), UTC)
        if self.heartbeat:
            round_.once("heartbeat", today, self.system, _heartbeat(now, summary))
        if self.weekly:
            round_.week(today - today.weekday() * _DAY, self.system)
        for kind, trouble in _troubles(store, now, summary):
            round_.once(kind, today, self.system, trouble)


class _Round:
    """The notices of one run."""

    def __init__(self, store: Store, now: datetime, summary: Summary) -> None:
        self.store, self.now, self.summary = store, now, summary
        self.marks = store.watermarks(*MARKS)

    def once(self, name: str, period: datetime, board: Noticeboard, notice: Notice) -> None:
        """At most once in the period that began at ``period``."""
        before = self._mark(name)
        if before >= period:
            return
        self._set(name, period)
        if isinstance(self._told(board, notice), _DID_NOT_LEAVE):
            self._set(name, before)

    def week(self, monday: datetime, board: Noticeboard) -> None:
        """Of the week that is over; before the first one was seen whole there is nothing to tell."""
        if "week" not in self.marks:
            self._set("week", monday)
        if self._mark("week") < monday:
            self.once("week", monday, board, Week(monday, self._closed_before(monday)))

    def refused(self, board: Noticeboard) -> None:
        """Of this run, and of those before that could not tell, in one."""
        since = self._mark("refused") if "refused" in self.marks else self.now - timedelta(microseconds=1)
        new = [signal for signal in self.store.signals() if signal.is_shadow and signal.created_at > since]
        if new and self._told(board, RefusedSetups(self.now, tuple(new))) is not None:
            self._set("refused", since)
            return
        self._set("refused", max((signal.created_at for signal in new), default=max(since, self.now)))

    def _closed_before(self, end: datetime) -> tuple[Signal, ...]:
        return tuple(
            signal
            for signal in self.store.signals()
            if signal.announced_at is not None
            and signal.progress.closed_at is not None
            and end - WEEK <= signal.progress.closed_at < end
        )

    def _mark(self, name: str) -> datetime:
        return self.marks[name].seen_ts if name in self.marks else _NEVER

    def _set(self, name: str, seen: datetime) -> None:
        if self._mark(name) != seen:
            self.marks[name] = Watermark(name, _NEVER, seen)
            self.store.commit([], *MARKS, [self.marks[name]])

    def _told(self, board: Noticeboard, notice: Notice) -> Exception | None:
        """What went wrong, which the summary names as well."""
        try:
            board.tell(notice)
        except (StoreUnusable, LeaseLost, VersionConflict):
            raise
        except Exception as problem:  # noqa: BLE001 - a notice never fails a run
            self.summary.errors.append(SourceError(None, board.name, in_words(problem)))
            return problem
        return None


def _heartbeat(now: datetime, summary: Summary) -> Heartbeat:
    return Heartbeat(
        ts=now,
        symbols_total=summary.symbols_total,
        symbols_processed=summary.symbols_processed,
        signals=summary.signals,
        shadow_signals=summary.shadow_signals,
        open_signals=summary.open_signals,
    )


def _troubles(store: Store, now: datetime, summary: Summary) -> Sequence[tuple[str, NeedsAPerson]]:
    """Each kind by itself: one that lasts must not hide another one that comes later in the day."""
    unreadable = tuple(row.reason for row in store.unreadable())
    found = {
        "dead": NeedsAPerson(now, dead=summary.dead),
        "paused": NeedsAPerson(now, paused=tuple(summary.paused)),
        "unreadable": NeedsAPerson(now, unreadable=unreadable),
    }
    return [(kind, notice) for kind, notice in found.items() if notice != NeedsAPerson(now)]
