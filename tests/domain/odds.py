"""Rows of evidence for tests."""

import datetime as dt
from dataclasses import replace

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass, Direction


def evidence(detector: str = "hammer", **changes: object) -> Evidence:
    """214 trades of stocks with an honest result; ``changes`` override any field."""
    row = Evidence(
        detector=detector,
        direction=Direction.LONG,
        asset_class=AssetClass.EQUITY,
        timeframe=Timeframe("1Day"),
        conviction=None,
        n=214,
        n_open=2,
        hit_rate=0.51,
        hit_rate_lo=0.46,
        hit_rate_hi=0.57,
        mean_r=0.06,
        mean_r_lo=-0.02,
        mean_r_hi=0.14,
        baseline_mean_r=0.05,
        p_value=0.4,
        p_value_adjusted=0.9,
        verdict=Verdict.NO_EDGE,
        since=dt.datetime(2015, 1, 2, tzinfo=dt.UTC),
        until=dt.datetime(2022, 12, 30, tzinfo=dt.UTC),
        trials=177,
        symbols=139,
        dates=180,
        mean_mfe_r=1.2,
        mean_mae_r=-0.8,
        mean_holding_bars=11.5,
        profit_factor=1.1,
        rank_r=-0.01,
    )
    return replace(row, **changes)  # type: ignore[arg-type]
