"""Everything that people are told, as pure functions from a signal and its events to one `Message`.

Every channel renders the same `Message`; no channel has words of its own.
"""

from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import Letter
from crypto_signals.notifications.announcement import announcement
from crypto_signals.notifications.card import card
from crypto_signals.notifications.follow_ups import CLOSING, follow_up, note
from crypto_signals.notifications.texts import Colour, Field, Line, Message, Span, Strong, plain, utc

__all__ = [
    "CLOSING",
    "Colour",
    "Field",
    "Line",
    "Message",
    "Span",
    "Strong",
    "announcement",
    "card",
    "follow_up",
    "message",
    "note",
    "plain",
    "shows_picture",
    "utc",
]


def message(letter: Letter, *, may_repeat: bool = False) -> Message:
    """What ``letter`` says."""
    if letter.kind is EffectKind.ANNOUNCE:
        return announcement(letter.signal, may_repeat=may_repeat)
    if letter.kind is EffectKind.CARD:
        return card(letter.signal, letter.events[-1], may_repeat=may_repeat)
    tell = note if letter.kind is EffectKind.NOTE else follow_up
    return tell(letter.signal, letter.events, may_repeat=may_repeat)


def shows_picture(letter: Letter) -> bool:
    """The announcement shows the chart, and once more what closes the trade."""
    closes = any(event.type in CLOSING for event in letter.events)
    return letter.kind is EffectKind.ANNOUNCE or closes
