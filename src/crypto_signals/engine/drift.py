"""Whether setups still reach their first target as often as was measured: a sequential test.

For each setup the hits of the days are bet on, against "at least the lower end of the measured interval".
The stake is 1 at first; a day on which the share x of the trades hit multiplies it by 1 + bet × (expected −
x). If the expectation holds, the stake is a supermartingale and ever reaches 1/α with a chance of α at most
(Ville, 1939): so it may be looked at after every run (Waudby-Smith and Ramdas, 2024). Several bets are laid
side by side and averaged. Trades entered on one day are one bet: they share their market.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.gates import PORTFOLIO_GATES
from crypto_signals.engine.odds import Odds

ALPHA = 0.05
BETS = (0.1, 0.25, 0.5, 0.75, 0.95)
"""As shares of the largest bet that cannot lose more than the stake."""


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

    Looked at are closed trades that passed their quality gates, whatever else was open. The chance that any
    of the setups compared is named wrongly is 5 % at most: each must reach as many times 20 as there are.
    """
    compared = _compared(signals, odds)
    found = [_judged(row, trades) for row, trades in compared]
    return sorted(
        (drift for drift in found if drift.e_value >= len(found) / ALPHA),
        key=lambda drift: (drift.detector, drift.asset_class, drift.timeframe),
    )


def stake(days: Iterable[float], expected: float) -> float:
    """What 1 has become after betting against ``expected`` on the share of hits of each day, in order."""
    stakes = [1.0] * len(BETS)
    for share in days:
        for place, bet in enumerate(BETS):
            stakes[place] *= 1 + bet / (1 - expected) * (expected - share)
    return sum(stakes) / len(stakes)


def _compared(signals: Iterable[Signal], odds: Odds) -> list[tuple[Evidence, list[Signal]]]:
    rows: dict[tuple[str, str, str], tuple[Evidence, list[Signal]]] = {}
    for signal in signals:
        if not _counts(signal):
            continue
        kind, detector = signal.asset_class, signal.detector
        row = odds.of(detector, signal.direction, kind, signal.timeframe, signal.bar_ts)
        if row is not None and row.verdict is not Verdict.TOO_FEW and 0 < (row.hit_rate_lo or 0.0) < 1:
            key = (detector, signal.direction.value, kind.value)
            rows.setdefault(key, (row, []))[1].append(signal)
    return list(rows.values())


def _counts(signal: Signal) -> bool:
    entered_and_closed = signal.progress.closed and signal.progress.entry_ts is not None
    return entered_and_closed and {gate.gate for gate in signal.failed_gates} <= PORTFOLIO_GATES


def _judged(row: Evidence, trades: Sequence[Signal]) -> Drift:
    days = defaultdict(list)
    for signal in trades:
        if signal.progress.entry_ts is not None:
            days[signal.progress.entry_ts.date()].append(signal.progress.targets_hit > 0)
    expected = row.hit_rate_lo or 0.0
    shares = [sum(hits) / len(hits) for _, hits in sorted(days.items())]
    return Drift(
        row.detector,
        row.direction.value,
        row.asset_class.value,
        row.timeframe.name,
        len(trades),
        sum(signal.progress.targets_hit > 0 for signal in trades) / len(trades),
        expected,
        stake(shares, expected),
    )
