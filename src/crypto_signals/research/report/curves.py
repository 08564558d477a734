"""The charts of the page."""

import numpy as np

from crypto_signals.analysis.panel import Floats, Times
from crypto_signals.research.report import results
from crypto_signals.research.report.drawing import curve, histogram, scatter
from crypto_signals.research.report.summary import Report

_R_STEP, _R_LOW, _R_HIGH = 0.25, -4.0, 8.0
_MOST_POINTS = 2_000
_MOST_R = 10.0


def equity(report: Report) -> str:
    performance = report.performance
    scale, unit = (1000, " k") if performance.capital_usd >= 10_000 else (1, "")
    return curve(
        _days(performance.ts),
        performance.worth_usd / scale,
        "What the account was worth, in USD",
        unit=unit,
        base=performance.capital_usd / scale,
        kind="worth",
    )


def drawdown(report: Report) -> str:
    performance = report.performance
    return curve(
        _days(performance.ts),
        100 * performance.drawdown,
        "How far the account was below its best, in per cent",
        unit=" %",
        base=0.0,
        kind="loss",
    )


def distribution(report: Report) -> str:
    r = report.table["r"][results.ended(report.table)]
    low = max(_R_LOW, np.floor(r.min(initial=-1.0)))
    high = min(_R_HIGH, np.ceil(r.max(initial=1.0)))
    return histogram(
        r, "How many trades ended with which result in R", step=_R_STEP, low=low, high=high, unit=" R"
    )


def excursions(report: Report) -> str:
    """How far trades went against and with their side; evenly spaced ones where there are very many."""
    rows = results.ended(report.table)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_POINTS)).astype(np.int64)]
    against, best = -report.table["mae_r"][rows], report.table["mfe_r"][rows]
    return scatter(
        against,
        best,
        report.table["r"][rows],
        "How far each trade went against its side (across) and with it (up), in R",
        most=(_far(against), _far(best)),
        unit=" R",
    )


def _far(values: Floats) -> float:
    """Where the axis ends: one in a hundred may lie beyond."""
    return float(np.quantile(values, 0.99).clip(1.0, _MOST_R)) if len(values) else 1.0


def _days(ts: Times) -> Floats:
    """Days since 1970, with their fractions."""
    return np.asarray(ts.astype("datetime64[us]").astype(np.int64) / 86_400e6, np.float64)
