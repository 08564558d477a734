"""How prices, results, detectors and timeframes are said to a person, wherever one reads them.

Text that came from outside (symbols, names) passes through ``one_line`` first: escaping it for a medium
is the business of that medium.
"""

from datetime import datetime

from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.signals import Signal

_SIDES = {"bullish": "Bullish", "bearish": "Bearish"}
_SHARES = {0.25: "a quarter", 1 / 3: "a third", 0.5: "half", 2 / 3: "two thirds", 0.75: "three quarters"}
MINUS = "−"


def one_line(text: str) -> str:
    """``text`` without line breaks and unprintable characters; never empty.

    >>> one_line(" BTC/USD\\n")
    'BTC/USD'
    """
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split()) or "?"


def counted(number: int, thing: str) -> str:
    """
    >>> counted(1, "dead letter"), counted(2, "dead letter")
    ('1 dead letter', '2 dead letters')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def detector_words(detector: str) -> str:
    """A detector's name as one would say it.

    >>> detector_words("inverse_head_and_shoulders"), detector_words("engulfing_bullish")
    ('Inverse head and shoulders', 'Bullish engulfing')
    """
    name, _, side = detector.rpartition("_")
    spoken = f"{_SIDES[side]} {name}" if name and side in _SIDES else detector
    spoken = one_line(spoken.replace("_", " "))
    return spoken[0].upper() + spoken[1:]


def timeframe_words(timeframe: Timeframe) -> str:
    """
    >>> timeframe_words(Timeframe("1Day")), timeframe_words(Timeframe("15Min"))
    ('1 day', '15 minutes')
    """
    count, unit = _counted(timeframe)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def bar_word(timeframe: Timeframe) -> str:
    """What a bar's close is called.

    >>> bar_word(Timeframe("1Day")), bar_word(Timeframe("4Hour"))
    ('daily', '4-hour')
    """
    count, unit = _counted(timeframe)
    if count == 1:
        return {"day": "daily", "hour": "hourly"}.get(unit, "1-minute")
    return f"{count}-{unit}"


def _counted(timeframe: Timeframe) -> tuple[int, str]:
    seconds = int(timeframe.span.total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600)):
        if seconds % length == 0:
            return seconds // length, unit
    return seconds // 60, "minute"


def price_text(symbol: str, price: float) -> str:
    """
    >>> price_text("BTC/USD", 6420.5)
    '6,420.50'
    """
    text = f"{Instrument.of(symbol).quantize(price):,f}"
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """
    >>> signed(1.841), signed(-0.5), signed(0.0)
    ('+1.84', '−0.50', '0.00')
    """
    text = f"{value:+.{digits}f}"
    if not float(text):
        return text[1:]
    return text.replace("-", MINUS)


def share_words(fraction: float) -> str:
    """
    >>> share_words(0.5), share_words(0.4), share_words(1.0)
    ('half', '40 %', 'all')
    """
    if fraction > 0.9999:
        return "all"
    return next(
        (words for share, words in _SHARES.items() if abs(share - fraction) < 1e-6), f"{100 * fraction:.4g} %"
    )


def bar_text(ts: datetime, timeframe: Timeframe) -> str:
    """The bar that opened at ``ts``: its day, which no time zone may shift, or its opening time in UTC."""
    return f"{ts:%Y-%m-%d}" if timeframe.is_daily else f"{ts:%Y-%m-%d %H:%M} UTC"


def setup_words(signal: Signal) -> str:
    """
    A signal in half a line, such as ``BTC/USD long · Bull flag``.
    """
    return f"{one_line(signal.symbol)} {signal.direction.value} · {detector_words(signal.detector)}"
