"""Plans over real bars, to hold the outcome kernel against the lifecycle."""

import numpy as np

from crypto_signals.analysis.study import Study
from crypto_signals.research.outcome_kernel import PLAN, REASONS
from crypto_signals.research.outcomes import Outcomes, Plans


def drawn_plans(study: Study, count: int, rng: np.random.Generator, cost_rate: float = 0.0025) -> Plans:
    """Plans of both sides on random bars, most with an invalidation, near and far levels mixed."""
    plans = np.zeros(count, PLAN)
    bars = np.sort(rng.integers(30, len(study) - 1, count))
    atr, close = study.atr()[bars], study.series.close[bars]
    side = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    stop = rng.choice([0.5, 1.0, 1.5, 4.0], count)
    reach = np.sort(
        rng.choice([0.3, 0.8, 1.5, 2.0, 4.0, 6.0], (count, 3)) + rng.random((count, 3)) / 5, axis=1
    )
    plans["bar"], plans["side"], plans["entry"], plans["cost_rate"] = bars, side, close, cost_rate
    plans["stop"] = close - side * stop * atr
    plans["targets"] = close[:, None] + (side * atr)[:, None] * reach
    near = close - side * stop * atr * rng.choice([0.5, 0.9], count)
    plans["invalidation"] = np.where(rng.random(count) < 0.7, near, np.nan)
    return plans[(plans["targets"] > 0).all(axis=1) & (plans["stop"] > 0)]


def ends(outcomes: Outcomes) -> set[str]:
    """The reasons for which plans ended."""
    return {REASONS[reason].value for reason in outcomes["reason"].tolist() if reason >= 0}
