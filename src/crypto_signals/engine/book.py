"""What a strategy has open, has just closed, and has already looked at."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from crypto_signals.analysis.panel import Series, as_ts64
from crypto_signals.domain.events import Event
from crypto_signals.domain.lifecycle import owed
from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Direction
from crypto_signals.engine.gates import portfolio_gate
from crypto_signals.engine.ports import Saved, Unreadable
from crypto_signals.engine.rebasing import factor_since

OVER_BUDGET = "over_budget"
"""The gate that refuses the best of a symbol for the sake of others."""


@dataclass(slots=True)
class Entry:
    """A signal as it is in memory, with what the store does not have yet."""

    signal: Signal
    stored_revision: int
    unsaved: list[Event] = field(default_factory=list)


class Book:
    def __init__(
        self, strategy: Strategy, signals: Iterable[Signal], unreadable: Iterable[Unreadable] = ()
    ) -> None:
        self.strategy = strategy
        self._unreadable = {damaged.signal_id: damaged for damaged in unreadable}
        self._entries: dict[str, Entry] = {}
        self._of_symbol: dict[str, list[Entry]] = {}
        for signal in signals:
            self.add(Entry(signal, signal.revision))

    def add(self, entry: Entry) -> None:
        self._entries[entry.signal.signal_id] = entry
        self._of_symbol.setdefault(entry.signal.symbol, []).append(entry)

    def knows(self, signal_id: str) -> bool:
        return signal_id in self._entries or signal_id in self._unreadable

    def symbols_in_trade(self) -> set[str]:
        """Symbols that must be followed, whether they are still configured or not."""
        return {entry.signal.symbol for entry in self._entries.values() if not entry.signal.progress.closed}

    def open(self, symbol: str) -> list[Entry]:
        return [entry for entry in self._of_symbol.get(symbol, ()) if not entry.signal.progress.closed]

    def open_count(self) -> int:
        """Open trades of signals that are not shadows."""
        signals = (entry.signal for entry in self._entries.values())
        return sum(not signal.is_shadow and not signal.progress.closed for signal in signals)

    def opened_at(self, bar_ts: datetime, asset_class: AssetClass) -> int:
        """How many signals were opened on the bar ``bar_ts`` of an asset class."""
        signals = (entry.signal for entry in self._entries.values())
        return sum(
            (signal.bar_ts, signal.asset_class) == (bar_ts, asset_class) and not signal.is_shadow
            for signal in signals
        )

    def has_shadow(self, symbol: str, detector: str, direction: Direction) -> bool:
        """Whether an open shadow of this detector already stands for the same setup."""
        return any(
            entry.signal.is_shadow
            and (entry.signal.detector, entry.signal.direction) == (detector, direction)
            for entry in self.open(symbol)
        )

    def has_chosen(self, symbol: str, bar_ts: datetime) -> bool:
        """Whether the best of this very bar is stored already: an earlier look did not get further."""
        return any(
            entry.signal.bar_ts == bar_ts
            and {gate.gate for gate in entry.signal.failed_gates} <= {OVER_BUDGET}
            for entry in self._of_symbol.get(symbol, ())
        )

    def slot(self, symbol: str, bar_ts: datetime) -> GateResult | None:
        """Refuses while an earlier signal is open on the symbol, or one that may be open cannot be read."""
        for damaged in self._unreadable.values():
            if damaged.symbol == symbol and damaged.is_open:
                return portfolio_gate("slot", damaged.reason)
        for entry in self._held(symbol):
            held = entry.signal
            if held.bar_ts != bar_ts:
                since = f"{held.detector} of {held.bar_ts:%Y-%m-%d}"
                return portfolio_gate("slot", f"{held.symbol} already has an open signal: {since}")
        return None

    def _held(self, symbol: str) -> Iterator[Entry]:
        return (entry for entry in self.open(symbol) if not entry.signal.is_shadow)

    def cooldown(self, series: Series, index: int, detector: str, bars_per_session: int) -> GateResult | None:
        """Refuses while the last signal of the scope closed at most the cool-down's bars before ``index``,
        unless the price has moved away from that exit."""
        limit = math.ceil(self.strategy.cooldown_hours / 24 * bars_per_session)
        for entry in self._of_symbol.get(series.symbol, ()):
            signal, closed_at = entry.signal, entry.signal.progress.closed_at
            if signal.is_shadow or closed_at is None or not self._in_scope(signal, detector):
                continue
            bars = index + 1 - int(np.searchsorted(series.ts, as_ts64(closed_at), side="right"))
            if not 0 <= bars <= limit or self._escaped(signal, series, index):
                continue
            detail = f"{signal.detector} closed {bars} bars ago; the cool-down lasts {limit}"
            return portfolio_gate("cooldown", detail, bars, limit)
        return None

    def _in_scope(self, signal: Signal, detector: str) -> bool:
        return self.strategy.cooldown_scope == "SYMBOL" or signal.detector == detector

    def _escaped(self, signal: Signal, series: Series, index: int) -> bool:
        """Whether the price has moved away from where the trade ended, a split in between left aside."""
        fills = signal.progress.fills
        exit_price = (fills[-1].price if fills else signal.plan.entry) * (factor_since(signal, series) or 1.0)
        moved = abs(float(series.close[index]) - exit_price) / exit_price * 100
        return moved >= self.strategy.cooldown_escape_pct


def saved(entry: Entry) -> Saved:
    """The pending change of ``entry`` for the store, and what it owes; nothing is pending afterwards."""
    events = tuple(entry.unsaved)
    change = Saved(entry.signal, entry.stored_revision, events, owed(entry.signal, events))
    entry.stored_revision = entry.signal.revision
    entry.unsaved = []
    return change
