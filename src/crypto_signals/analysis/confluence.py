"""The indicator readings at one bar, as stored with a signal."""

import math

import numpy as np

from crypto_signals.analysis.divergence import rsi_divergence
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study

Reading = float | None

RANK_BARS = 120
CONTRACTION_BARS = 50
SLOPE_BARS = 10
MAX_RISES = 5
TRENDING_ADX = 25.0
CALM, VOLATILE = 0.2, 0.8
SPANS = (20, 50, 200)


def confluence(study: Study, t: int) -> dict[str, Reading]:
    """Readings at bar ``t``, of bars up to ``t`` alone; None where one is not warm or not defined.

    | key | what it reads |
    |---|---|
    | rsi | RSI(14), 0 to 100 |
    | rsi_divergence, rsi_hidden_divergence | +1 bullish, -1 bearish, 0 none: see `divergence` |
    | macd, macd_signal, macd_hist | MACD(12, 26, 9), in price units |
    | macd_hist_atr | the histogram in ATR(14) |
    | bollinger_position | 0 on the lower band (20, 2), 1 on the upper |
    | bollinger_width | the distance of the bands as a fraction of the middle one |
    | bollinger_width_rank | share of the 119 bars before whose bands were narrower: 0 narrowest, 1 widest |
    | bollinger_squeeze | 1 if that rank is 0: the narrowest in 120 bars (Bollinger, 2001), else 0 |
    | keltner_squeeze | 1 if both bands lie inside Keltner's, EMA(20) ± 1.5 ATR(20) (Carter, 2005), else 0 |
    | ema_20, ema_50, ema_200, sma_20, sma_50, sma_200 | averages of the close, in price units |
    | ema_20_distance, ema_50_distance, ema_200_distance | the close less that average, in ATR(14) |
    | sma_20_distance, sma_50_distance, sma_200_distance | the same |
    | ema_trend, sma_trend | +1: the average of 20 bars above that of 50, that above 200; -1: below; else 0 |
    | ema_50_slope | what EMA(50) gained in 10 bars, in ATR(14) |
    | atr, atr_pct | ATR(14) in price units, and in per cent of the close |
    | atr_contraction | ATR(14) over that of 50 bars ago; below 1 it contracts (Minervini, 2013) |
    | atr_rank | share of the 119 bars before whose ATR in per cent was smaller |
    | adx, plus_di, minus_di | Wilder's directional movement (14), 0 to 100 |
    | mfi | money flow index (14), 0 to 100 |
    | obv_slope | OBV gained over 10 bars, in units of 10 average volumes |
    | volume_ratio | this bar's volume over the average of 20 |
    | volume_escalation | bars in a row, up to this one, with more volume than the one before; at most 5 |
    | regime_trend | +1 up: ADX ≥ 25 (Wilder, 1978), +DI above -DI, close above SMA(50); -1 down; 0 range |
    | regime_volatility | +1 volatile: atr_rank ≥ 0.8; -1 calm: ≤ 0.2; 0 neither |

    All but prices, OBV's and volume's own units are free of units: the same for a coin at 1e-8 and at 1e8.
    Sources: Bollinger, Bollinger on Bollinger Bands; Carter, Mastering the Trade; Minervini, Trade Like a
    Stock Market Wizard; Wilder, New Concepts in Technical Trading Systems. The ranks are our own.
    Raises IndexError for a bar outside the series.
    """
    if not 0 <= t < len(study):
        raise IndexError(f"{study.series.symbol} has no bar {t}")
    readings = {name: _reading(column[t]) for name, column in _columns(study).items()}
    with np.errstate(all="ignore"):
        readings |= _of_atr(study, t, readings)
        readings |= _squeeze(study, t)
    readings["ema_trend"], readings["sma_trend"] = (_order(readings, kind) for kind in ("ema", "sma"))
    divergence = rsi_divergence(study, t)
    readings["rsi_divergence"], readings["rsi_hidden_divergence"] = divergence
    readings["volume_escalation"] = _rises(study.series.volume, t)
    trend, volatility = regimes(study, np.array([t])).T
    readings["regime_trend"], readings["regime_volatility"] = _reading(trend[0]), _reading(volatility[0])
    return readings


