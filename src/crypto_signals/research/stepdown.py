"""Many hypotheses at once: how surprising the best of them is, when all of them are looked at.

Romano and Wolf (2005), with the p-values of Romano and Wolf (2016): the most extreme statistic is held
against the largest of all resampled ones, the next against the largest of those left, and so on. The chance
of even one false find is controlled, and what the statistics have in common is made use of.
"""

from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Floats


class PValues(NamedTuple):
    """One-sided (float64[m]): each hypothesis by itself, and adjusted for all of them."""

    single: Floats
    adjusted: Floats


def step_down(estimate: Floats, resampled: Floats) -> PValues:
    """P-values for "this difference is above zero" (``estimate`` float64[m], ``resampled``
    float64[repetitions, m], of which NaN counts as no surprise).

    Both are studentised by the standard deviation of the resampled estimates. A hypothesis whose estimate
    never varies says nothing: its p-value is 1.
    """
    if not len(estimate):
        return PValues(np.empty(0), np.empty(0))
    error = np.nanstd(resampled, axis=0, ddof=1)
    sound = error > 0
    scale = np.where(sound, error, 1.0)
    statistic = np.where(sound, estimate / scale, -np.inf)
    surprise = np.where(np.isnan(resampled) | ~sound, -np.inf, (resampled - estimate) / scale)
    single = np.where(sound, _share(surprise >= statistic), 1.0)
    order = np.argsort(-statistic, kind="stable")
    largest = np.maximum.accumulate(surprise[:, order[::-1]], axis=1)[:, ::-1]
    adjusted = np.empty(len(estimate))
    adjusted[order] = np.maximum.accumulate(_share(largest >= statistic[order]))
    return PValues(single, np.where(sound, adjusted, 1.0))


def _share(reached: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> Floats:
    """The share of repetitions, the real one counted among them: never zero (Davison and Hinkley, 1997)."""
    return np.asarray((1 + reached.sum(axis=0)) / (1 + len(reached)))
