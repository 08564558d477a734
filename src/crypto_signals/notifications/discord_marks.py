"""What a message is recognised by: a short form of its letter's key, visible at the end of each post.

A signal's short id and the number of the event make it unique among the messages of a signal's lifetime in
one channel. The nonce is what Discord itself recognises a repeated request by, for a few minutes.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crypto_signals.domain.wording import one_line
from crypto_signals.engine.ports import Letter

MARK_MAX = 48
_PART = re.compile(r"·(\d{1,4})/(\d{1,4})")
_NONCE_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Part:
    """Which of how many posts of a message."""

    number: int
    count: int


def mark_of(letter: Letter) -> str:
    """``1a2b3c4d·3`` for the key ``1a2b3c4d-…/3``."""
    tail = letter.key.removeprefix(f"{letter.signal.signal_id}/").replace("/", "·")
    return f"{one_line(letter.signal.short_id)}·{one_line(tail)}"


def of_part(mark: str, number: int, count: int) -> str:
    """What is shown on one of ``count`` posts.

    >>> of_part("1a2b3c4d·3", 1, 1), of_part("1a2b3c4d·3", 2, 3)
    ('1a2b3c4d·3', '1a2b3c4d·3·2/3')
    """
    return mark if count == 1 else f"{mark}·{number}/{count}"


def part_in(message: Mapping[str, Any], mark: str) -> Part | None:
    """Which part of the message with this ``mark`` Discord's ``message`` is, if any."""
    parts = (_part(last, mark) for last in _last_words(message))
    return next((part for part in parts if part is not None), None)


def nonce_of(letter: Letter, number: int) -> str:
    """The same for the same post for ever; Discord takes at most 25 characters."""
    return hashlib.sha256(f"{letter.key}#{number}".encode()).hexdigest()[:_NONCE_LENGTH]


def _part(last: str, mark: str) -> Part | None:
    if last == mark:
        return Part(1, 1)
    numbered = _PART.fullmatch(last.removeprefix(mark)) if last.startswith(mark) else None
    return Part(int(numbered[1]), int(numbered[2])) if numbered else None


def _last_words(message: Mapping[str, Any]) -> list[str]:
    embeds = message.get("embeds")
    footers = [embed.get("footer") for embed in embeds or () if isinstance(embed, dict)]
    texts = [footer.get("text") for footer in footers if isinstance(footer, dict)]
    return [text.rpartition(" ")[2] for text in texts if isinstance(text, str)]
