"""Markdown, as the generated pages of the reference have it."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Union, get_origin

MADE = "Generated from the code by `tools/make_reference.py`."
WIDTH = 100


def head(title: str, said: str) -> Iterator[str]:
    yield f"# {title}\n"
    yield f"{textwrap.fill(said, WIDTH, break_on_hyphens=False, break_long_words=False)}\n"
    yield f"*{MADE}*\n"


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(columns)
    yield _row("---" for _ in columns)
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in cells)} |"


def codes(words: Iterable[object]) -> str:
    return ", ".join(map(code, words))


def code(word: object) -> str:
    return f"`{plain(word)}`"


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return json.dumps(list(value), ensure_ascii=False)
    return str(value)


def is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)
