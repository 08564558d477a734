"""How far the mean result of some trades can be trusted, by the same resampling of dates as the evidence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Ints
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.report.performance import tested_stamps
from crypto_signals.research.resampling import Resampling, dates_of, distinct_dates, interval
from crypto_signals.research.trade_table import TradeTable


class Interval(NamedTuple):
    lo: float
    hi: float


def mean_r_intervals(result: Backtest, table: TradeTable, groups: Sequence[Ints]) -> list[Interval | None]:
    """The 90 % interval of the mean R of the closed trades among the rows of each group; a row may stand in
    several. None where there are fewer than two dates of entry."""
    closed = [rows[table.closed[rows]] for rows in groups]
    group = np.repeat(np.arange(len(groups)), [len(rows) for rows in closed])
    rows = np.concatenate([np.empty(0, np.int64), *closed])
    days = np.unique(tested_stamps(result).astype("datetime64[D]").astype(np.int64))
    entered, left = (dates_of(table[name][rows], days) for name in ("entry_ts", "exit_ts"))
    resampling = Resampling.over(len(days), np.asarray(left - entered + 1, np.float64))
    means = resampling.means(entered, group, len(groups), table["r"][rows, None])
    low, high = interval(means[:, :, 0], distinct_dates(group, entered, len(groups)) > 1)
    return [
        Interval(lo, hi) if np.isfinite(lo + hi) else None
        for lo, hi in zip(low.tolist(), high.tolist(), strict=True)
    ]
