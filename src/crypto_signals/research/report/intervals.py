"""How far the mean result of some trades can be trusted: whole days are resampled, all symbols together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.report.performance import tested_stamps
from crypto_signals.research.trade_table import TradeTable

REPETITIONS = 10_000
LEAST_BLOCK_DAYS = 10.0
_SEED = 20_181_231
_PORTION = 250
_SHARES = (0.05, 0.95)


class Interval(NamedTuple):
    lo: float
    hi: float


def mean_r_intervals(result: Backtest, table: TradeTable, groups: Sequence[Ints]) -> list[Interval | None]:
    """The 90 % interval of the mean R of the closed trades among the rows of each group, by the stationary
    bootstrap over the dates of the tested period; None where there are fewer than two dates of entry."""
    dates = np.unique(tested_stamps(result).astype("datetime64[D]"))
    entered = np.searchsorted(dates, table["entry_ts"].astype("datetime64[D]"))
    closed = [rows[table.closed[rows]] for rows in groups]
    sums = np.zeros((len(dates), 2 * len(groups)))
    for column, rows in enumerate(closed):
        sums[:, 2 * column] = np.bincount(entered[rows], table["r"][rows], len(dates))
        sums[:, 2 * column + 1] = np.bincount(entered[rows], minlength=len(dates))
    drawn = _resampled(sums, _block_days(table, closed))
    few = np.count_nonzero(sums[:, 1::2], axis=0) < 2
    return [
        None if few[column] else _interval(drawn[:, 2 * column], drawn[:, 2 * column + 1])
        for column in range(len(groups))
    ]


def _block_days(table: TradeTable, groups: Sequence[Ints]) -> float:
    rows = np.concatenate([np.empty(0, np.int64), *groups])
    held = (table["exit_ts"][rows] - table["entry_ts"][rows]) / np.timedelta64(1, "D")
    return max(LEAST_BLOCK_DAYS, 2 * float(held.mean()) if len(held) else 0.0)


def _resampled(sums: Floats, block: float) -> Floats:
    """The sum of each column over the days drawn, ``REPETITIONS`` times."""
    found = np.empty((REPETITIONS, sums.shape[1]))
    for first in range(0, REPETITIONS, _PORTION):
        counts = _drawn_days(len(sums), 1 / block, _PORTION, _SEED + first)
        found[first : first + _PORTION] = counts @ sums
    return found


@njit(cache=True, nogil=True)
def _drawn_days(days: int, ends: float, repetitions: int, seed: int) -> Floats:
    """How often each day was drawn: stretches of days that start anywhere, and end with chance ``ends``."""
    np.random.seed(seed)
    counts = np.zeros((repetitions, days))
    for row in range(repetitions):
        day = 0
        for place in range(days):
            day += 1
            if place == 0 or np.random.random() < ends:
                day = np.random.randint(days)
            if day >= days:
                day = 0
            counts[row, day] += 1
    return counts


def _interval(sums: Floats, counts: Floats) -> Interval | None:
    held = counts > 0
    lo, hi = np.quantile(sums[held] / counts[held], _SHARES).tolist()
    return Interval(lo, hi)
