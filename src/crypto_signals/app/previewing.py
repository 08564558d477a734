"""Messages of stored signals, shown and not sent."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.retelling import after
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import Letter
from crypto_signals.notifications.console import ConsoleChannel
from crypto_signals.notifications.discord_marks import mark_of
from crypto_signals.notifications.discord_posts import posts
from crypto_signals.notifications.messages import message, shows_picture


def letter(signal: Signal, events: Sequence[Event], number: int, kind: EffectKind | None) -> Letter:
    """What event ``number`` made, or would have made, people read, as things stood then."""
    event = events[number - 1]
    usual = EffectKind.ANNOUNCE if event.type is EventType.CREATED else EffectKind.FOLLOW_UP
    key = f"{signal.signal_id}/{number}"
    return Letter(key, kind or usual, after(signal, events[:number]), (event,))


def bodies(told: Letter) -> list[dict[str, Any]]:
    """What Discord would be asked to post, or for a card to show."""
    first = told.kind in (EffectKind.ANNOUNCE, EffectKind.CARD)
    picture = shows_picture(told) or told.kind is EffectKind.CARD
    named = not first and told.signal.thread_id is None
    return posts(message(told), mark_of(told), named=named, picture=picture)


def console_text(told: Letter, console: Console) -> None:
    ConsoleChannel(console).post(told, lambda: None, may_repeat=False)
