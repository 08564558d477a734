"""Discord's markup as HTML, as far as messages of this project use it.

Source: discord-api-docs, reference (message formatting). Everything is escaped first; what follows only
ever adds tags around text that is already safe.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

CODE = re.compile(r"```(?:[a-z]+\n)?(.*?)```|`([^`\n]+)`", re.DOTALL)
TIMESTAMP = re.compile(r"&lt;t:(-?\d{1,12})(?::([tTdDfFR]))?&gt;")
SPANS = (
    (re.compile(r"\*\*(.+?)\*\*", re.DOTALL), r"<strong>\1</strong>"),
    (re.compile(r"__(.+?)__", re.DOTALL), r"<u>\1</u>"),
    (re.compile(r"~~(.+?)~~", re.DOTALL), r"<s>\1</s>"),
    (re.compile(r"(?<![*\w])\*([^*\s](?:[^*\n]*[^*\s])?)\*(?!\*)"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]\n]+)\]\((https?://[^\s)]+)\)"), r'<a href="\2" rel="noreferrer">\1</a>'),
    (re.compile(r"^&gt; (.*)$", re.MULTILINE), r'<span class="quote">\1</span>'),
    (re.compile(r"^-# (.*)$", re.MULTILINE), r"<small>\1</small>"),
    (re.compile(r"^#{1,3} (.*)$", re.MULTILINE), r'<span class="heading">\1</span>'),
)
STYLES = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%d/%m/%Y",
    "D": "%-d %B %Y",
    "f": "%-d %B %Y %H:%M",
    "F": "%A, %-d %B %Y %H:%M",
}
PERIODS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3600), ("minute", 60))


def rendered(text: str, now: datetime) -> Markup:
    """A text of a message as safe HTML; ``now`` is what relative times refer to."""
    parts: list[str] = []
    position = 0
    for code in CODE.finditer(text):
        parts.append(_spans(text[position : code.start()], now))
        parts.append(_code(code))
        position = code.end()
    parts.append(_spans(text[position:], now))
    return Markup("".join(parts))  # noqa: S704 - every part was escaped


def shown_time(seconds: int, style: str, now: datetime) -> str:
    """A timestamp in UTC, in one of Discord's styles; the default is ``f``."""
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return "Invalid Date"
    if style == "R":
        return _relative((instant - now).total_seconds())
    text = instant.strftime(STYLES[style])
    return text if style in "dD" else f"{text} UTC"


def _relative(seconds: float) -> str:
    distance = abs(round(seconds))
    name, length = next(((name, length) for name, length in PERIODS if distance >= length), ("second", 1))
    count = distance // length
    words = f"{count} {name}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _spans(text: str, now: datetime) -> str:
    html = str(escape(text))
    for pattern, replacement in SPANS:
        html = pattern.sub(replacement, html)
    return TIMESTAMP.sub(_timestamp(now), html)


def _timestamp(now: datetime) -> Callable[[re.Match[str]], str]:
    def replacement(match: re.Match[str]) -> str:
        return f"<time>{shown_time(int(match[1]), match[2] or 'f', now)}</time>"

    return replacement


def _code(match: re.Match[str]) -> str:
    if match[1] is not None:
        return f"<pre>{escape(match[1])}</pre>"
    return f"<code>{escape(match[2])}</code>"
