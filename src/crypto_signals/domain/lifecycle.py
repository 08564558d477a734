"""The rules of a signal's life, bar by bar. The only implementation: live, demo and research call it.

Prices are compared through ``side`` (+1 long, -1 short): ``side * (a - b) >= 0`` reads "a is at or
beyond b in the direction of the trade".
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import (
    FINAL_STATUS,
    TARGET_HITS,
    Effect,
    Event,
    EventType,
    StopKind,
)
from crypto_signals.domain.signals import Fill, Plan, Progress, Signal
from crypto_signals.domain.vocabulary import EffectKind, EntryType, ExitReason, Status

NO_DATA_SESSIONS = 10
TRAIL_STEP_WORTH_TELLING = 0.01

_AFTER_TARGET = (Status.TP1_HIT, Status.TP2_HIT, Status.TP3_HIT)
_STOP_REASONS = {
    StopKind.INITIAL: ExitReason.STOP,
    StopKind.BREAK_EVEN: ExitReason.BREAK_EVEN,
    StopKind.TP1_LOCK: ExitReason.TP1_LOCK,
    StopKind.TRAIL: ExitReason.TRAIL,
}
_SILENT = frozenset({EventType.CREATED, EventType.ANNOUNCED, EventType.CANCELLED})


def advance(signal: Signal, bar: Bar, trail: float | None) -> tuple[Event, ...]:
    """What ``bar`` does to ``signal``, in the order in which it happened.

    ``trail`` is the chandelier level at this bar's close, for the side of the trade; ``None`` or NaN
    where it is not known yet. A closed signal has no more events.
    """
    return step(signal, bar, trail)[1]


def step(signal: Signal, bar: Bar, trail: float | None) -> tuple[Signal, tuple[Event, ...]]:
    """``advance``, folded into the signal, with the bar marked as seen."""
    if signal.progress.closed:
        return signal, ()
    progress, events = signal.progress, []
    for event in _Walk(signal.plan, bar, trail).events(progress):
        progress = _progressed(progress, event)
        events.append(event)
    progress = replace(progress, bars_seen=progress.bars_seen + 1, last_ts=bar.ts, last_close=bar.close)
    return replace(signal, progress=progress, version=signal.version + len(events)), tuple(events)


def without_data(signal: Signal, ts: datetime) -> tuple[Signal, tuple[Event, ...]]:
    """Ends a signal whose instrument has had no bar for ``NO_DATA_SESSIONS`` sessions, the last of
    them being ``ts``: what is left exits at the last close."""
    progress = signal.progress
    if progress.closed:
        return signal, ()
    price = None if progress.entry_fill is None else progress.last_close
    event = _closing(signal.plan, progress, EventType.EXPIRED, ts, price, ExitReason.NO_DATA)
    return apply(signal, event), (event,)


def rebased(signal: Signal, factor: float, ts: datetime) -> tuple[Signal, tuple[Event, ...]]:
    """Counts every price ``factor`` times, as after a split: its results in R stay what they were."""
    if signal.progress.closed:
        return signal, ()
    event = Event(type=EventType.REBASED, ts=ts, factor=factor)
    return apply(signal, event), (event,)


def apply(signal: Signal, event: Event) -> Signal:
    """``signal`` after ``event``; the number of events folded in is its version."""
    if event.factor is not None:
        signal = signal.rebased(event.factor)
    told: dict[str, datetime | str | None] = {}
    if event.type is EventType.ANNOUNCED:
        told = {"announced_at": signal.announced_at or event.ts, "thread_id": event.thread_id}
    elif event.type is EventType.CANCELLED:
        told = {"cancelled_at": event.ts}
    progress = _progressed(signal.progress, event)
    return replace(signal, progress=progress, version=signal.version + 1, **told)  # type: ignore[arg-type]


def owed(signal: Signal, events: tuple[Event, ...]) -> tuple[Effect, ...]:
    """What is owed to people for ``events``, which led to ``signal``. Nothing, for those not told."""
    if not signal.is_told:
        return ()
    first = signal.version - len(events) + 1
    return tuple(
        Effect(key=f"{signal.signal_id}/{seq}", signal_id=signal.signal_id, seq=seq, kind=kind)
        for seq, event in enumerate(events, first)
        if (kind := _owed_kind(event)) is not None
    )


def _owed_kind(event: Event) -> EffectKind | None:
    if event.type is EventType.CREATED:
        return EffectKind.ANNOUNCE
    return None if event.quiet or event.type in _SILENT else EffectKind.FOLLOW_UP


def _progressed(progress: Progress, event: Event) -> Progress:
    """The fold of the market's events; the others leave it as it is."""
    match event.type:
        case EventType.ENTERED:
            return replace(
                progress,
                status=Status.ACTIVE,
                entry_ts=event.ts,
                entry_fill=event.price,
                entry_bar=progress.bars_seen + 1,
                stop=event.stop,
                told_stop=event.stop,
            )
        case EventType.TARGET_1_HIT | EventType.TARGET_2_HIT:
            hit = progress.targets_hit + 1
            filled = replace(progress, status=_AFTER_TARGET[hit - 1], targets_hit=hit)
            return replace(filled, fills=(*progress.fills, _fill(event)))
        case EventType.STOP_MOVED:
            told = progress.told_stop if event.quiet else event.stop
            kind = event.stop_kind or progress.stop_kind
            return replace(progress, stop=event.stop, stop_kind=kind, told_stop=told)
        case EventType.STRUCTURE_BROKEN:
            return replace(progress, structure_broken=True)
        case _ if event.type in FINAL_STATUS:
            return _closed(progress, event)
        case _:
            return progress


