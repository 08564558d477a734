"""The newest bars, trades and quotes, and snapshots of them.

Files tell of bars alone. The newest trade is one at the close of the newest bar so far, the quote lies a
basis point around it; the minute's bar is the newest one of the shortest timeframe held.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from crypto_signals.simulator.bars_store import DAY, BarsStore
from crypto_signals.simulator.clock import iso_z
from crypto_signals.simulator.views import View, Views

HALF_SPREAD = 0.5e-4

Json = dict[str, Any]


class Latest:
    """What is newest of a symbol at an instant, each None where there is nothing."""

    def __init__(self, store: BarsStore, views: Views, view: View, now: datetime) -> None:
        self._store, self._views, self._view, self._now = store, views, view, now

    def of_kind(self, kind: str) -> Callable[[str], Json | None]:
        """``bars``, ``trades`` or ``quotes``."""
        return {"bars": self.bar, "trades": self.trade, "quotes": self.quote}[kind]

    def bar(self, symbol: str) -> Json | None:
        """The newest bar of the shortest timeframe."""
        newest = [self._nth_last(symbol, interval, 1) for interval in self._store.intervals(symbol)]
        return next((bar for bar in newest if bar is not None), None)

    def trade(self, symbol: str) -> Json | None:
        """A trade now."""
        bar = self.bar(symbol)
        if bar is None:
            return None
        trade = {"t": iso_z(self._now), "p": bar["c"], "s": 100, "i": 1}
        return trade | ({"tks": "B"} if "/" in symbol else {"x": "V", "c": ["@"], "z": "C"})

    def quote(self, symbol: str) -> Json | None:
        """A quote now, around the newest close."""
        bar = self.bar(symbol)
        if bar is None:
            return None
        bid, ask = bar["c"] * (1 - HALF_SPREAD), bar["c"] * (1 + HALF_SPREAD)
        quote = {"t": iso_z(self._now), "bp": bid, "bs": 1, "ap": ask, "as": 1}
        return quote if "/" in symbol else quote | {"bx": "V", "ax": "V", "c": ["R"], "z": "C"}

    def snapshot(self, symbol: str) -> Json | None:
        """All of it, with today's bar and the one before; what there is not is absent."""
        parts = {
            "latestTrade": self.trade(symbol),
            "latestQuote": self.quote(symbol),
            "minuteBar": self.bar(symbol),
            "dailyBar": self._nth_last(symbol, DAY, 1),
            "prevDailyBar": self._nth_last(symbol, DAY, 2),
        }
        return {name: part for name, part in parts.items() if part is not None} or None

    def _nth_last(self, symbol: str, interval: int, number: int) -> Json | None:
        series = self._views.at(self._now, symbol, interval, self._view)
        if series is None or len(series) < number:
            return None
        place = len(series) - number
        bar: Json = json.loads(series.as_json(slice(place, place + 1))[0])
        return bar
