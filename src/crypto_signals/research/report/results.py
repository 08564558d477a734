"""What trades came to in R, all of them or group by group."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.research.trade_table import TradeTable

_TRENDS = {-1.0: "down", 0.0: "range", 1.0: "up"}
_VOLATILITIES = {-1.0: "calm", 0.0: "normal", 1.0: "volatile"}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Results:
    """``signals`` are all of them, ``closed`` those that were entered and have ended, ``open`` those that
    have not ended; the rest was never entered. All else is of the closed ones: ``hit_rate`` is the share that
    reached target 1 before any other exit, ``total_r`` is net of ``fees_r``. None: nothing to divide by."""

    signals: int
    closed: int
    open: int
    hit_rate: float | None
    mean_r: float | None
    total_r: float
    profit_factor: float | None
    best_r: float | None
    worst_r: float | None
    fees_r: float
    ambiguous: int
    drilled: int

    @property
    def not_entered(self) -> int:
        return self.signals - self.closed - self.open


def results_of(table: TradeTable, rows: Ints | None = None) -> Results:
    """The results of ``rows`` of the table, or of all."""
    rows = np.arange(len(table)) if rows is None else rows
    ended = rows[table.closed[rows]]
    r = table["r"][ended]
    return Results(
        signals=len(rows),
        closed=len(ended),
        open=sum(not table.exit_reason[row] for row in rows.tolist()),
        hit_rate=_mean(table["targets_hit"][ended] >= 1),
        mean_r=_mean(r),
        total_r=float(r.sum()),
        profit_factor=_profit_factor(r),
        best_r=float(r.max()) if len(r) else None,
        worst_r=float(r.min()) if len(r) else None,
        fees_r=float(table["fees_r"][ended].sum()),
        ambiguous=int(np.count_nonzero(table["ambiguous"][ended])),
        drilled=int(np.count_nonzero(table["drilled"][ended])),
    )


def announced(table: TradeTable) -> Ints:
    """The rows that no gate refused."""
    return np.flatnonzero(~table.shadow)


def ended(table: TradeTable) -> Ints:
    """The rows that no gate refused, that were entered and have ended."""
    return np.flatnonzero(~table.shadow & table.closed)


class Group(NamedTuple):
    """The rows of one group, by what they have in common."""

    key: tuple[str, ...]
    rows: Ints


def by_detector(table: TradeTable, rows: Ints) -> list[Group]:
    """By detector; the key is its name, family and direction."""
    return _grouped(rows, zip(table.detector, table.family, table.direction, strict=True))


def by_conviction(table: TradeTable, rows: Ints) -> list[Group]:
    return _grouped(rows, ((value,) for value in table.conviction))


def by_exit_reason(table: TradeTable, rows: Ints) -> list[Group]:
    return _grouped(rows, ((value,) for value in table.exit_reason))


def by_regime(table: TradeTable, rows: Ints) -> list[Group]:
    """By trend and volatility at the signal's bar."""
    names = [
        (_TRENDS.get(trend, UNKNOWN), _VOLATILITIES.get(volatility, UNKNOWN))
        for trend, volatility in table["regimes"].tolist()
    ]
    return _grouped(rows, names)


def by_year(table: TradeTable, rows: Ints) -> list[Group]:
    """By the year in which they ended; ``rows`` have ended."""
    return _grouped(rows, ((year,) for year in _ended_in(table, "Y")))


def by_month(table: TradeTable, rows: Ints) -> list[Group]:
    """By the month in which they ended (``2018-01``); ``rows`` have ended."""
    return _grouped(rows, ((month,) for month in _ended_in(table, "M")))


def _ended_in(table: TradeTable, unit: str) -> list[str]:
    return [str(value) for value in table["exit_ts"].astype(f"datetime64[{unit}]")]


def _grouped(rows: Ints, keys: Iterable[tuple[str, ...]]) -> list[Group]:
    """``keys`` has one entry a row of the table; the groups come in the order of their keys."""
    every: Sequence[tuple[str, ...]] = list(keys)
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows.tolist():
        found[every[row]].append(row)
    return [Group(key, np.array(found[key], np.int64)) for key in sorted(found)]


def _mean(values: Floats | Bools) -> float | None:
    return float(values.mean()) if len(values) else None


def _profit_factor(r: Floats) -> float | None:
    """What was won over what was lost; None where nothing was lost."""
    lost = -float(r[r < 0].sum())
    return float(r[r > 0].sum()) / lost if lost > 0 else None
