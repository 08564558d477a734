"""Letters: which of a thread's owed effects are told next, together, as one message."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus
from crypto_signals.engine.ports import Letter, Picture, Store
from crypto_signals.engine.summary import Summary

LEFT = frozenset({EffectStatus.OWED, EffectStatus.CLAIMED, EffectStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Owed:
    """A letter with the effects that it settles, as they stand in the store. ``first_message`` is the
    announcement's id, where it is known and may be edited."""

    letter: Letter
    effects: tuple[Effect, ...]
    first_message: str | None = None

    @property
    def signal(self) -> Signal:
        return self.letter.signal

    @property
    def is_announcement(self) -> bool:
        return self.letter.kind is EffectKind.ANNOUNCE

    @property
    def is_unsettled(self) -> bool:
        return any(effect.is_unsettled for effect in self.effects)

    def moved(self, status: EffectStatus, **changes: object) -> "Owed":
        return replace(self, effects=tuple(effect.moved(status, **changes) for effect in self.effects))


def next_owed(store: Store, signal_id: str) -> Owed | None:
    """The announcement if it is owed, else all follow-ups in a row: they become one message. A message
    whose fate is unknown is settled as it was, before anything newer. Raises ``UnreadableRow``."""
    signal, history, effects = store.signal(signal_id)
    left = [effect for effect in effects if effect.status in LEFT and effect.kind is not EffectKind.CARD]
    if not left:
        return None
    chosen = [effect for effect in left if effect.is_unsettled] or _together(left)
    events = tuple(history[effect.seq - 1] for effect in chosen)
    first = first_message(effects)
    return Owed(Letter(chosen[-1].key, chosen[0].kind, signal, events, first), tuple(chosen), first)


def first_message(effects: Iterable[Effect]) -> str | None:
    """The id of the announcement; ``None`` where it is not known, or an edit of it was refused for good."""
    known = None
    for effect in effects:
        if effect.kind is EffectKind.CARD and effect.status is EffectStatus.DEAD:
            return None
        if effect.kind is EffectKind.ANNOUNCE and effect.status is EffectStatus.DONE:
            known = effect.message_id
    return known


def _together(left: Sequence[Effect]) -> list[Effect]:
    """Follow-ups in a row, or notes in a row. An announcement stands alone."""
    return list(takewhile(lambda effect: effect.kind is left[0].kind, left))


def notes_on(owed: Owed, *, doubtful: bool) -> tuple[Effect, ...]:
    """What is owed to a thread in place of the follow-ups that it refused: each of them is noted. Where
    they may have been seen all the same, it is unknown whether people know, and the notes say so."""
    status = EffectStatus.UNKNOWN if doubtful else EffectStatus.OWED
    return tuple(
        Effect(
            key=f"{effect.key}/note",
            signal_id=effect.signal_id,
            seq=effect.seq,
            kind=EffectKind.NOTE,
            status=status,
        )
        for effect in owed.effects
    )


def card_on(owed: Owed) -> tuple[Effect, ...]:
    """The status card that is owed once people have been told, in the same write."""
    if owed.is_announcement or owed.first_message is None:
        return ()
    last = owed.effects[-1]
    key = f"{last.signal_id}/{last.seq}/card"
    return (Effect(key=key, signal_id=last.signal_id, seq=last.seq, kind=EffectKind.CARD),)


Pictures = Callable[[Signal, Sequence[Event]], Picture]


def drawn(pictures: Pictures, letter: Letter, summary: Summary) -> Picture:
    """The picture, drawn when it is asked for; a message goes out without one rather than not at all."""
    picture = pictures(letter.signal, letter.events)

    def draw() -> bytes | None:
        try:
            return picture()
        except Exception as error:  # noqa: BLE001 - a chart is worth less than its message
            summary.warnings.append(f"{letter.signal.symbol}: its chart could not be drawn: {error}")
            return None

    return draw
