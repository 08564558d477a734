"""How far the mean result of some trades can be trusted: whole days are resampled, all symbols together."""

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
    """The 90 % interval of the mean R of the closed trades among the rows of each group, by the stationary
    bootstrap over the dates of the tested period; None where there are fewer than two dates of entry."""
    closed = [rows[table.closed[rows]] for rows in groups]
    rows = np.concatenate([np.empty(0, np.int64), *closed])
    group = np.repeat(np.arange(len(groups)), [len(some) for some in closed])
    days = np.unique(tested_stamps(result).astype("datetime64[D]").astype(np.int64))
    date = dates_of(table["entry_ts"][rows], days)
    held = np.asarray(dates_of(table["exit_ts"][rows], days) - date + 1, np.float64)
    r = table["r"][rows][:, None]
    means = Resampling.over(len(days), held).means(date, group, len(groups), r)[:, :, 0]
    low, high = interval(means, distinct_dates(group, date, len(groups)) > 1)
    return [
        None if np.isnan(lo) else Interval(lo, hi) for lo, hi in zip(low.tolist(), high.tolist(), strict=True)
    ]
