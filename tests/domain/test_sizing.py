"""How much to trade: never more than the stated risk allows, in what is traded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.sizing import quantity, shown
from crypto_signals.domain.strategy import MOST_RISK_USD, Strategy

USD = st.floats(min_value=0.01, max_value=1e6)
RISK = st.floats(min_value=1e-6, max_value=1e5)


@given(st.sampled_from(("BTC/USD", "AAPL")), USD, RISK)
def test_the_stop_never_costs_more_than_stated(symbol: str, usd: float, risk: float) -> None:
    """Rounded down to the increment, and one increment more would be too much; what is shown is not more."""
    instrument = Instrument.of(symbol)
    size, step = quantity(instrument, usd, risk), instrument.quantity_step
    allowed = Decimal(repr(usd))
    loss = Decimal(repr(risk))
    slack = allowed * Decimal("1e-20")
    assert size % step == 0
    assert size * loss <= allowed + slack
    assert (size + step) * loss > allowed - slack
    assert shown(size) <= size


@pytest.mark.parametrize(
    ("symbol", "usd", "risk", "size"),
    [
        ("AAPL", 100.0, 7.5, "13"),
        ("AAPL", 100.0, 100.01, "0"),
        ("BTC/USD", 100.0, 400.0, "0.25"),
        ("BTC/USD", 100.0, 300.0, "0.333333333"),
    ],
)
def test_known_sizes(symbol: str, usd: float, risk: float, size: str) -> None:
    """Whole shares; billionths of a coin."""
    assert quantity(Instrument.of(symbol), usd, risk) == Decimal(size)


def test_an_increment_of_its_own_counts() -> None:
    """Where the venue says so, in parts of shares, or in coarser parts of a coin."""
    pair = Instrument.of("DOGE/USD")
    coarse = Instrument(pair.symbol, pair.asset_class, quantity_increment=Decimal("0.5"))
    assert quantity(coarse, 10.0, 3.0) == Decimal("3.0")


@pytest.mark.parametrize(
    ("size", "words"),
    [("0.333333333", "0.33333"), ("1234.56789", "1234.5"), ("7", "7"), ("100", "100"), ("0", "0")],
)
def test_sizes_are_shown_in_sensible_digits(size: str, words: str) -> None:
    """Five significant ones, cut off and not rounded."""
    assert f"{shown(Decimal(size)):f}" == words


def test_the_risk_is_no_part_of_what_decides() -> None:
    """Whoever risks more gets the same signals: the version stays."""
    assert Strategy(risk_per_trade=50.0).version("x") == Strategy().version("x")


def test_no_accepted_risk_is_too_much_to_be_written() -> None:
    """Neither the most with the narrowest stop, nor the least; more than that is refused."""
    for risk_usd in (MOST_RISK_USD, 5e-324):
        size = quantity(
            Instrument.of("BTC/USD"), Strategy(risk_per_trade=risk_usd).risk_per_trade or 0.0, 1e-6
        )
        assert shown(size) <= size
    with pytest.raises(ValidationError, match="less than or equal"):
        Strategy(risk_per_trade=1.1 * MOST_RISK_USD)
