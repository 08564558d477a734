"""Instruments, timeframes, and the rounding that happens only at the edge."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from crypto_signals.domain.vocabulary import AssetClass

_TIMEFRAME = re.compile(r"([1-5]?[0-9])(Min)|(1?[0-9]|2[0-3])(Hour)|(1)(Day)")
_UNITS = {"Min": timedelta(minutes=1), "Hour": timedelta(hours=1), "Day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar, in the notation of the data vendors: ``5Min``, ``1Hour``, ``1Day``."""

    name: str

    def __post_init__(self) -> None:
        if _TIMEFRAME.fullmatch(self.name) is None or not self.span:
            raise ValueError(f"{self.name!r} is not a timeframe; use for example 5Min, 1Hour or 1Day")

    @property
    def span(self) -> timedelta:
        return _span(self.name)

    @property
    def is_daily(self) -> bool:
        return self.span == timedelta(days=1)

    def __str__(self) -> str:
        return self.name


@cache
def _span(timeframe: str) -> timedelta:
    unit = timeframe.lstrip("0123456789")
    return int(timeframe.removesuffix(unit)) * _UNITS[unit]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable symbol. Crypto pairs are written ``BTC/USD``, stocks ``AAPL``."""

    symbol: str
    asset_class: AssetClass
    price_increment: Decimal | None = None
    quantity_increment: Decimal | None = None

    @classmethod
    def of(cls, symbol: str) -> "Instrument":
        """The instrument that a symbol names, with its venue's default increments.

        >>> Instrument.of("BTC/USD").asset_class
        <AssetClass.CRYPTO: 'crypto'>
        """
        return cls(symbol, AssetClass.CRYPTO if "/" in symbol else AssetClass.EQUITY)

    @property
    def shortable(self) -> bool:
        return self.asset_class is AssetClass.EQUITY

    def increment_at(self, price: float) -> Decimal:
        """The price step near ``price``: stocks have cents from 1 USD, four decimals below."""
        if self.price_increment is not None:
            return self.price_increment
        if self.asset_class is AssetClass.EQUITY:
            return Decimal("0.01") if price >= 1 else Decimal("0.0001")
        magnitude = Decimal(repr(abs(price))).adjusted() if price else 0
        return Decimal(1).scaleb(max(-9, min(-2, magnitude - 4)))

    @property
    def quantity_step(self) -> Decimal:
        """The smallest part that is traded: a whole share, or a billionth of a coin."""
        whole = Decimal(1) if self.asset_class is AssetClass.EQUITY else Decimal("1e-9")
        return self.quantity_increment or whole

    def quantize(self, price: float) -> Decimal:
        """``price`` on the instrument's grid, for messages and orders only.

        >>> str(Instrument.of("AAPL").quantize(182.3349))
        '182.33'
        """
        increment = self.increment_at(price)
        steps = (Decimal(repr(float(price))) / increment).to_integral_value(ROUND_HALF_EVEN)
        return (steps * increment).quantize(increment)
