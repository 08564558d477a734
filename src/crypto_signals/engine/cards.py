"""Status cards: announcements that are edited, so that the channel shows at a glance how each signal went.

A card is owed in the write that says that people were told what it shows. Nothing ever waits for a card:
cards come after all that is to be told, and only the latest of a signal is shown. To edit twice does no harm,
so what is in doubt is done again at once; but a newer card waits until an older one that may still be on its
way has settled, lest the older one replace it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from crypto_signals.domain.errors import (
    ChannelPaused,
    LeaseLost,
    NotSent,
    Refused,
    StoreUnusable,
    UnreadableRow,
    VersionConflict,
)
from crypto_signals.domain.events import Effect
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass, EffectKind, EffectStatus
from crypto_signals.engine.attempts import Journal, in_words
from crypto_signals.engine.letters import LEFT, first_message
from crypto_signals.engine.ports import Channel, Letter, Patience, SourceError
from crypto_signals.engine.summary import Summary

ATTEMPTS = 3
LONGEST_WAIT_S = 15.0
"""Who has to wait for longer is left to the next run: a card is not worth it."""


@dataclass
class Cards:
    """The cards of one run. ``paused`` are the channels that take nothing."""

    journal: Journal
    channels: Mapping[AssetClass, Channel]
    patience: Patience
    paused: Collection[str]
    _left_alone: set[str] = field(default_factory=set)

    def show(self, summary: Summary) -> None:
        owed = [e for e in self.journal.store.undelivered() if e.kind is EffectKind.CARD]
        for signal_id in dict.fromkeys(effect.signal_id for effect in owed):
            if self.patience.stopping:
                return
            try:
                self._of(signal_id, summary)
            except (UnreadableRow, VersionConflict) as error:
                summary.errors.append(SourceError(None, "store", str(error)))

    def _of(self, signal_id: str, summary: Summary) -> None:
        signal, history, effects = self.journal.store.signal(signal_id)
        left = [effect for effect in effects if effect.status in LEFT]
        if not left or any(effect.kind is not EffectKind.CARD for effect in left):
            return
        channel, first = self.channels[signal.asset_class], first_message(effects)
        if first is None or not channel.can_edit:
            self._record([effect.moved(EffectStatus.SUPERSEDED) for effect in left])
        elif not self._must_wait(channel, left[:-1]):
            letter = Letter(left[-1].key, EffectKind.CARD, signal, (history[left[-1].seq - 1],))
            self._edited(channel, letter, first, left, summary)

    def _must_wait(self, channel: Channel, older: Sequence[Effect]) -> bool:
        now = self.journal.clock.now()
        on_its_way = any(e.is_unsettled and e.settles_at is not None and now < e.settles_at for e in older)
        return on_its_way or channel.name in self.paused or channel.name in self._left_alone

    def _edited(
        self, channel: Channel, letter: Letter, first: str, left: Sequence[Effect], summary: Summary
    ) -> None:
        *older, latest = left
        before = EffectStatus.UNKNOWN if latest.is_unsettled else EffectStatus.OWED
        for more in reversed(range(ATTEMPTS)):
            self.journal.keep_the_lease()
            (latest,) = self.journal.claimed([latest])
            problem = _attempted(channel, letter, first)
            if not (more and self._worth_a_wait(problem)):
                break
            summary.retries += 1
        if problem is None:
            summary.cards += 1
            now = self.journal.clock.now()
            latest = latest.moved(EffectStatus.DONE, done_at=now, message_id=first, error=None)
        else:
            latest = self._failed(channel, letter.signal, latest, problem, before, summary)
        rest = () if latest.status in LEFT else [effect.moved(EffectStatus.SUPERSEDED) for effect in older]
        self._record([latest, *rest])

    def _worth_a_wait(self, problem: Exception | None) -> bool:
        """Whether it was not sent, and the time has come to send it again."""
        is_short = isinstance(problem, NotSent) and problem.retry_after_s <= LONGEST_WAIT_S
        return is_short and self.patience.wait(problem.retry_after_s)  # type: ignore[union-attr]

    def _failed(
        self,
        channel: Channel,
        signal: Signal,
        card: Effect,
        problem: Exception,
        before: EffectStatus,
        summary: Summary,
    ) -> Effect:
        error = in_words(problem)
        summary.errors.append(SourceError(signal.symbol, channel.name, error))
        if isinstance(problem, Refused):
            summary.dead += 1
            return card.moved(EffectStatus.DEAD, error=error)
        if isinstance(problem, (NotSent, ChannelPaused)):
            self._left_alone.add(channel.name)
            return card.moved(before, error=error)
        return card.moved(EffectStatus.UNKNOWN, error=error)

    def _record(self, effects: Sequence[Effect]) -> None:
        self.journal.store.record_effects(effects)


def _attempted(channel: Channel, letter: Letter, first: str) -> Exception | None:
    """What went wrong, whatever it is; the other cards go on."""
    try:
        channel.edit(letter, first)
    except (StoreUnusable, LeaseLost, VersionConflict):
        raise
    except Exception as problem:  # noqa: BLE001
        return problem
    return None
