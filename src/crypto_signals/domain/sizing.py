"""How much to trade so that the stop costs no more than a stated sum."""

from decimal import ROUND_DOWN, Decimal

from crypto_signals.domain.instruments import Instrument


def quantity(instrument: Instrument, risk_usd: float, risk: float) -> Decimal:
    """So many units of which each loses ``risk`` lose at most ``risk_usd``: rounded down to what is traded,
    down to nothing.

    >>> str(quantity(Instrument.of("AAPL"), 100.0, 7.5))
    '13'
    """
    step = instrument.quantity_step
    units = Decimal(repr(float(risk_usd))) / Decimal(repr(float(risk)))
    return (units / step).to_integral_value(ROUND_DOWN) * step


def shown(size: Decimal, digits: int = 5) -> Decimal:
    """A quantity in so many significant digits, never more than it is; a whole number stays whole.

    >>> str(shown(Decimal("0.123456789"))), str(shown(Decimal("123456"))), str(shown(Decimal("0.250000000")))
    ('0.12345', '123456', '0.25')
    """
    if not size:
        return Decimal(0)
    last = min(0, size.adjusted() - digits + 1)
    cut = size.quantize(Decimal(1).scaleb(last), ROUND_DOWN)
    return cut.quantize(Decimal(1)) if cut == cut.to_integral_value() else cut.normalize()