def _closed(progress: Progress, event: Event) -> Progress:
    fills = progress.fills if event.fraction is None else (*progress.fills, _fill(event))
    hit = progress.targets_hit + (event.type is EventType.TARGET_3_HIT)
    return replace(
        progress,
        status=FINAL_STATUS[event.type],
        targets_hit=hit,
        fills=fills,
        closed_at=event.ts,
        exit_reason=event.reason,
        result_r=event.result_r,
        fees_r=event.fees_r,
        ambiguous=progress.ambiguous or event.ambiguous,
    )


def _fill(event: Event) -> Fill:
    assert event.price is not None  # noqa: S101 - events that fill carry both
    assert event.fraction is not None  # noqa: S101
    return Fill(event.ts, event.price, event.fraction)


def _closing(
    plan: Plan,
    progress: Progress,
    kind: EventType,
    ts: datetime,
    price: float | None,
    reason: ExitReason,
    ambiguous: bool = False,
) -> Event:
    """The event that ends a trade at ``price`` with all that is left; without a price none was open."""
    if price is None or progress.entry_fill is None:
        return Event(type=kind, ts=ts, reason=reason)
    left = sum(plan.fractions[progress.targets_hit :])
    result, fees = result_r(plan, progress.entry_fill, (*progress.fills, Fill(ts, price, left)))
    return Event(
        type=kind,
        ts=ts,
        price=price,
        fraction=left,
        reason=reason,
        ambiguous=ambiguous,
        result_r=result,
        fees_r=fees,
    )


def result_r(plan: Plan, entry_fill: float, fills: tuple[Fill, ...]) -> tuple[float, float]:
    """The net result and the costs of a closed trade, both in R.

    Fees and slippage are paid on what was bought and on every part that was sold.
    """
    gross, traded = 0.0, entry_fill
    for fill in fills:
        gross += fill.fraction * (fill.price - entry_fill) * plan.direction.side / plan.risk
        traded += fill.fraction * fill.price
    fees = plan.cost_rate * traded / plan.risk
    return gross - fees, fees


