"""What each gate saved or cost: the shadows that it alone refused, and what they would have brought."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crypto_signals.analysis.panel import Ints
from crypto_signals.engine.gates import GATE_NAMES
from crypto_signals.research.report.intervals import Interval
from crypto_signals.research.report.results import results_of
from crypto_signals.research.trade_table import TradeTable


@dataclass(frozen=True, slots=True)
class GateBill:
    """Of one gate: how many setups it refused, how many of them it ``alone`` refused, and of those that were
    entered and have ended (``closed``) the mean and the sum. ``saved_r`` is that sum with its sign turned:
    below zero the gate cost something. Intervals are 90 %; None where there is nothing to say."""

    gate: str
    refused: int
    alone: int
    closed: int
    mean_r: float | None
    interval: Interval | None

    @property
    def saved_r(self) -> float:
        return -self.closed * (self.mean_r or 0.0)

    @property
    def saved_interval(self) -> Interval | None:
        if self.interval is None:
            return None
        return Interval(-self.closed * self.interval.hi, -self.closed * self.interval.lo)


def refused_alone(table: TradeTable) -> dict[str, Ints]:
    """For each gate that refused something the rows that it alone refused, in the order in which a setup
    meets the gates."""
    alone: dict[str, list[int]] = defaultdict(list)
    for row, gates in enumerate(table.failed_gates):
        for gate in gates:
            alone[gate] += [row] if len(gates) == 1 else []
    named = sorted(alone, key=lambda gate: (_place(gate), gate))
    return {gate: np.array(alone[gate], np.int64) for gate in named}


def gate_bills(table: TradeTable, intervals: Sequence[Interval | None]) -> list[GateBill]:
    """What each gate of ``refused_alone`` saved; ``intervals`` are those of its mean R, in the same order."""
    refused = Counter(gate for gates in table.failed_gates for gate in gates)
    return [
        GateBill(gate, refused[gate], len(rows), found.closed, found.mean_r, interval)
        for (gate, rows), interval in zip(refused_alone(table).items(), intervals, strict=True)
        for found in [results_of(table, rows)]
    ]


def _place(gate: str) -> int:
    return GATE_NAMES.index(gate) if gate in GATE_NAMES else len(GATE_NAMES)
