"""Whether setups still reach their first target as often as was measured: a sequential test.

For each setup the hits of the days are bet on, against "at least the lower end of the measured interval".
The stake is 1 at first; a day on which the share x of the trades found hit multiplies it by 1 + bet ×
(expected − x). If the expectation holds, the stake is a supermartingale and ever reaches 1/α with a chance of
α at most (Ville, 1939): so it may be looked at after every run (Waudby-Smith and Ramdas, 2024). Several bets
are laid side by side and averaged.

Three things keep that so. Trades found on one day are one bet: they share their market. Days are taken in
order, up to the first of which a trade is not decided: stops come sooner than targets, so that what has
closed so far is worse than what will have. And the setups that could be compared are counted, not those that
were so far. What it cannot see: a fall of the market over many days, in which each is no new evidence; and
what the store has deleted, with which the first days of the bet go.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass, Direction
from crypto_signals.engine.gates import PORTFOLIO_GATES
from crypto_signals.engine.odds import Odds

if TYPE_CHECKING:
    from datetime import datetime

ALPHA = 0.05
BETS = (0.1, 0.25, 0.5, 0.75, 0.95)
"""As shares of the largest bet that cannot lose more than the stake."""

Setup = tuple[str, Direction, AssetClass, Timeframe]


@dataclass(frozen=True, slots=True)
class Drift:
    """A setup that hits less often than was measured: ``hit_rate`` of ``n`` trades, where at least
    ``expected_lo`` was; ``e_value`` is how much the bet against it has grown."""

    detector: str
    direction: str
    asset_class: str
    timeframe: str
    n: int
    hit_rate: float
    expected_lo: float
    e_value: float


def drifted(signals: Iterable[Signal], odds: Odds) -> list[Drift]:
    """The setups among ``signals`` whose trades have fallen out of their interval, by name.

    Looked at are trades as evidence is measured from: those that passed their quality gates, whatever else
    was open, of each instrument one at a time. The chance that any setup is named wrongly is 5 % at most:
    each must reach as many times 20 as there are to compare.
    """
    rows = {_setup(row): row for row in odds.rows if _is_comparable(row)}
    trades = defaultdict[Setup, list[Signal]](list)
    for signal in sorted(signals, key=lambda one: (one.bar_ts, one.symbol)):
        row = rows.get(_setup(signal))
        if row is not None and row.until < signal.bar_ts and _passed_quality(signal):
            trades[_setup(signal)].append(signal)
    found = [_judged(rows[setup], decided) for setup, own in trades.items() if (decided := _decided(own))]
    return sorted(
        (drift for drift in found if drift.e_value >= len(rows) / ALPHA),
        key=lambda drift: (drift.detector, drift.asset_class, drift.timeframe),
    )


def stake(days: Iterable[float], expected: float) -> float:
    """What 1 has become after betting against ``expected`` on the share of hits of each day, in order."""
    stakes = [1.0] * len(BETS)
    for share in days:
        for place, bet in enumerate(BETS):
            stakes[place] *= 1 + bet / (1 - expected) * (expected - share)
    return min(sum(stakes) / len(stakes), sys.float_info.max)


def _setup(one: Evidence | Signal) -> Setup:
    return one.detector, one.direction, one.asset_class, one.timeframe


def _is_comparable(row: Evidence) -> bool:
    return row.verdict is not Verdict.TOO_FEW and 0 < (row.hit_rate_lo or 0.0) < 1


def _passed_quality(signal: Signal) -> bool:
    return {gate.gate for gate in signal.failed_gates} <= PORTFOLIO_GATES


def _decided(trades: Sequence[Signal]) -> list[Signal]:
    """The trades of the days before the first on which one may still go either way, in their order."""
    alone = list(_one_at_a_time(trades))
    undecided = (trade.bar_ts.date() for trade in alone if not _is_decided(trade))
    first = next(undecided, None)
    return [
        trade
        for trade in alone
        if trade.progress.entry_ts is not None and (first is None or trade.bar_ts.date() < first)
    ]


def _one_at_a_time(trades: Sequence[Signal]) -> Iterator[Signal]:
    """Of each instrument those that were found after the one before had closed."""
    free: dict[str, datetime | None] = {}
    for trade in trades:
        closed = free.get(trade.symbol, trade.bar_ts)
        if closed is not None and closed <= trade.bar_ts:
            free[trade.symbol] = trade.progress.closed_at
            yield trade


def _is_decided(trade: Signal) -> bool:
    return trade.progress.closed or trade.progress.targets_hit > 0


def _judged(row: Evidence, trades: Sequence[Signal]) -> Drift:
    days = defaultdict[object, list[bool]](list)
    for trade in trades:
        days[trade.bar_ts.date()].append(trade.progress.targets_hit > 0)
    expected = row.hit_rate_lo or 0.0
    shares = [sum(hits) / len(hits) for hits in days.values()]
    return Drift(
        row.detector,
        row.direction.value,
        row.asset_class.value,
        row.timeframe.name,
        len(trades),
        sum(trade.progress.targets_hit > 0 for trade in trades) / len(trades),
        expected,
        stake(shares, expected),
    )
