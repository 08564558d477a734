"""One account that trades what was announced: sizes by risk, limits, fees, and what it was worth each day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints, Times
from crypto_signals.domain.sizing import quantity
from crypto_signals.research.portfolio import Choice, Examined


@dataclass(frozen=True, slots=True)
class Terms:
    """``risk_pct`` per cent of what the account is worth may be lost from entry to stop. Positions are paid
    in full: all of them together never cost more than the account is worth."""

    capital_usd: float = 100_000.0
    risk_pct: float = 1.0
    max_positions: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """``worth_usd`` (float64[n]) at the close of the bars that opened at ``ts``; ``exposure`` is the share of
    it that was invested. ``size`` of each choice that was entered (units; 0: not taken, and why is counted
    in ``left_out``), and what it earned."""

    terms: Terms
    ts: Times
    worth_usd: Floats
    exposure: Floats
    size: dict[int, float]
    profit_usd: dict[int, float]
    left_out: dict[str, int]

    @property
    def drawdown(self) -> Floats:
        """How far below its best the account was: 0 at it, -0.2 when a fifth was lost."""
        peak = np.maximum.accumulate(np.append(self.terms.capital_usd, self.worth_usd))[1:]
        return np.asarray(self.worth_usd / peak - 1)


@dataclass(slots=True)
class _Position:
    choice: int
    plan: Any
    outcome: Any
    close: Floats
    stamps: Ints
    units: float
    at: int
    fills: int = 0
    left: float = 1.0

    def value(self) -> float:
        """What it would earn if the rest were closed at the last close."""
        price = float(self.close[self.at])
        return self.units * self.left * (price - float(self.outcome["entry_fill"])) * float(self.plan["side"])

    def notional(self) -> float:
        return self.units * self.left * float(self.close[self.at])


@dataclass(slots=True)
class _Ledger:
    terms: Terms
    cash: float
    positions: list[_Position] = field(default_factory=list)
    size: dict[int, float] = field(default_factory=dict)
    profit: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    left_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def worth(self) -> float:
        return self.cash + sum(position.value() for position in self.positions)

    def book(self, choice: int, amount: float) -> None:
        self.cash += amount
        self.profit[choice] += amount


def trade(examined: Sequence[Examined], choices: Sequence[Choice], terms: Terms) -> Account:
    """Takes every announced setup that was entered, as far as the terms allow, in the order of the entries.

    On one bar, entries come before exits: what an exit frees can be used from the next bar on.
    """
    entries = _entries(examined, choices)
    stamps = _stamps(examined)
    first = int(np.searchsorted(stamps, min(entries, default=stamps[-1] if len(stamps) else 0)))
    ledger = _Ledger(terms, terms.capital_usd)
    worth, invested = [], []
    for now in stamps[first:].tolist():
        for choice in entries.get(now, ()):
            _enter(ledger, examined, choices, choice)
        _follow(ledger, now)
        worth.append(ledger.worth())
        invested.append(sum(position.notional() for position in ledger.positions))
    value = np.array(worth, np.float64)
    exposure = np.divide(invested, value, out=np.zeros(len(value)), where=value > 0)
    ts = stamps[first:].view("datetime64[us]")
    return Account(terms, ts, value, exposure, ledger.size, dict(ledger.profit), dict(ledger.left_out))


def _stamps(examined: Sequence[Examined]) -> Ints:
    columns = [one.series.ts.view(np.int64) for one in examined]
    return np.unique(np.concatenate([np.empty(0, np.int64), *columns]))


def _entries(examined: Sequence[Examined], choices: Sequence[Choice]) -> dict[int, list[int]]:
    """The choices that were announced and entered, by the stamp of their entry bar."""
    found: dict[int, list[int]] = defaultdict(list)
    for number, choice in enumerate(choices):
        bar = int(examined[choice.series].outcomes["entry_bar"][choice.row])
        if not choice.is_shadow and bar >= 0:
            found[int(examined[choice.series].series.ts.view(np.int64)[bar])].append(number)
    return found


def _enter(ledger: _Ledger, examined: Sequence[Examined], choices: Sequence[Choice], number: int) -> None:
    choice = choices[number]
    one, terms = examined[choice.series], ledger.terms
    plan, outcome = one.setups.plans[choice.row], one.outcomes[choice.row]
    if len(ledger.positions) >= terms.max_positions:
        ledger.left_out["all positions taken"] += 1
        return
    worth, fill = ledger.worth(), float(outcome["entry_fill"])
    free = worth - sum(position.notional() for position in ledger.positions)
    risk = abs(float(plan["entry"]) - float(plan["stop"]))
    wanted = quantity(one.instrument, max(0.0, worth * terms.risk_pct / 100), risk)
    units = float(min(wanted, quantity(one.instrument, max(0.0, free), fill)))
    if units <= 0:
        ledger.left_out["no money left" if wanted else "too small to trade"] += 1
        return
    stamps = one.series.ts.view(np.int64)
    position = _Position(number, plan, outcome, one.series.close, stamps, units, int(outcome["entry_bar"]))
    ledger.size[number] = units
    ledger.positions.append(position)
    ledger.book(number, -float(plan["cost_rate"]) * fill * units)


def _follow(ledger: _Ledger, now: int) -> None:
    """What the bars that opened at ``now`` filled; one without a bar keeps its last close."""
    for position in ledger.positions:
        while position.at + 1 < len(position.stamps) and position.stamps[position.at + 1] <= now:
            position.at += 1
        _fill(ledger, position)
    ledger.positions = [position for position in ledger.positions if position.left > 0]


def _fill(ledger: _Ledger, position: _Position) -> None:
    outcome, plan = position.outcome, position.plan
    for part in _due(outcome, position):
        price, share = float(outcome["fill_price"][part]), float(outcome["fill_fraction"][part])
        gross = (price - float(outcome["entry_fill"])) * float(plan["side"])
        ledger.book(position.choice, position.units * share * (gross - float(plan["cost_rate"]) * price))
        position.fills += 1
        position.left = (
            0.0 if position.fills == outcome["fills"] and outcome["reason"] >= 0 else position.left - share
        )


def _due(outcome: Any, position: _Position) -> Iterable[int]:
    return [
        part
        for part in range(position.fills, int(outcome["fills"]))
        if outcome["fill_bar"][part] <= position.at
    ]
