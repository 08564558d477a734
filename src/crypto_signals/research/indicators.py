"""Every indicator of a study: whether it changes its mind, and how long it remembers where history starts."""

from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Floats, Series
from crypto_signals.analysis.study import Study


class Memory(NamedTuple):
    """After ``settled_bars`` bars a reading no longer depends on the first one, to 1e-6 of its unit:
    the close for what is a price, else its own size or 1, whichever is larger."""

    settled_bars: int
    is_price: bool


INDICATORS = {
    "sma_20": Memory(20, True),
    "sma_50": Memory(50, True),
    "sma_200": Memory(200, True),
    "ema_20": Memory(160, True),
    "ema_50": Memory(450, True),
    "ema_200": Memory(1600, True),
    "macd": Memory(250, True),
    "macd_signal": Memory(250, True),
    "macd_hist": Memory(250, True),
    "bollinger_upper": Memory(20, True),
    "bollinger_lower": Memory(20, True),
    "bollinger_position": Memory(20, False),
    "bollinger_width": Memory(20, False),
    "atr": Memory(200, True),
    "atr_22": Memory(400, True),
    "trail_long": Memory(400, True),
    "trail_short": Memory(400, True),
    "rsi": Memory(300, False),
    "adx": Memory(360, False),
    "plus_di": Memory(300, False),
    "minus_di": Memory(300, False),
    "mfi": Memory(15, False),
    "obv_slope": Memory(20, False),
    "volume_average": Memory(20, False),
    "volume_ratio": Memory(20, False),
}


def readings(study: Study) -> dict[str, Floats]:
    """The whole array of each of `INDICATORS`."""
    macd, bands, directional = study.macd(), study.bollinger(), study.directional()
    columns = {f"sma_{bars}": study.sma(bars) for bars in (20, 50, 200)}
    columns |= {f"ema_{bars}": study.ema(bars) for bars in (20, 50, 200)}
    return columns | {
        "macd": macd.line,
        "macd_signal": macd.signal,
        "macd_hist": macd.histogram,
        "bollinger_upper": bands.upper,
        "bollinger_lower": bands.lower,
        "bollinger_position": study.bollinger_position(),
        "bollinger_width": study.bollinger_width(),
        "atr": study.atr(),
        "atr_22": study.atr(22),
        "trail_long": study.trail(1),
        "trail_short": study.trail(-1),
        "rsi": study.rsi(),
        "adx": directional.adx,
        "plus_di": directional.plus_di,
        "minus_di": directional.minus_di,
        "mfi": study.mfi(),
        "obv_slope": study.obv_slope(),
        "volume_average": study.volume_average(),
        "volume_ratio": study.volume_ratio(),
    }


def changed(whole: dict[str, Floats], series: Series, length: int) -> dict[str, int]:
    """The first bar of each indicator that reads otherwise on the first ``length`` bars than on all."""
    found = {}
    for name, then in readings(Study(series[:length])).items():
        now = whole[name][:length]
        if then.tobytes() != now.tobytes():
            apart = np.flatnonzero((then != now) & ~(np.isnan(then) & np.isnan(now)))
            if len(apart):
                found[name] = int(apart[0])
    return found


def moves(whole: dict[str, Floats], series: Series, drop: int) -> dict[str, float]:
    """The largest relative move of each settled reading when the first ``drop`` bars are dropped."""
    found = {}
    for name, part in readings(Study(series[drop:])).items():
        memory = INDICATORS[name]
        now = whole[name][drop:][memory.settled_bars :]
        then = part[memory.settled_bars :]
        unit = series.close[drop:][memory.settled_bars :] if memory.is_price else np.maximum(np.abs(now), 1.0)
        with np.errstate(all="ignore"):
            move = np.abs(then - now) / unit
        move[np.isnan(then) != np.isnan(now)] = np.inf
        known = move[~np.isnan(move)]
        found[name] = float(known.max()) if len(known) else 0.0
    return found
