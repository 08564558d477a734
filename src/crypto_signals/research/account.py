"""One account that trades what was announced: sizes by risk, limits, fees, and what it was worth each day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints, Times
from crypto_signals.research.account_kernel import ALL_TAKEN, NO_MONEY, TAKEN, TOO_SMALL, keep
from crypto_signals.research.outcome_kernel import OUTCOME, PLAN
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


def trade(examined: Sequence[Examined], choices: Sequence[Choice], terms: Terms) -> Account:
    """Takes every announced setup that was entered, as far as the terms allow, in the order of the entries.

    On one bar, entries come before exits: what an exit frees can be used from the next bar on. Sizes are
    whole steps, rounded down, as `domain.sizing` has them.
    """
    stamps, trades = _stamps(examined), _Trades(examined, choices)
    size, profit = np.zeros(len(trades)), np.zeros(len(trades))
    answer = np.zeros(len(trades), np.int64)
    worth, invested = np.zeros(len(stamps)), np.zeros(len(stamps))
    entry = np.searchsorted(stamps, trades.entry_ts)
    side, risk, rate, step, entry_fill = trades.terms()
    price, fraction, ended = trades.fills()
    keep(
        entry, trades.series, side, risk, rate, step, entry_fill, trades.fills_on(stamps), price, fraction,
        ended, _closes(examined), _last_rows(examined, stamps),
        (terms.capital_usd, terms.risk_pct / 100, terms.max_positions),
        (size, profit, answer, worth, invested),
    )  # fmt: skip
    first = int(entry[0]) if len(entry) else len(stamps) - 1
    worth, invested = worth[first:], invested[first:]
    taken = np.flatnonzero(answer == TAKEN)
    numbers = trades.numbers[taken].tolist()
    return Account(
        terms,
        stamps[first:].view("datetime64[us]"),
        worth,
        np.divide(invested, worth, out=np.zeros(len(worth)), where=worth > 0),
        dict(zip(numbers, size[taken].tolist(), strict=True)),
        dict(zip(numbers, profit[taken].tolist(), strict=True)),
        {why: count for code, why in _LEFT_OUT.items() if (count := int((answer == code).sum()))},
    )


_LEFT_OUT = {ALL_TAKEN: "all positions taken", NO_MONEY: "no money left", TOO_SMALL: "too small to trade"}


class _Trades:
    """The choices that were announced and entered, in the order of their entries: n rows."""

    def __init__(self, examined: Sequence[Examined], choices: Sequence[Choice]) -> None:
        self._examined = examined
        starts = np.cumsum([0, *(len(one.outcomes) for one in examined)])
        announced = [number for number, choice in enumerate(choices) if not choice.is_shadow]
        numbers = np.array(announced, np.int64)
        series = np.array([choices[number].series for number in announced], np.int64)
        rows = starts[series] + np.array([choices[number].row for number in announced], np.int64)
        outcomes = np.concatenate([np.zeros(0, OUTCOME), *(one.outcomes for one in examined)])[rows]
        plans = np.concatenate([np.zeros(0, PLAN), *(one.setups.plans for one in examined)])[rows]
        bars = np.cumsum([0, *(len(one.series) for one in examined)])[series] + outcomes["entry_bar"]
        stamps = [np.zeros(1, np.int64), *(one.series.ts.view(np.int64) for one in examined)]
        entry_ts = np.concatenate(stamps)[1 + bars]
        entered = np.flatnonzero(outcomes["entry_bar"] >= 0)
        order = entered[np.lexsort((numbers[entered], entry_ts[entered]))]
        self.entry_ts, self.numbers, self.series = entry_ts[order], numbers[order], series[order]
        self._plans, self._outcomes = plans[order], outcomes[order]

    def __len__(self) -> int:
        return len(self.numbers)

    def terms(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Side, distance of the stop, rate of costs, smallest step and price of entry."""
        steps = np.array([float(one.instrument.quantity_step) for one in self._examined])
        plans = self._plans
        risk = np.abs(plans["entry"] - plans["stop"])
        return (
            plans["side"].copy(),
            risk,
            plans["cost_rate"].copy(),
            steps[self.series],
            self._outcomes["entry_fill"].copy(),
        )

    def fills(self) -> tuple[Floats, Floats, Bools]:
        """Prices and fractions of the parts that were closed, and which trades have ended."""
        rows = self._outcomes
        return rows["fill_price"].copy(), rows["fill_fraction"].copy(), rows["reason"] >= 0

    def fills_on(self, stamps: Ints) -> Ints:
        """The numbers of the stamps of those parts among all (-1: not closed)."""
        numbers = [np.searchsorted(stamps, one.series.ts.view(np.int64)) for one in self._examined]
        starts = np.cumsum([0, *map(len, numbers)])[self.series]
        bars = self._outcomes["fill_bar"]
        closed = bars >= 0
        found = np.concatenate([np.empty(0, np.int64), *numbers])[np.where(closed, starts[:, None] + bars, 0)]
        return np.where(closed, found, -1)


def _stamps(examined: Sequence[Examined]) -> Ints:
    columns = [one.series.ts.view(np.int64) for one in examined]
    return np.unique(np.concatenate([np.empty(0, np.int64), *columns]))


def _closes(examined: Sequence[Examined]) -> Floats:
    return np.concatenate([np.empty(0), *(one.series.close for one in examined)])


def _last_rows(examined: Sequence[Examined], stamps: Ints) -> Ints:
    """The newest bar of each series at each stamp, among the bars of all (int64[series, stamps])."""
    starts = np.cumsum([0, *(len(one.series) for one in examined)])
    found = np.empty((len(examined), len(stamps)), np.int64)
    for row, one in enumerate(examined):
        known = np.searchsorted(one.series.ts.view(np.int64), stamps, side="right")
        found[row] = starts[row] + known - 1
    return found
