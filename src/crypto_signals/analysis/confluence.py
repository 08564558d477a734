"""The indicator readings at one bar, as stored with a signal."""

import math

from crypto_signals.analysis.panel import Floats
from crypto_signals.analysis.study import Study


def confluence(study: Study, t: int) -> dict[str, float | None]:
    """Readings at bar ``t``; None where an indicator is not warm or not defined.

    RSI, ADX, DI and MFI are 0 to 100; MACD, averages and ``atr`` are in price units; ``atr_pct`` is ATR(14)
    in per cent of the close; ``bollinger_position`` is 0 on the lower band and 1 on the upper;
    ``bollinger_width``, ``obv_slope`` and ``volume_ratio`` are fractions. Raises IndexError for a bar outside
    the series.
    """
    if not 0 <= t < len(study):
        raise IndexError(f"{study.series.symbol} has no bar {t}")
    readings = {name: _reading(column[t]) for name, column in _columns(study).items()}
    atr, close = readings["atr"], float(study.series.close[t])
    readings["atr_pct"] = 100 * atr / close if atr is not None and close > 0 else None
    return readings


def _columns(study: Study) -> dict[str, Floats]:
    macd, directional = study.macd(), study.directional()
    averages = {f"ema_{bars}": study.ema(bars) for bars in (20, 50, 200)}
    averages |= {f"sma_{bars}": study.sma(bars) for bars in (20, 50, 200)}
    return {
        "rsi": study.rsi(),
        "macd": macd.line,
        "macd_signal": macd.signal,
        "macd_hist": macd.histogram,
        "bollinger_position": study.bollinger_position(),
        "bollinger_width": study.bollinger_width(),
        **averages,
        "atr": study.atr(),
        "adx": directional.adx,
        "plus_di": directional.plus_di,
        "minus_di": directional.minus_di,
        "mfi": study.mfi(),
        "obv_slope": study.obv_slope(),
        "volume_ratio": study.volume_ratio(),
    }


def _reading(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