class _Walk:
    """One bar over one plan. Each method yields events; the state they led to is carried along."""

    def __init__(self, plan: Plan, bar: Bar, trail: float | None) -> None:
        self.plan, self.bar, self.trail = plan, bar, trail
        self.side = plan.direction.side
        self.worst, self.best = (bar.low, bar.high) if self.side > 0 else (bar.high, bar.low)

    def events(self, progress: Progress) -> Iterator[Event]:
        for part in self._parts(entering=progress.entry_fill is None):
            for event in part(progress):
                yield event
                progress = _progressed(progress, event)
            if progress.closed or progress.entry_fill is None:
                return

    def _parts(self, *, entering: bool) -> tuple[Callable[[Progress], Iterator[Event]], ...]:
        """What a bar is asked, in order. Where in the bar a limit or stop entry was filled is not
        known, so that bar may score only the stop."""
        if not entering:
            return (self._open, self._inside, self._targets, self._close)
        if self.plan.entry_type is EntryType.MARKET:
            return (self._entry, self._inside, self._targets, self._close)
        return (self._entry, self._inside, self._close)

    def _beyond(self, price: float, level: float) -> bool:
        """Whether ``price`` is at or past ``level`` on the winning side."""
        return self.side * (price - level) >= 0

    def _behind(self, price: float, level: float) -> bool:
        """Whether ``price`` is at or past ``level`` on the losing side."""
        return self.side * (price - level) <= 0

    def _entry(self, progress: Progress) -> Iterator[Event]:
        plan, bar = self.plan, self.bar
        if self._behind(bar.open, plan.stop) or self._beyond(bar.open, plan.targets[0]):
            yield Event(type=EventType.EXPIRED, ts=bar.ts, price=bar.open, reason=ExitReason.MISSED)
            return
        price = self._entry_price()
        if price is not None:
            yield Event(type=EventType.ENTERED, ts=bar.ts, price=price, stop=plan.stop)
        elif progress.bars_seen + 1 >= plan.valid_bars:
            yield Event(type=EventType.EXPIRED, ts=bar.ts, reason=ExitReason.NO_ENTRY)

    def _entry_price(self) -> float | None:
        """Where the entry order fills in this bar: at its level, or at an open that is past it."""
        plan, bar = self.plan, self.bar
        if plan.entry_type is EntryType.MARKET:
            return bar.open
        if plan.entry_type is EntryType.LIMIT:
            if not self._behind(self.worst, plan.entry):
                return None
            return bar.open if self._behind(bar.open, plan.entry) else plan.entry
        if not self._beyond(self.best, plan.entry):
            return None
        return bar.open if self._beyond(bar.open, plan.entry) else plan.entry

    def _open(self, progress: Progress) -> Iterator[Event]:
        bar = self.bar
        if progress.structure_broken:
            yield self._exit(progress, EventType.INVALIDATED, bar.open, ExitReason.STRUCTURE)
        elif self._behind(bar.open, _stop(progress)):
            yield self._stopped(progress, bar.open)
        else:
            yield from self._reached(progress, bar.open, at_open=True)

    def _inside(self, progress: Progress) -> Iterator[Event]:
        stop = _stop(progress)
        if self._behind(self.worst, stop):
            both = self._beyond(self.best, self.plan.targets[progress.targets_hit])
            yield self._stopped(progress, stop, ambiguous=both)

    def _targets(self, progress: Progress) -> Iterator[Event]:
        yield from self._reached(progress, self.best, at_open=False)

    def _reached(self, progress: Progress, price: float, *, at_open: bool) -> Iterator[Event]:
        """The targets that ``price`` reached, filled at the open or each at its own level."""
        while not progress.closed and self._beyond(price, self.plan.targets[progress.targets_hit]):
            hit = progress.targets_hit
            fill = price if at_open else self.plan.targets[hit]
            if hit == len(TARGET_HITS) - 1:
                event = self._exit(progress, TARGET_HITS[hit], fill, ExitReason.TARGET_3)
            else:
                share = self.plan.fractions[hit]
                event = Event(type=TARGET_HITS[hit], ts=self.bar.ts, price=fill, fraction=share)
            yield event
            progress = _progressed(progress, event)

    def _close(self, progress: Progress) -> Iterator[Event]:
        bar, plan = self.bar, self.plan
        assert progress.entry_bar is not None  # noqa: S101 - entered
        if progress.bars_seen + 1 - progress.entry_bar + 1 >= plan.max_bars:
            yield self._exit(progress, EventType.EXPIRED, bar.close, ExitReason.TIME)
            return
        broken = plan.invalidation is not None and self.side * (bar.close - plan.invalidation) < 0
        if broken and not progress.structure_broken:
            yield Event(type=EventType.STRUCTURE_BROKEN, ts=bar.ts, price=plan.invalidation)
        yield from self._stop_moves(progress)

    def _stop_moves(self, progress: Progress) -> Iterator[Event]:
        assert progress.entry_fill is not None  # noqa: S101 - entered
        stop, kind = _stop(progress), progress.stop_kind
        candidates: list[tuple[float, StopKind]] = []
        if progress.targets_hit == 1:
            candidates = [(progress.entry_fill, StopKind.BREAK_EVEN)]
        elif progress.targets_hit == 2:
            candidates = [(self.plan.targets[0], StopKind.TP1_LOCK)]
            if self.trail is not None:
                candidates.append((self.trail, StopKind.TRAIL))
        for level, reason in candidates:
            if self.side * (level - stop) > 0:
                stop, kind = level, reason
        if stop != _stop(progress):
            yield self._stop_moved(progress, stop, kind)

    def _stop_moved(self, progress: Progress, stop: float, kind: StopKind) -> Event:
        told = progress.told_stop or _stop(progress)
        step = abs(stop - told) / told
        small = kind is progress.stop_kind is StopKind.TRAIL and step < TRAIL_STEP_WORTH_TELLING
        return Event(
            type=EventType.STOP_MOVED,
            ts=self.bar.ts,
            stop=stop,
            stop_kind=kind,
            quiet=small,
        )

    def _stopped(self, progress: Progress, price: float, *, ambiguous: bool = False) -> Event:
        trailed = progress.stop_kind is StopKind.TRAIL
        kind = EventType.TRAIL_HIT if trailed else EventType.STOPPED
        return self._exit(progress, kind, price, _STOP_REASONS[progress.stop_kind], ambiguous)

    def _exit(
        self,
        progress: Progress,
        kind: EventType,
        price: float,
        reason: ExitReason,
        ambiguous: bool = False,
    ) -> Event:
        return _closing(self.plan, progress, kind, self.bar.ts, price, reason, ambiguous)


def _stop(progress: Progress) -> float:
    assert progress.stop is not None  # noqa: S101 - entered
    return progress.stop
