"""Delivery of what is owed: in the order of each thread's events, one effect in flight per thread.

An effect is journalled as claimed before it is sent, and its outcome after. A claimed effect found at
the start of a run is one whose outcome nobody recorded: unknown, like one whose reply was lost. Unknown
ones are left to settle and then repeated, marked as a possible repeat: a bare webhook cannot be asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crypto_signals.domain.errors import ChannelPaused, NotSent, OutcomeUnknown, Refused, UnreadableRow
from crypto_signals.domain.events import Effect, Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass, EffectKind, EffectStatus
from crypto_signals.engine.ports import Channel, Clock, Patience, Picture, Receipt, Saved, SourceError, Store
from crypto_signals.engine.summary import Summary

SENDING_ATTEMPTS = 5

Pictures = Callable[[Signal, Sequence[Event]], Picture]


@dataclass(frozen=True, slots=True)
class Owed:
    """What one thread is owed next, sent as one message: an announcement, or follow-ups in order."""

    signal: Signal
    history: tuple[Event, ...]
    effects: tuple[Effect, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self.history[effect.seq - 1] for effect in self.effects)

    @property
    def is_announcement(self) -> bool:
        return self.effects[0].kind is EffectKind.ANNOUNCE

    @property
    def unknown(self) -> bool:
        return any(effect.status is EffectStatus.UNKNOWN for effect in self.effects)

    def marked(self, status: EffectStatus, **changes: object) -> tuple[Effect, ...]:
        return tuple(replace(effect, status=status, **changes) for effect in self.effects)  # type: ignore[arg-type]


class Relay:
    def __init__(
        self,
        store: Store,
        channels: Mapping[AssetClass, Channel],
        clock: Clock,
        patience: Patience,
        settle: timedelta,
    ) -> None:
        self.store, self.channels, self.clock, self.patience = store, channels, clock, patience
        self.settle = settle
        self._paused: set[str] = set()
        self._troubled: set[str] = set()

    def deliver(self, pictures: Pictures, summary: Summary) -> None:
        """Everything that can be delivered now; then, once, what had to settle first."""
        self._recover()
        self._pass(pictures, summary)
        wait = self._settling_s()
        if wait is not None and self.patience.wait(wait):
            self._pass(pictures, summary, settled=True)
        self._count_left(summary)

    def _recover(self) -> None:
        left = [effect for effect in self.store.undelivered() if effect.status is EffectStatus.CLAIMED]
        if left:
            error = "a run ended before it recorded the outcome"
            self.store.record_effects(
                [replace(effect, status=EffectStatus.UNKNOWN, error=error) for effect in left]
            )

    def _pass(self, pictures: Pictures, summary: Summary, *, settled: bool = False) -> None:
        for signal_id in _threads(self.store.undelivered()):
            if self.patience.stopping:
                return
            try:
                self._thread(signal_id, pictures, summary, settled=settled)
            except UnreadableRow as error:
                summary.errors.append(SourceError(None, "store", str(error)))

    def _thread(self, signal_id: str, pictures: Pictures, summary: Summary, *, settled: bool) -> None:
        """One thread as far as it goes now."""
        while not self.patience.stopping and (owed := self._next(signal_id)) is not None:
            if self._too_late(owed, summary):
                continue
            if not self._sent(owed, pictures, summary, settled=settled):
                return

    def _next(self, signal_id: str) -> Owed | None:
        """The announcement if it is owed, else all follow-ups owed: they become one message. An unknown
        message is repeated as it was, before anything newer."""
        signal, events, effects = self.store.signal(signal_id)
        left = [e for e in effects if e.status in (EffectStatus.OWED, EffectStatus.UNKNOWN)]
        if not left:
            return None
        unknown = [e for e in left if e.status is EffectStatus.UNKNOWN]
        chosen = left[:1] if left[0].kind is EffectKind.ANNOUNCE else (unknown or left)
        return Owed(signal, events, tuple(chosen))

    def _too_late(self, owed: Owed, summary: Summary) -> bool:
        """An announcement that is too late to act on is not made: the signal is cancelled for people. One
        that they may have seen is not repeated either, but what follows it is told."""
        signal = owed.signal
        if not owed.is_announcement:
            return False
        if self.clock.now() <= signal.valid_until and not signal.progress.closed:
            return False
        until = f"it was valid until {signal.valid_until:%Y-%m-%d %H:%M} UTC"
        why = "it has ended" if signal.progress.closed else until
        if owed.unknown:
            error = f"whether it was announced is unknown, and it is too late to repeat: {why}"
            self.store.record_effects(owed.marked(EffectStatus.DEAD, error=error))
            summary.dead += 1
            summary.errors.append(SourceError(signal.symbol, "delivery", error))
        else:
            self._cancel(owed, f"not announced in time: {why}", EffectStatus.SUPERSEDED, summary)
        return True

    def _cancel(self, owed: Owed, reason: str, status: EffectStatus, summary: Summary) -> None:
        event = Event(type=EventType.CANCELLED, ts=self.clock.now(), detail=reason)
        signal = apply(owed.signal, event)
        _, _, effects = self.store.signal(signal.signal_id)
        open_ones = [e for e in effects if e.status in (EffectStatus.OWED, EffectStatus.CLAIMED)]
        rest = [replace(e, status=EffectStatus.SUPERSEDED) for e in open_ones if e.key != owed.effects[0].key]
        first = owed.marked(status, error=reason)
        self.store.commit([Saved(signal, owed.signal.version, (event,), (*first, *rest))])
        summary.cancelled += 1
        summary.warnings.append(
            f"{signal.symbol} {signal.detector} ({signal.short_id}) was cancelled: {reason}"
        )

    def _sent(self, owed: Owed, pictures: Pictures, summary: Summary, *, settled: bool) -> bool:
        channel = self.channels[owed.signal.asset_class]
        if channel.name in self._paused or (owed.unknown and not self._has_settled(owed, settled=settled)):
            return False
        claimed = replace(owed, effects=self._claimed(owed))
        self.store.record_effects(claimed.effects)
        try:
            receipt = self._call(channel, claimed, pictures, may_repeat=owed.unknown, summary=summary)
        except Refused as refusal:
            return self._refused(claimed, str(refusal), summary)
        except (NotSent, ChannelPaused) as problem:
            if isinstance(problem, ChannelPaused) or channel.name in self._troubled:
                self._paused.add(channel.name)
            self._troubled.add(channel.name)
            back = EffectStatus.UNKNOWN if owed.unknown else EffectStatus.OWED
            self.store.record_effects(claimed.marked(back, error=str(problem)))
            summary.errors.append(SourceError(owed.signal.symbol, channel.name, str(problem)))
            return False
        except Exception as problem:  # noqa: BLE001 - whatever it is, the other threads go on
            error = (
                str(problem)
                if isinstance(problem, OutcomeUnknown)
                else f"{type(problem).__name__}: {problem}"
            )
            self.store.record_effects(claimed.marked(EffectStatus.UNKNOWN, error=error))
            summary.errors.append(SourceError(owed.signal.symbol, channel.name, error))
            return False
        self._troubled.discard(channel.name)
        self._done(claimed, receipt, summary)
        return True

    def _claimed(self, owed: Owed) -> tuple[Effect, ...]:
        now = self.clock.now()
        return tuple(
            replace(effect, status=EffectStatus.CLAIMED, attempts=effect.attempts + 1, attempted_at=now)
            for effect in owed.effects
        )

    def _call(
        self, channel: Channel, owed: Owed, pictures: Pictures, *, may_repeat: bool, summary: Summary
    ) -> Receipt:
        """One message, sent again only as long as the channel says that it has not acted on it.

        A channel that took nothing for all its attempts gets one with the next thread, and then none.
        """
        picture = _drawn(pictures(owed.signal, owed.history), owed.signal, summary)
        for attempt in range(1, SENDING_ATTEMPTS + 1):
            try:
                if owed.is_announcement:
                    return channel.announce(owed.signal, picture, may_repeat=may_repeat)
                return channel.follow_up(owed.signal, owed.events, picture, may_repeat=may_repeat)
            except NotSent as problem:
                last = attempt == SENDING_ATTEMPTS or channel.name in self._troubled
                if last or not self.patience.wait(problem.retry_after_s):
                    raise
                summary.retries += 1
        raise AssertionError("unreachable")

    def _done(self, owed: Owed, receipt: Receipt, summary: Summary) -> None:
        now = self.clock.now()
        effects = owed.marked(EffectStatus.DONE, done_at=now, message_id=receipt.message_id, error=None)
        summary.announcements += owed.is_announcement
        summary.follow_ups += not owed.is_announcement
        if not owed.is_announcement and (receipt.thread_id is None or owed.signal.thread_id is not None):
            self.store.record_effects(effects)
            return
        event = Event(type=EventType.ANNOUNCED, ts=now, thread_id=receipt.thread_id)
        announced = apply(owed.signal, event)
        self.store.commit([Saved(announced, owed.signal.version, (event,), effects)])

    def _refused(self, owed: Owed, reason: str, summary: Summary) -> bool:
        """A dead letter blocks nothing: what comes after it in the thread is still told."""
        summary.errors.append(SourceError(owed.signal.symbol, "delivery", reason))
        summary.dead += len(owed.effects)
        if owed.is_announcement:
            self._cancel(owed, reason, EffectStatus.DEAD, summary)
            return False
        self.store.record_effects(owed.marked(EffectStatus.DEAD, error=reason))
        return True

    def _has_settled(self, owed: Owed, *, settled: bool) -> bool:
        return settled or self.clock.now() >= _attempted(owed.effects) + self.settle

    def _settling_s(self) -> float | None:
        """How long until the youngest unknown outcome on an open channel has settled."""
        unknown = [
            e for e in self.store.undelivered() if e.status is EffectStatus.UNKNOWN and self._is_open(e)
        ]
        if not unknown or self.patience.stopping:
            return None
        return max(0.0, (_attempted(unknown) + self.settle - self.clock.now()).total_seconds())

    def _is_open(self, effect: Effect) -> bool:
        try:
            signal, _, _ = self.store.signal(effect.signal_id)
        except UnreadableRow:
            return False
        return self.channels[signal.asset_class].name not in self._paused

    def _count_left(self, summary: Summary) -> None:
        left = [effect.status for effect in self.store.undelivered()]
        summary.owed = left.count(EffectStatus.OWED)
        summary.unknown = left.count(EffectStatus.UNKNOWN)


def _drawn(picture: Picture, signal: Signal, summary: Summary) -> Picture:
    """The picture, drawn when it is asked for; a message goes out without one rather than not at all."""

    def draw() -> bytes | None:
        try:
            return picture()
        except Exception as error:  # noqa: BLE001 - a chart is worth less than its message
            summary.warnings.append(f"{signal.symbol}: its chart could not be drawn: {error}")
            return None

    return draw


def _threads(effects: Iterable[Effect]) -> list[str]:
    return list(dict.fromkeys(effect.signal_id for effect in effects))


def _attempted(effects: Sequence[Effect]) -> datetime:
    return max(effect.attempted_at for effect in effects if effect.attempted_at is not None)
