"""The indicators of one series, each computed when first asked for and then kept."""

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.candle_sums import LEAD_BARS, forgets, rounded
from crypto_signals.analysis.panel import Bools, Floats, Ints, Series
from crypto_signals.analysis.pivots import Pivots, find_pivots
from crypto_signals.analysis.plain_talib import talib

T = TypeVar("T")

CHANDELIER_BARS = 22
CHANDELIER_ATRS = 3.0


class Macd(NamedTuple):
    """MACD(12, 26, 9): the line, its signal and their difference, in price units."""

    line: Floats
    signal: Floats
    histogram: Floats


class Bollinger(NamedTuple):
    """Bollinger bands (20 bars, 2 population standard deviations), in price units."""

    upper: Floats
    middle: Floats
    lower: Floats


class Keltner(NamedTuple):
    """Keltner's channel: an exponential average of the close and some ATR on each side, in price units."""

    upper: Floats
    middle: Floats
    lower: Floats


class Directional(NamedTuple):
    """Wilder's directional movement (14 bars), 0 to 100."""

    adx: Floats
    plus_di: Floats
    minus_di: Floats


class Candles(NamedTuple):
    """Bars at which a candlestick function is not zero (int64[n], in order), what it says there (int32[n]),
    and which of them are asked for (bool[n])."""

    bars: Ints
    values: npt.NDArray[np.int32]
    asked: Bools


