"""Tables as the page shows them: cells of text with the style that they are given there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crypto_signals.domain.wording import MINUS

NOTHING = "–"
NUMBER = "number"


class Cell(NamedTuple):
    """``text`` may be markup; ``href`` makes it a link."""

    text: str
    style: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` are cells too: the style of a heading is that of its column."""

    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


def headings(*names: str) -> list[Cell]:
    """Headings; those after a ``|`` stand over numbers.

    >>> [cell.style for cell in headings("Detector", "|Trades")]
    ['', 'number']
    """
    return [Cell(name.removeprefix("|"), NUMBER if name.startswith("|") else "") for name in names]


def number(value: float | None, digits: int = 2, unit: str = "", *, signed: bool = False) -> str:
    """
    >>> number(-1234.5, 1), number(None), number(0.5, 2, " R", signed=True), number(-0.001)
    ('−1,234.5', '–', '+0.50 R', '0.00')
    """
    if value is None:
        return NOTHING
    text = f"{value:{'+' if signed else ''},.{digits}f}"
    if not float(text.replace(",", "")):
        text = text.lstrip("+-")
    return text.replace("-", MINUS) + unit


def figure(value: float | None, digits: int = 2, unit: str = "") -> Cell:
    return Cell(number(value, digits, unit), NUMBER)


def gain(value: float | None, digits: int = 2, unit: str = "") -> Cell:
    """A number with its sign, green or red."""
    colour = "" if not value else " green" if value > 0 else " red"
    return Cell(number(value, digits, unit, signed=True), NUMBER + colour)


def share(value: float | None) -> Cell:
    """
    >>> share(0.456).text
    '46 %'
    """
    return figure(None if value is None else 100 * value, 0, " %")
