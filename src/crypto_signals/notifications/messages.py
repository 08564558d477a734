"""Everything that people are told, as pure functions from a signal and its events to one `Message`.

Every channel renders the same `Message`; no channel has words of its own.
"""

from crypto_signals.notifications.announcement import announcement
from crypto_signals.notifications.follow_ups import CLOSING, follow_up
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
    "follow_up",
    "plain",
    "utc",
]
