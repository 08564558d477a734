"""Instruments, timeframes, and the rounding that happens only at the edge."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from crypto_signals.domain.vocabulary import AssetClass

_TIMEFRAME = re.compile(r"^([1-9][0-9]?)(Min|Hour|Day)$")
_UNITS = {"Min": timedelta(minutes=1), "Hour": timedelta(hours=1), "Day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar, in the notation of the data vendors: ``5Min``, ``1Hour``, ``1Day``."""

    name: str

    def __post_init__(self) -> None:
        found = _TIMEFRAME.match(self.name)
        if found is None or self.span > timedelta(days=1):
            raise ValueError(f"{self.name!r} is not a timeframe; use for example 5Min, 1Hour or 1Day")

    @property
    def span(self) -> timedelta:
        found = _TIMEFRAME.match(self.name)
        assert found is not None  # noqa: S101 - held by __post_init__
        return int(found[1]) * _UNITS[found[2]]

    @property
    def is_daily(self) -> bool:
        return self.span == timedelta(days=1)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable symbol. Crypto pairs are written ``BTC/USD``, stocks ``AAPL``."""

    symbol: str
    asset_class: AssetClass
    price_increment: Decimal | None = None
    quantity_increment: Decimal = Decimal("0.000000001")
    minimum_quantity: Decimal = Decimal(0)

    @classmethod
    def of(cls, symbol: str) -> "Instrument":
        """The instrument that a symbol names, with its venue's default increments.

        >>> Instrument.of("BTC/USD").asset_class
        <AssetClass.CRYPTO: 'crypto'>
        """
        if "/" in symbol:
            return cls(symbol, AssetClass.CRYPTO)
        return cls(symbol, AssetClass.EQUITY, quantity_increment=Decimal(1), minimum_quantity=Decimal(1))

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

    def quantize(self, price: float) -> Decimal:
        """``price`` on the instrument's grid, for messages and orders only.

        >>> str(Instrument.of("AAPL").quantize(182.3349))
        '182.33'
        """
        return Decimal(repr(price)).quantize(self.increment_at(price), rounding=ROUND_HALF_EVEN)

    def quantize_quantity(self, quantity: float) -> Decimal:
        """``quantity`` rounded down to what may be ordered; zero if that is below the minimum."""
        steps = (Decimal(repr(quantity)) / self.quantity_increment).to_integral_value(ROUND_FLOOR)
        rounded = steps * self.quantity_increment
        return rounded if rounded >= self.minimum_quantity else Decimal(0)
