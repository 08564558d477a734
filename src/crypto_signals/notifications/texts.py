"""The parts of a message, before any channel has given them its own form.

A line is a sequence of spans: plain text, ``Strong`` text, and moments (aware datetimes), which each
channel shows in its own way. Nothing here is escaped; every channel escapes every span.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class Strong:
    """Text that must catch the eye."""

    text: str


Span = str | Strong | datetime
Line = tuple[Span, ...]


class Colour(IntEnum):
    """The bar at the side of a message, as 0xRRGGBB."""

    GREEN = 0x2ECC71
    RED = 0xED4245
    GOLD = 0xF1C40F
    BLUE = 0x3498DB
    GREY = 0x95A5A6


@dataclass(frozen=True, slots=True)
class Field:
    """``inline`` fields may stand side by side."""

    name: str
    lines: tuple[Line, ...]
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told, once. ``lines`` say what to do; ``fields`` carry the numbers; ``footer`` is the trace.

    ``thread_name`` names the signal wherever there is no thread to do so. ``ts`` is when an announced
    signal was found, or the opening of the last bar that a follow-up tells of. ``alt`` describes the picture.
    """

    title: str
    lines: tuple[Line, ...]
    colour: Colour
    fields: tuple[Field, ...] = ()
    footer: str
    ts: datetime
    thread_name: str
    alt: str


def plain(line: Line) -> str:
    """A line without any markup, its moments in UTC.

    >>> plain(("Sell ", Strong("half"), "."))
    'Sell half.'
    """
    return "".join(_plain(span) for span in line)


def _plain(span: Span) -> str:
    if isinstance(span, datetime):
        return utc(span)
    return span.text if isinstance(span, Strong) else span


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
