"""Indicators against independently computed values (Stock.Indicators, 502 SPY bars)."""

from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.panel import Floats
from crypto_signals.analysis.study import Study

from .bars import real_series, shared_file

SHARED_DEFINITIONS: list[tuple[str, str, int, Callable[[Study], Floats]]] = [
    ("rsi", "rsi", 14, lambda study: study.rsi()),
    ("macd", "macd", 250, lambda study: study.macd().line),
    ("macd", "signal", 250, lambda study: study.macd().signal),
    ("macd", "histogram", 250, lambda study: study.macd().histogram),
    ("adx", "adx", 300, lambda study: study.adx()),
    ("adx", "pdi", 300, lambda study: study.directional().plus_di),
    ("adx", "mdi", 300, lambda study: study.directional().minus_di),
    ("atr", "atr", 14, lambda study: study.atr()),
    ("atr", "atrp", 14, lambda study: np.array([confluence(study, t)["atr_pct"] for t in range(502)], float)),
    ("keltner", "centerline", 19, lambda study: study.keltner(10, 2.0).middle),
    ("keltner", "upperBand", 19, lambda study: study.keltner(10, 2.0).upper),
    ("keltner", "lowerBand", 19, lambda study: study.keltner(10, 2.0).lower),
    ("bb", "sma", 19, lambda study: study.bollinger().middle),
    ("bb", "upperBand", 19, lambda study: study.bollinger().upper),
    ("bb", "lowerBand", 19, lambda study: study.bollinger().lower),
    ("bb", "percentB", 19, lambda study: study.bollinger_position()),
    ("bb", "width", 19, lambda study: study.bollinger_width()),
    ("ema", "ema", 19, lambda study: study.ema(20)),
    ("sma", "sma", 19, lambda study: study.sma(20)),
    ("mfi", "mfi", 14, lambda study: study.mfi()),
    ("chexit", "chandelierExit", 22, lambda study: study.trail(1)),
]


def golden(indicator: str, field: str) -> Floats:
    """The expected values of one field, one a bar, NaN where there is none."""
    rows = pq.read_table(
        shared_file("golden/stock_indicators_results.parquet"),
        filters=[("indicator", "==", indicator), ("field", "==", field)],
    )
    values = np.full(502, np.nan)
    values[rows["i"].to_numpy()] = rows["value"].to_numpy()
    return values


@pytest.fixture(scope="module")
def spy() -> Study:
    return Study(real_series("golden/stock_indicators_default_quotes", "SPY"))


@pytest.mark.parametrize(("indicator", "field", "warm", "column"), SHARED_DEFINITIONS)
def test_an_indicator_equals_the_golden_one(
    spy: Study, indicator: str, field: str, warm: int, column: Callable[[Study], Floats]
) -> None:
    """Once warm, every value agrees to 1e-8 relative."""
    expected = golden(indicator, field)[warm:]
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(column(spy)[warm:], expected, rtol=1e-8, atol=1e-8)


def test_obv_rises_and_falls_as_the_golden_one(spy: Study) -> None:
    """OBV starts from another level, so its steps are compared."""
    np.testing.assert_allclose(np.diff(spy.obv()), np.diff(golden("obv", "obv")), rtol=1e-8)


def test_the_short_trail_mirrors_the_long_one(spy: Study) -> None:
    """On mirrored bars the short trail is the mirrored long trail."""
    bars = spy.series
    low22 = np.array([bars.low[max(0, t - 21) : t + 1].min() for t in range(len(bars))])
    np.testing.assert_allclose(spy.trail(-1)[22:], (low22 + 3 * spy.atr(22))[22:], rtol=1e-12)
