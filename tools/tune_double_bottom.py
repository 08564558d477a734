"""Prints what the two numbers of the double bottom and top that no source gives are chosen by.

The numbers: how high the swing between the extremes is, in ATR, and how many bars they are apart at least.
The criterion, on daily equities before 2015 and daily crypto before 2021 alone: the greatest t of the 20-bar
move after the breakout, in ATR, towards the pattern's side, less the mean such move of all bars of the same
instrument; breakouts of one month count as one observation, their mean. Fewer than 200 months do not count.
Later bars, and the labelled windows of the IBEX 35, are not looked at. Needs ``shared/data/dev`` beside the
repository: ``python tools/tune_double_bottom.py``.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"  # compiled code would not see other numbers

import numpy as np

from crypto_signals.analysis import chart_shapes
from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.detector import SETTLED_BARS
from crypto_signals.analysis.panel import Floats, Series
from crypto_signals.analysis.study import Study
from crypto_signals.market.files import read_bars
from crypto_signals.market.quality import checked

DEV = Path(__file__).resolve().parents[2] / "shared" / "data" / "dev"
PERMITTED = {"equity_daily.parquet": "2015-01-01", "crypto_daily.parquet": "2021-01-01"}
HEIGHTS = (2.0, 2.5, 3.0, 4.0, 5.0)
APART = (0, 10, 22)
HORIZON_BARS = 20
FEWEST_MONTHS = 200
ENTRIES = (CATALOGUE["double_bottom"], CATALOGUE["double_top"])


def main() -> None:
    """One line a pair of numbers, and the pair that is best."""
    if not DEV.is_dir():
        sys.exit("shared/data/dev is not beside this repository: there is nothing to tune on")
    studies = [Study(series) for series in permitted()]
    print(f"{len(studies)} series, {sum(map(len, studies)):,} bars")
    print(f"{'height':>8}{'apart':>7}{'hits':>7}{'months':>8}{'excess':>9}{'t':>7}")
    best = max((judged(studies, height, apart), height, apart) for height in HEIGHTS for apart in APART)
    print(f"best: at least {best[1]:g} ATR high, {best[2]} bars apart (t {best[0]:.2f})")


def permitted() -> Iterator[Series]:
    """The bars that may be tuned on, where there are enough of them."""
    for file, end in PERMITTED.items():
        for symbol, raw in read_bars([DEV / file]).items():
            series = checked(symbol, raw)[0]
            early = series[: int(np.searchsorted(series.ts, np.datetime64(end, "us")))]
            if len(early) > 2 * SETTLED_BARS:
                yield early


def judged(studies: list[Study], height: float, apart: int) -> float:
    """The t of one pair of numbers; minus infinity with too few months."""
    chart_shapes.MIN_DOUBLE_ATRS, chart_shapes.MIN_DOUBLE_APART_BARS = height, apart
    months: dict[str, list[float]] = defaultdict(list)
    for study in studies:
        fresh = Study(study.series)
        moves = _moves(study)
        for entry in ENTRIES:
            hits = entry(fresh)
            index = hits.index[(hits.index >= entry.warm_up_bars) & (hits.index < len(study) - HORIZON_BARS)]
            excess = entry.direction.side * (moves[index] - np.nanmean(moves))
            for month, value in zip(study.series.ts[index].astype("M8[M]"), excess, strict=True):
                months[str(month)].append(float(value))
    means = np.array([np.mean(values) for values in months.values()])
    t = float(means.mean() / (means.std(ddof=1) / np.sqrt(len(means))))
    count = sum(map(len, months.values()))
    print(f"{height:>8g}{apart:>7}{count:>7}{len(means):>8}{means.mean():>9.3f}{t:>7.2f}")
    return t if len(means) >= FEWEST_MONTHS else -np.inf


def _moves(study: Study) -> Floats:
    """How far each bar's close is from the one 20 bars later, in ATR; NaN where one is not known."""
    return study.keep("moves", lambda: _moved(study.series.close, study.atr()))


def _moved(close: Floats, atr: Floats) -> Floats:
    moves = np.full(len(close), np.nan)
    moves[:-HORIZON_BARS] = (close[HORIZON_BARS:] - close[:-HORIZON_BARS]) / atr[:-HORIZON_BARS]
    return moves


if __name__ == "__main__":
    main()