def regimes(study: Study, bars: Ints) -> Floats:
    """``regime_trend`` and ``regime_volatility`` at each of ``bars`` (float64[n, 2]); NaN where not warm."""
    directional, average, close = study.directional(), study.sma(50)[bars], study.series.close[bars]
    adx, plus, minus = (column[bars] for column in directional)
    with np.errstate(all="ignore"):
        up = (plus > minus) & (close > average)
        down = (plus < minus) & (close < average)
        trend = np.where(adx < TRENDING_ADX, 0.0, up * 1.0 - down * 1.0)
        trend[~np.isfinite(adx + plus + minus + average)] = np.nan
        rank = _ranks(study.atr() / study.series.close, bars)
        volatility = np.where(np.isnan(rank), np.nan, (rank >= VOLATILE) * 1.0 - (rank <= CALM) * 1.0)
    return np.column_stack([trend, volatility])


def _columns(study: Study) -> dict[str, Floats]:
    macd, directional = study.macd(), study.directional()
    averages = {f"ema_{bars}": study.ema(bars) for bars in SPANS}
    averages |= {f"sma_{bars}": study.sma(bars) for bars in SPANS}
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


def _of_atr(study: Study, t: int, readings: dict[str, Reading]) -> dict[str, Reading]:
    """What is measured in ATR, or of ATR."""
    atr, close, column = readings["atr"], float(study.series.close[t]), study.atr()
    (rank,) = _ranks(column / study.series.close, np.array([t]))
    before = _reading(column[t - CONTRACTION_BARS]) if t >= CONTRACTION_BARS else None
    gained = study.ema(50)[t] - study.ema(50)[t - SLOPE_BARS] if t >= SLOPE_BARS else np.nan
    averages = [f"{kind}_{bars}" for kind in ("ema", "sma") for bars in SPANS]
    return {
        "atr_pct": 100 * atr / close if atr is not None and close > 0 else None,
        "atr_contraction": _over(atr, before),
        "atr_rank": _reading(rank) if close > 0 else None,
        "macd_hist_atr": _over(readings["macd_hist"], atr),
        "ema_50_slope": _over(_reading(gained), atr),
        **{f"{name}_distance": _over(_less(close, readings[name]), atr) for name in averages},
    }


def _squeeze(study: Study, t: int) -> dict[str, Reading]:
    """Whether the Bollinger bands are narrow, by themselves and against Keltner's."""
    (found,) = _ranks(study.bollinger_width(), np.array([t]))
    rank = _reading(found)
    bands, channel = study.bollinger(), study.keltner(20, 1.5)
    upper, lower = bands.upper[t] - channel.upper[t], bands.lower[t] - channel.lower[t]
    return {
        "bollinger_width_rank": rank,
        "bollinger_squeeze": None if rank is None else float(rank == 0),
        "keltner_squeeze": float(upper < 0 < lower) if math.isfinite(upper + lower) else None,
    }


def _ranks(column: Floats, bars: Ints) -> Floats:
    """At each of ``bars`` the share of the 119 bars before it that read less; equal ones count half."""
    found = np.full(len(bars), np.nan)
    enough = np.flatnonzero(bars >= RANK_BARS - 1)
    if not len(enough):
        return found
    windows = np.lib.stride_tricks.sliding_window_view(column, RANK_BARS)[bars[enough] - RANK_BARS + 1]
    last, before = windows[:, -1:], windows[:, :-1]
    share = ((before < last).sum(axis=1) + (before == last).sum(axis=1) / 2) / (RANK_BARS - 1)
    found[enough] = np.where(np.isfinite(windows).all(axis=1), share, np.nan)
    return found


def _rises(volume: Floats, t: int) -> Reading:
    """How many bars in a row, up to bar ``t``, had more volume than the one before."""
    recent = volume[max(0, t - MAX_RISES) : t + 1]
    if len(recent) < 2 or not np.isfinite(recent).all() or not recent.any():
        return None
    falls = np.flatnonzero(np.diff(recent)[::-1] <= 0)
    return float(falls[0] if len(falls) else len(recent) - 1)


def _order(readings: dict[str, Reading], kind: str) -> Reading:
    fast, middle, slow = (readings[f"{kind}_{bars}"] for bars in SPANS)
    if fast is None or middle is None or slow is None:
        return None
    return float(fast > middle > slow) - float(fast < middle < slow)


def _less(value: float, other: Reading) -> Reading:
    return None if other is None else value - other


def _over(above: Reading, below: Reading) -> Reading:
    """``above / below``, None where that is not a number."""
    if above is None or below is None or below <= 0:
        return None
    return _reading(above / below)


def _reading(value: float) -> Reading:
    return float(value) if math.isfinite(value) else None
