"""TA-Lib alone: what anyone would write who wants nothing but its numbers."""

from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.plain_talib import talib

CANDLES = tuple(sorted(name for name in vars(talib) if name.startswith("CDL")))


def candles(bars: Series) -> None:
    """All 61 candlestick functions."""
    for name in CANDLES:
        getattr(talib, name)(bars.open, bars.high, bars.low, bars.close)


def indicators(bars: Series) -> None:
    """Every indicator that confluence reads, each once."""
    close, volume = bars.close, bars.volume
    ranges = bars.high, bars.low, close
    talib.RSI(close, 14)
    talib.MACD(close, 12, 26, 9)
    talib.BBANDS(close, 20, 2.0, 2.0)
    for span in (20, 50, 200):
        talib.EMA(close, span)
        talib.SMA(close, span)
    talib.ATR(*ranges, 14)
    talib.ATR(*ranges, 20)
    talib.ADX(*ranges, 14)
    talib.PLUS_DI(*ranges, 14)
    talib.MINUS_DI(*ranges, 14)
    talib.MFI(*ranges, volume, 14)
    talib.OBV(close, volume)
    talib.SMA(volume, 20)


def everything(bars: Series) -> None:
    """Indicators and candlesticks."""
    indicators(bars)
    candles(bars)
