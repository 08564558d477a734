"""Delivery of what is owed: in the order of each thread's events, one message in flight per thread.

A message is journalled as claimed before each attempt to send it, and its outcome after. Where that
outcome is missing or unknown, nobody acts on it until it has settled: what was on its way by then has
arrived, or never will. Then the channel is asked for the message by its key, and only if it is not there
is it sent again. A channel that cannot be asked gets the message marked as a possible repeat.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from crypto_signals.domain.errors import (
    ChannelPaused,
    LeaseLost,
    NotSent,
    Refused,
    StoreUnusable,
    UnreadableRow,
    VersionConflict,
)
from crypto_signals.domain.events import Effect, Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.vocabulary import AssetClass, EffectKind, EffectStatus
from crypto_signals.engine.attempts import Journal, in_words
from crypto_signals.engine.cards import Cards
from crypto_signals.engine.letters import LEFT, Owed, Pictures, card_on, drawn, next_owed, notes_on
from crypto_signals.engine.ports import (
    Channel,
    Clock,
    Patience,
    Picture,
    Receipt,
    Saved,
    SourceError,
    Store,
    Watcher,
)
from crypto_signals.engine.summary import Summary
from crypto_signals.engine.watching import UNWATCHED, delivery, oldest_s

SENDING_ATTEMPTS = 5

T = TypeVar("T")


class Relay:
    def __init__(
        self,
        store: Store,
        channels: Mapping[AssetClass, Channel],
        clock: Clock,
        patience: Patience,
        settle: timedelta,
        claimant: str = "relay",
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self.store, self.channels, self.clock, self.patience = store, channels, clock, patience
        self._journal = Journal(store, clock, settle, claimant)
        self._paused: set[str] = set()
        self._closed: set[str] = set()
        self._troubled: set[str] = set()
        self._waited_for: set[Effect] = set()
        self.watcher = watcher

    def deliver(self, pictures: Pictures, summary: Summary) -> None:
        """Everything that can be delivered now; then, once, what had to settle first; at last the cards."""
        self._pass(pictures, summary)
        if self._waited():
            self._pass(pictures, summary)
        Cards(self._journal, self.channels, self.patience, self._paused).show(summary)
        self._count_left(summary)
        summary.paused += sorted(self._closed)

    def _pass(self, pictures: Pictures, summary: Summary) -> None:
        for signal_id in _threads(self.store.undelivered()):
            try:
                self._thread(signal_id, pictures, summary)
            except (UnreadableRow, VersionConflict) as error:
                summary.errors.append(SourceError(None, "store", str(error)))

    def _thread(self, signal_id: str, pictures: Pictures, summary: Summary) -> None:
        """One thread as far as it goes now."""
        while not self.patience.stopping and (owed := next_owed(self.store, signal_id)) is not None:
            channel = self.channels[owed.signal.asset_class]
            if channel.name in self._paused or not self._has_settled(owed):
                return
            if not self._one(channel, owed, pictures, summary):
                return

    def _one(self, channel: Channel, owed: Owed, pictures: Pictures, summary: Summary) -> bool:
        """Whether the message is off its thread's way."""
        doubtful = owed.is_unsettled and not channel.can_find
        if owed.is_unsettled:
            try:
                found = self._patiently(channel, lambda: channel.find(owed.letter), summary)
            except Refused as refusal:
                return self._refused(owed, str(refusal), summary, doubtful=doubtful)
            except Exception as problem:  # noqa: BLE001 - whatever it is, the other threads go on
                self._kept(channel, owed, problem, EffectStatus.UNKNOWN, summary)
                return False
            if found is not None:
                self._done(owed, found, summary)
                return True
        if self._too_late(owed, summary, doubtful=doubtful):
            return True
        return self._sent(
            channel, self._claimed(owed), drawn(pictures, owed.letter, summary), summary, doubtful
        )

    def _sent(self, channel: Channel, owed: Owed, picture: Picture, summary: Summary, doubtful: bool) -> bool:
        """One message, journalled as claimed. ``doubtful``: it may be there already.

        After a wait it is claimed anew: what settles when is counted from the attempt that follows.
        """

        def claim_anew() -> None:
            nonlocal owed
            owed = self._claimed(owed)

        try:
            receipt = self._patiently(
                channel,
                lambda: channel.post(owed.letter, picture, may_repeat=doubtful),
                summary,
                claim_anew,
            )
        except Refused as refusal:
            return self._refused(owed, str(refusal), summary, doubtful=doubtful)
        except (NotSent, ChannelPaused) as problem:
            before = EffectStatus.UNKNOWN if doubtful else EffectStatus.OWED
            self._kept(channel, owed, problem, before, summary)
            return False
        except Exception as problem:  # noqa: BLE001 - whatever it is, the other threads go on
            self._kept(channel, owed, problem, EffectStatus.UNKNOWN, summary)
            return False
        self._troubled.discard(channel.name)
        self._done(owed, receipt, summary)
        return True

    def _patiently(
        self,
        channel: Channel,
        call: Callable[[], T],
        summary: Summary,
        before_the_next: Callable[[], None] = lambda: None,
    ) -> T:
        """What was not sent is tried again; on a channel that was just in trouble, once."""
        for attempt in range(1, SENDING_ATTEMPTS + 1):
            self._journal.keep_the_lease()
            try:
                return call()
            except NotSent as problem:
                last = attempt == SENDING_ATTEMPTS or channel.name in self._troubled
                if last or not self.patience.wait(problem.retry_after_s):
                    raise
                summary.retries += 1
                before_the_next()
        raise AssertionError("unreachable")

    def _claimed(self, owed: Owed) -> Owed:
        return replace(owed, effects=self._journal.claimed(owed.effects))

    def _kept(
        self, channel: Channel, owed: Owed, problem: Exception, status: EffectStatus, summary: Summary
    ) -> None:
        """Leaves the message for later. A channel that takes nothing twice in a row is left alone."""
        if isinstance(problem, (StoreUnusable, LeaseLost, VersionConflict)):
            raise problem
        if isinstance(problem, ChannelPaused):
            self._closed.add(channel.name)
        if isinstance(problem, (NotSent, ChannelPaused)):
            if isinstance(problem, ChannelPaused) or channel.name in self._troubled:
                self._paused.add(channel.name)
            self._troubled.add(channel.name)
        error = in_words(problem)
        self.store.record_effects(owed.moved(status, error=error).effects)
        summary.errors.append(SourceError(owed.signal.symbol, channel.name, error))
        self._tell(owed, status)

    def _tell(self, owed: Owed, outcome: EffectStatus) -> None:
        channel = self.channels[owed.signal.asset_class].name
        self.watcher.delivered(delivery(channel, owed, outcome.value))

    def _done(self, owed: Owed, receipt: Receipt, summary: Summary) -> None:
        self._tell(owed, EffectStatus.DONE)
        now = self.clock.now()
        effects = owed.moved(
            EffectStatus.DONE, done_at=now, message_id=receipt.message_id, error=None
        ).effects
        effects += self._card_on(owed)
        summary.announcements += owed.is_announcement
        summary.follow_ups += not owed.is_announcement
        if not owed.is_announcement and receipt.thread_id in (None, owed.signal.thread_id):
            self.store.record_effects(effects)
            return
        event = Event(type=EventType.ANNOUNCED, ts=now, thread_id=receipt.thread_id)
        announced = apply(owed.signal, event)
        self.store.commit([Saved(announced, owed.signal.revision, (event,), effects)])

    def _refused(self, owed: Owed, reason: str, summary: Summary, *, doubtful: bool) -> bool:
        """A dead letter blocks nothing: what comes after it in the thread is still told, and in the place of
        a follow-up a note says what could not be shown. An announcement that people may have seen all the
        same cancels nothing."""
        summary.errors.append(SourceError(owed.signal.symbol, "delivery", reason))
        summary.dead += len(owed.effects)
        self._tell(owed, EffectStatus.DEAD)
        if owed.is_announcement and not doubtful:
            self._cancel(owed, reason, EffectStatus.DEAD, summary)
            return True
        effects = owed.moved(EffectStatus.DEAD, error=reason).effects
        noted = owed.letter.kind is EffectKind.FOLLOW_UP
        then = notes_on(owed, doubtful=doubtful) if noted else self._card_on(owed)
        self.store.record_effects((*effects, *then))
        return True

    def _card_on(self, owed: Owed) -> tuple[Effect, ...]:
        return card_on(owed) if self.channels[owed.signal.asset_class].can_edit else ()

    def _too_late(self, owed: Owed, summary: Summary, *, doubtful: bool) -> bool:
        """An announcement that is too late to act on is not made: the signal is cancelled for people. One
        that they may have seen is not repeated either, but what follows it is told."""
        signal = owed.signal
        in_time = self.clock.now() <= signal.valid_until and not signal.progress.closed
        if in_time or not owed.is_announcement:
            return False
        until = f"it was valid until {signal.valid_until:%Y-%m-%d %H:%M} UTC"
        why = "it has ended" if signal.progress.closed else until
        if doubtful:
            error = f"whether it was announced is unknown, and it is too late to repeat: {why}"
            self.store.record_effects(owed.moved(EffectStatus.DEAD, error=error).effects)
            summary.dead += 1
            summary.errors.append(SourceError(signal.symbol, "delivery", error))
        else:
            self._cancel(owed, f"not announced in time: {why}", EffectStatus.SUPERSEDED, summary)
        return True

    def _cancel(self, owed: Owed, reason: str, status: EffectStatus, summary: Summary) -> None:
        event = Event(type=EventType.CANCELLED, ts=self.clock.now(), detail=reason)
        signal = apply(owed.signal, event)
        mine = owed.moved(status, error=reason).effects
        _, _, effects = self.store.signal(signal.signal_id)
        rest = [
            e.moved(EffectStatus.SUPERSEDED) for e in effects if e.status in LEFT and e.key != mine[0].key
        ]
        self.store.commit([Saved(signal, owed.signal.revision, (event,), (*mine, *rest))])
        summary.cancelled += 1
        summary.warnings.append(
            f"{signal.symbol} {signal.detector} ({signal.short_id}) was cancelled: {reason}"
        )

    def _has_settled(self, owed: Owed) -> bool:
        now = self.clock.now()
        return all(
            effect in self._waited_for or effect.settles_at is None or now >= effect.settles_at
            for effect in owed.effects
            if effect.is_unsettled
        )

    def _waited(self) -> bool:
        """Waits until what is unsettled on open channels has settled; false where the run must not wait."""
        unsettled = [
            effect
            for effect in self.store.undelivered()
            if effect.is_unsettled and effect.kind is not EffectKind.CARD and self._is_open(effect)
        ]
        if not unsettled or self.patience.stopping:
            return False
        last = max((e.settles_at for e in unsettled if e.settles_at is not None), default=self.clock.now())
        self._waited_for = set(unsettled)
        return self.patience.wait(max(0.0, (last - self.clock.now()).total_seconds()))

    def _is_open(self, effect: Effect) -> bool:
        try:
            signal, _, _ = self.store.signal(effect.signal_id)
        except UnreadableRow:
            return False
        return self.channels[signal.asset_class].name not in self._paused

    def _count_left(self, summary: Summary) -> None:
        left = self.store.undelivered()
        summary.unknown = sum(effect.is_unsettled for effect in left)
        summary.owed = len(left) - summary.unknown
        summary.oldest_owed_s = oldest_s(self.store, left, self.clock.now())


def _threads(effects: Iterable[Effect]) -> list[str]:
    return list(dict.fromkeys(effect.signal_id for effect in effects))
