"""What was measured of a setup on past bars: its odds, with how far they can be trusted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction


class Verdict(StrEnum):
    EDGE = "edge"
    NO_EDGE = "no_edge"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The trades of one detector on one side of one asset class and timeframe, between two bars.

    ``conviction`` None: of any conviction; only such rows are tested, and only they carry p-values. ``n``
    counts closed trades, ``n_open`` those still open at the end. All results are in R, net of costs; ``_lo``
    and ``_hi`` are 90 % intervals. What cannot be said is None. ``rank_r`` is shrunk towards the detector's
    relatives: it orders setups and is never quoted. ``trials`` is how many setups were tried.
    """

    detector: str
    direction: Direction
    asset_class: AssetClass
    timeframe: Timeframe
    conviction: Conviction | None
    n: int
    n_open: int
    hit_rate: float | None
    hit_rate_lo: float | None
    hit_rate_hi: float | None
    mean_r: float | None
    mean_r_lo: float | None
    mean_r_hi: float | None
    baseline_mean_r: float | None
    p_value: float | None
    p_value_adjusted: float | None
    verdict: Verdict
    since: datetime
    until: datetime
    trials: int
    symbols: int
    dates: int
    mean_mfe_r: float | None
    mean_mae_r: float | None
    mean_holding_bars: float | None
    profit_factor: float | None
    rank_r: float | None
