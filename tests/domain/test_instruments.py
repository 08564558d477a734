"""Rounding at the edge, and the length of bars."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass


@pytest.mark.parametrize(
    ("symbol", "price", "shown"),
    [
        ("AAPL", 182.3349, "182.33"),
        ("AAPL", 182.335001, "182.34"),
        ("AAPL", 182.0, "182.00"),
        ("AAPL", 1.0, "1.00"),
        ("AAPL", 0.99991, "0.9999"),
        ("AAPL", 0.12345, "0.1234"),
        ("AAPL", 0.1, "0.1000"),
        ("BTC/USD", 43123.45678, "43123.46"),
        ("ETH/USD", 1234.5, "1234.50"),
        ("LTC/USD", 64.123456, "64.123"),
        ("XRP/USD", 0.512345678, "0.51235"),
        ("SHIB/USD", 0.0000123456789, "0.000012346"),
    ],
)
def test_default_increments(symbol: str, price: float, shown: str) -> None:
    """Stocks have cents from one dollar and four decimals below; crypto keeps about five digits."""
    assert str(Instrument.of(symbol).quantize(price)) == shown


@pytest.mark.parametrize(
    ("increment", "price", "expected"),
    [
        ("0.01", 100.128, "100.13"),
        ("0.0001", 100.12345, "100.1234"),
        ("1", 100.6, "101"),
        ("0.000000001", 0.0000123456, "0.000012346"),
        ("0.25", 100.3, "100.25"),
        ("0.05", 100.08, "100.10"),
        ("5", 103.0, "105"),
        ("0.000000100", 0.00001234567, "0.0000123"),
    ],
)
def test_given_increments(increment: str, price: float, expected: str) -> None:
    """A price increment that the venue states is obeyed: the result is a multiple of it."""
    pair = Instrument("X/USD", AssetClass.CRYPTO, price_increment=Decimal(increment))
    assert pair.quantize(price) == Decimal(expected)


@settings(deadline=None, derandomize=True, database=None)
@given(st.sampled_from(["AAPL", "BTC/USD"]), st.floats(1e-6, 1e6))
def test_quantized_prices_are_near_and_stay(symbol: str, price: float) -> None:
    """Rounding moves a price by at most half a step, and rounding twice changes nothing."""
    instrument = Instrument.of(symbol)
    rounded = instrument.quantize(price)
    assert abs(rounded - Decimal(repr(price))) <= instrument.increment_at(price) / 2
    assert instrument.quantize(float(rounded)) == rounded


@pytest.mark.parametrize(
    ("symbol", "asset_class", "shortable"),
    [
        ("BTC/USD", AssetClass.CRYPTO, False),
        ("AAPL", AssetClass.EQUITY, True),
        ("BRK.B", AssetClass.EQUITY, True),
    ],
)
def test_a_symbol_names_its_asset_class(symbol: str, asset_class: AssetClass, shortable: bool) -> None:
    """Pairs are crypto and long only, everything else is a stock."""
    instrument = Instrument.of(symbol)
    assert (instrument.asset_class, instrument.shortable) == (asset_class, shortable)


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("1Min", timedelta(minutes=1)),
        ("15Min", timedelta(minutes=15)),
        ("1Hour", timedelta(hours=1)),
        ("4Hour", timedelta(hours=4)),
        ("1Day", timedelta(days=1)),
    ],
)
def test_a_timeframe_knows_its_span(name: str, span: timedelta) -> None:
    """The vendors' notation is understood, and printed as it was written."""
    timeframe = Timeframe(name)
    assert (timeframe.span, str(timeframe), timeframe.is_daily) == (span, name, name == "1Day")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Day",
        "0Min",
        "01Min",
        "-1Day",
        "1day",
        "1 Day",
        "1Week",
        "2Day",
        "25Hour",
        "1.5Hour",
        "1Day\n",
        " 1Day",
    ],
)
def test_a_bad_timeframe_is_refused_with_a_hint(name: str) -> None:
    """What is no timeframe up to a day is an error that shows good ones."""
    with pytest.raises(ValueError, match="is not a timeframe; use for example 5Min, 1Hour or 1Day"):
        Timeframe(name)
