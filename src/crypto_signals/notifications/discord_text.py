"""Lines as Discord markdown, and cutting them to size without losing a character.

Lengths are counted in UTF-16 units, the strictest count that a client could use.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from crypto_signals.notifications.texts import Line, Span, Strong

_SPECIAL = re.compile(r"([\\*_~`|<@]|\](?=\()|^[#>+-])")
_SCHEME = re.compile(r"://")
_WORDS = re.compile(r"\S+\s*|\s+")
_WORD_MAX = 60


def length(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def escaped(text: str) -> str:
    """``text`` so that Discord shows it as it is: no formatting, links, lists or mentions.

    Only what would be interpreted is escaped, because notifications on a phone show the escapes.

    >>> print(escaped("*x* <@1> (2)"))
    \\*x\\* \\<\\@1> (2)
    """
    return _SCHEME.sub(r":\\/\\/", _SPECIAL.sub(r"\\\1", text))


def markdown(line: Line) -> str:
    return "".join(_rendered(span) for span in line)


def _rendered(span: Span) -> str:
    if isinstance(span, datetime):
        return f"<t:{int(span.timestamp())}:f>"
    return f"**{escaped(span.text)}**" if isinstance(span, Strong) else escaped(span)


def cut(text: str, most: int) -> str:
    """``text`` in at most ``most`` units, with an ellipsis where something is missing."""
    if length(text) <= most:
        return text
    kept = text[: most - 1]
    while length(kept) > most - 1:
        kept = kept[:-1]
    return f"{kept.rstrip(chr(92))}…"


def pieces(line: Line, most: int) -> Iterator[str]:
    """``line`` as markdown, in as many pieces of at most ``most`` units as it takes."""
    whole = markdown(line)
    if length(whole) <= most:
        yield whole
        return
    piece: list[Span] = []
    for atom in _atoms(line):
        longer = _joined(piece, atom)
        if piece and length(markdown(tuple(longer))) > most:
            yield markdown(tuple(piece))
            longer = [atom]
        piece = longer
    yield markdown(tuple(piece))


def _atoms(line: Line) -> Iterator[Span]:
    for span in line:
        if isinstance(span, datetime):
            yield span
            continue
        strong = isinstance(span, Strong)
        text = span.text if isinstance(span, Strong) else span
        for word in _WORDS.findall(text):
            for start in range(0, len(word), _WORD_MAX):
                part = word[start : start + _WORD_MAX]
                yield Strong(part) if strong else part


def _joined(piece: list[Span], atom: Span) -> list[Span]:
    """``atom`` at the end of ``piece``; neighbours of one kind become one span."""
    if piece:
        last = piece[-1]
        if isinstance(last, str) and isinstance(atom, str):
            return [*piece[:-1], last + atom]
        if isinstance(last, Strong) and isinstance(atom, Strong):
            return [*piece[:-1], Strong(last.text + atom.text)]
    return [*piece, atom]
