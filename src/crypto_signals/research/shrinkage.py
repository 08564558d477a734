"""What a detector's result is worth beside those of its relatives: for ranking, never for quoting."""

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints

ONE_SIDED = 1.645
"""Standard errors below a mean that 95 of 100 lie above."""


def shrunk_lower_end(mean: Floats, variance: Floats, n: Ints, effective: Floats, pool: Ints) -> Floats:
    """The lower end of the 90 % interval of each group's mean, drawn towards that of its pool (float64[m]).

    The mean is (effective × mean + k × pool mean) / (effective + k), Bühlmann's credibility (1967), its
    variance the one within over (effective + k): what was measured less is drawn further, and is surer of
    nothing. ``mean``, ``variance`` and ``n`` are those of the trades of each group, ``effective`` how many
    independent trades they are worth; groups of equal ``pool`` are relatives. k is the variance within over
    that between groups, the latter by moments (DerSimonian and Laird, 1986); where none is left between, all
    have the pool's mean and interval. NaN for groups without trades, and where nothing varies.
    """
    found = np.full(len(mean), np.nan)
    for number in np.unique(pool).tolist():
        rows = np.flatnonzero((pool == number) & (n > 0))
        if not len(rows):
            continue
        own, worth = mean[rows], effective[rows]
        centre = float((n[rows] * own).sum() / n[rows].sum())
        within, between = _variances(own, variance[rows], n[rows], worth)
        if within <= 0:
            continue
        k = within / between if between > 0 else np.inf
        drawn = (worth * own + k * centre) / (worth + k) if between > 0 else np.full(len(rows), centre)
        sure = worth + k if between > 0 else np.full(len(rows), worth.sum())
        found[rows] = drawn - ONE_SIDED * np.sqrt(within / sure)
    return found


def _variances(mean: Floats, variance: Floats, n: Ints, effective: Floats) -> tuple[float, float]:
    """The variance of a trade within its group, and of the groups' true means."""
    several = (n > 1) & (effective > 0)
    mean, variance, n, effective = mean[several], variance[several], n[several], effective[several]
    if not len(mean):
        return 0.0, 0.0
    within = float(((n - 1) * variance).sum() / (n - 1).sum())
    if within <= 0 or len(mean) < 2:
        return within, 0.0
    weight = effective / within
    centre = (weight * mean).sum() / weight.sum()
    spread = (weight * (mean - centre) ** 2).sum() - (len(mean) - 1)
    room = weight.sum() - (weight**2).sum() / weight.sum()
    return within, max(0.0, float(spread / room)) if room > 0 else 0.0