class Study:
    """A series with its indicators. Each array has one entry a bar, NaN until it is warm.

    A value at bar t depends on bars up to t alone. Series too short for an indicator give all NaN. ``first``
    is the first bar anyone will ask detections for: a detector that looks at single bars may skip the bars
    before it; one with a memory (pivots) must not.

    Prices reach RSI, Bollinger, ADX and MFI multiplied by the power of two that brings the first close to
    512…1024: exact in binary, and it keeps TA-Lib's absolute tolerances away from coins priced at 1e-8.
    """

    def __init__(self, series: Series, first: int = 0) -> None:
        self.series = series
        self.first = first
        self._kept: dict[Hashable, object] = {}

    def __len__(self) -> int:
        return len(self.series)

    @property
    def offsets(self) -> Ints:
        """Where the bars of each series begin, and the end (int64): of one series, 0 and its length."""
        return self.keep("offsets", lambda: np.array([0, len(self.series)]))

    @property
    def asked(self) -> Bools:
        """The bars whose hits anyone will look at (bool[n]): all, as those before ``first`` give context."""
        return self.keep("asked", lambda: np.ones(len(self), np.bool_))

    def keep(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value kept under ``key``, computed at the first call."""
        try:
            return self._kept[key]  # type: ignore[return-value]
        except KeyError:
            value = compute()
            self._kept[key] = value
            return value

    @property
    def _unit(self) -> float:
        """The power of two that scales prices near 1,000."""
        return self.keep("unit", self._measure_unit)

    def _measure_unit(self) -> float:
        first = float(self.series.close[0]) if len(self.series) else 1.0
        if not (np.isfinite(first) and first > 0):
            return 1.0
        return float(np.ldexp(1.0, 10 - int(np.frexp(first)[1])))

    def _scaled(self, name: str) -> Floats:
        return self.keep(("scaled", name), lambda: getattr(self.series, name) * self._unit)

    def sma(self, bars: int) -> Floats:
        """Simple moving average of the close."""
        return self.keep(("sma", bars), lambda: talib.SMA(self.series.close, bars))

    def ema(self, bars: int) -> Floats:
        """Exponential moving average of the close, seeded with the simple average of its first bars."""
        return self.keep(("ema", bars), lambda: talib.EMA(self.series.close, bars))

    def rsi(self, bars: int = 14) -> Floats:
        """Wilder's relative strength index of the close, 0 to 100."""
        return self.keep(("rsi", bars), lambda: talib.RSI(self._scaled("close"), bars))

    def macd(self) -> Macd:
        """MACD(12, 26, 9) of the close."""
        return self.keep("macd", lambda: Macd(*talib.MACD(self.series.close, 12, 26, 9)))

    def bollinger(self) -> Bollinger:
        """Bollinger bands (20, 2) of the close."""
        return self.keep("bollinger", self._bollinger)

    def _bollinger(self) -> Bollinger:
        upper, middle, lower = talib.BBANDS(self._scaled("close"), 20, 2.0, 2.0)
        return Bollinger(upper / self._unit, middle / self._unit, lower / self._unit)

    def bollinger_position(self) -> Floats:
        """Where the close lies: 0 on the lower band, 1 on the upper; NaN where the bands meet."""
        bands = self.bollinger()
        return self.keep(
            "bollinger_position",
            lambda: _ratio(self.series.close - bands.lower, bands.upper - bands.lower),
        )

    def bollinger_width(self) -> Floats:
        """The distance of the bands as a fraction of the middle one."""
        bands = self.bollinger()
        return self.keep("bollinger_width", lambda: _ratio(bands.upper - bands.lower, bands.middle))

    def keltner(self, atr_bars: int, atrs: float) -> Keltner:
        """EMA(20) and ``atrs`` ATR(``atr_bars``) on each side."""
        return self.keep(("keltner", atr_bars, atrs), lambda: self._keltner(atr_bars, atrs))

    def _keltner(self, atr_bars: int, atrs: float) -> Keltner:
        middle, reach = self.ema(20), atrs * self.atr(atr_bars)
        return Keltner(middle + reach, middle, middle - reach)

    def atr(self, bars: int = 14) -> Floats:
        """Wilder's average true range, in price units."""
        return self.keep(
            ("atr", bars), lambda: talib.ATR(self.series.high, self.series.low, self.series.close, bars)
        )

    def directional(self) -> Directional:
        """ADX(14) with +DI and -DI."""
        return self.keep("directional", self._directional)

    def _directional(self) -> Directional:
        bars = self._scaled("high"), self._scaled("low"), self._scaled("close")
        return Directional(self.adx(), talib.PLUS_DI(*bars, 14), talib.MINUS_DI(*bars, 14))

    def adx(self) -> Floats:
        """Average directional index (14), 0 to 100; reads strength of trend, not its side."""
        return self.keep(
            "adx",
            lambda: talib.ADX(self._scaled("high"), self._scaled("low"), self._scaled("close"), 14),
        )

    def mfi(self) -> Floats:
        """Money flow index (14), 0 to 100."""
        return self.keep(
            "mfi",
            lambda: talib.MFI(
                self._scaled("high"), self._scaled("low"), self._scaled("close"), self.series.volume, 14
            ),
        )

    def obv(self) -> Floats:
        """On-balance volume; only its differences mean something, its level depends on the first bar."""
        return self.keep("obv", lambda: talib.OBV(self.series.close, self.series.volume))

    def obv_slope(self) -> Floats:
        """OBV gained over 10 bars, in units of 10 average volumes: -1 (selling) to about 1 (buying)."""
        return self.keep("obv_slope", self._obv_slope)

    def _obv_slope(self) -> Floats:
        obv = self.obv()
        slope = np.full(len(obv), np.nan)
        slope[10:] = _ratio(obv[10:] - obv[:-10], 10 * self.volume_average()[10:])
        return slope

    def volume_average(self) -> Floats:
        """Simple average of the volume over 20 bars, this one included."""
        return self.keep("volume_average", lambda: talib.SMA(self.series.volume, 20))

    def volume_ratio(self) -> Floats:
        """This bar's volume over the average of 20; NaN where that average is not above zero."""
        return self.keep("volume_ratio", lambda: _ratio(self.series.volume, self.volume_average()))

    def trail(self, side: int) -> Floats:
        """The chandelier exit: for longs (+1) the highest high of 22 bars, this one included, less three
        ATR(22); for shorts (-1) the lowest low plus as much. (Le Beau, after Elder 2002.)
        """
        return self.keep(("trail", side), lambda: self._trail(side))

    def _trail(self, side: int) -> Floats:
        bars, span = self.series, CHANDELIER_BARS
        extreme: Floats = talib.MAX(bars.high, span) if side > 0 else talib.MIN(bars.low, span)
        return extreme - side * CHANDELIER_ATRS * self.atr(span)

    def candle(self, function: str) -> npt.NDArray[np.int32]:
        """The output of a TA-Lib candlestick function, such as ``CDLENGULFING``: 0, or ±strength.

        It reads prices of 48 significant bits (see `rounded`), so it does not matter where history starts.
        """
        return self.keep(("candle", function), lambda: self._candle(function, 0))

    def _candle(self, function: str, start: int) -> npt.NDArray[np.int32]:
        columns = self.keep(("candle columns", start), lambda: self._candle_columns(start))
        return cast("npt.NDArray[np.int32]", getattr(talib, function)(*columns))

    def _candle_columns(self, start: int) -> tuple[Floats, ...]:
        return tuple(rounded(column[start:]) for column in self.series.prices)

    def candles(self, function: str) -> Candles:
        """Where `candle` is not zero, from ``first`` on: cheaper than `candle` the later that is.

        Some bars before are among them, not asked for: those that what is asked for may confirm, and others.
        """
        return self.keep(("candles", function), lambda: self._candles(function))

    def _candles(self, function: str) -> Candles:
        start = self.keep("candles start", self._candles_start)
        values = self._candle(function, start) if start else self.candle(function)
        rows = np.flatnonzero(values)
        bars = rows + start
        return Candles(bars, values[rows], bars >= self.first)

    def _candles_start(self) -> int:
        """The first bar that TA-Lib must be shown."""
        start = max(0, self.first - LEAD_BARS)
        return start if start and forgets(self.series.prices, self.offsets)[0] else 0

    def pivots(self, atr_multiple: float) -> Pivots:
        """Confirmed pivots with a reversal of ``atr_multiple`` ATR(14)."""
        return self.keep(
            ("pivots", atr_multiple),
            lambda: find_pivots(self.series.high, self.series.low, atr_multiple * self.atr()),
        )


def _ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN wherever ``below`` is not positive."""
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
