"""A page of bars: by symbol, then by time."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from crypto_signals.simulator.alpaca_query import Query
from crypto_signals.simulator.bars_store import Series
from crypto_signals.simulator.views import Views


@dataclass(slots=True)
class Page:
    """The text of each symbol's bars, and the token of the next page. A symbol without bars is absent."""

    bars: dict[str, list[str]] = field(default_factory=dict)
    token: str | None = None

    def as_json(self, **others: str) -> str:
        """The body of an answer for many symbols."""
        rows = ",".join(f"{json.dumps(symbol)}:{_list(bars)}" for symbol, bars in self.bars.items())
        return _with_others(f'"bars":{{{rows}}}', {"next_page_token": self.token, **others})

    def of_one_as_json(self, symbol: str, **others: str) -> str:
        """The body of an answer for one symbol; without bars there is no list."""
        rows = _list(self.bars[symbol]) if symbol in self.bars else "null"
        return _with_others(f'"bars":{rows}', {"symbol": symbol, "next_page_token": self.token, **others})


def page_of(views: Views, query: Query, now: datetime) -> Page:
    """One page; the limit counts the bars of all symbols."""
    page, room = Page(), query.limit
    last: tuple[str, int] | None = None
    for symbol in sorted(set(query.symbols)):
        if query.after is not None and symbol < query.after[0]:
            continue
        series = views.at(now, symbol, query.interval, query.view)
        found = slice(0) if series is None else _found(series, query, symbol)
        if series is None or found.start == found.stop:
            continue
        if not room:
            page.token = query.token(*last) if last else None
            break
        taken = _first_of(found, room, descending=query.descending)
        texts = series.as_json(taken)
        page.bars[symbol] = texts[::-1] if query.descending else texts
        room -= len(texts)
        last = symbol, int(series.ts[taken.start if query.descending else taken.stop - 1])
        if taken != found:
            page.token = query.token(*last)
            break
    return page


def _found(series: Series, query: Query, symbol: str) -> slice:
    """A symbol's bars that are still to be served."""
    start, end = query.start, query.end
    if query.after is not None and symbol == query.after[0]:
        seen = query.after[1]
        start, end = (start, min(end, seen - 1)) if query.descending else (max(start, seen + 1), end)
    return series.between(start, max(end, start - 1))


def _first_of(found: slice, room: int, *, descending: bool) -> slice:
    if descending:
        return slice(max(found.start, found.stop - room), found.stop)
    return slice(found.start, min(found.stop, found.start + room))


def _list(bars: list[str]) -> str:
    return f"[{','.join(bars)}]"


def _with_others(bars: str, others: dict[str, str | None]) -> str:
    return f"{{{bars},{json.dumps(others)[1:]}"
