"""What a detector's result is worth beside those of its relatives: for ranking, never for quoting."""

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints


def shrunk(value: Floats, mean: Floats, variance: Floats, n: Ints, effective: Floats, pool: Ints) -> Floats:
    """Each ``value`` (float64[m]) drawn towards the mean of its pool (float64[m]; NaN: it has no trade).

    (effective × value + k × pool mean) / (effective + k), Bühlmann's credibility (1967). ``mean``,
    ``variance`` and ``n`` are those of the trades of each group, ``effective`` how many independent trades
    they are worth; groups of equal ``pool`` are relatives. k is the variance within over that between groups,
    the latter by moments (DerSimonian and Laird, 1986); where none is left between, k is infinite.
    """
    found = np.full(len(value), np.nan)
    for number in np.unique(pool).tolist():
        rows = np.flatnonzero((pool == number) & (n > 0))
        if not len(rows):
            continue
        centre = float((n[rows] * mean[rows]).sum() / n[rows].sum())
        found[pool == number] = centre
        within, between = _variances(mean[rows], variance[rows], n[rows], effective[rows])
        if between > 0:
            k = within / between
            own = np.where(np.isnan(value[rows]), centre, value[rows])
            found[rows] = (effective[rows] * own + k * centre) / (effective[rows] + k)
    return found


def _variances(mean: Floats, variance: Floats, n: Ints, effective: Floats) -> tuple[float, float]:
    """The variance of a trade within its group, and of the groups' true means."""
    several = (n > 1) & (effective > 0)
    mean, variance, n, effective = mean[several], variance[several], n[several], effective[several]
    if len(mean) < 2:
        return 0.0, 0.0
    within = float(((n - 1) * variance).sum() / (n - 1).sum())
    if within <= 0:
        return 0.0, 0.0
    weight = effective / within
    centre = (weight * mean).sum() / weight.sum()
    spread = (weight * (mean - centre) ** 2).sum() - (len(mean) - 1)
    room = weight.sum() - (weight**2).sum() / weight.sum()
    return within, max(0.0, float(spread / room)) if room > 0 else 0.0
