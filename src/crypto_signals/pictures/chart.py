"""The chart of one signal, as a PNG for a message or a page.

matplotlib is imported when the first picture is drawn, not when this module is: most runs owe none.
"""

from collections.abc import Sequence

from crypto_signals.analysis.panel import Series
from crypto_signals.domain.events import Event, in_last_units
from crypto_signals.domain.signals import Signal


def signal_chart(signal: Signal, series: Series, *, events: Sequence[Event] = (), dark: bool = True) -> bytes:
    """Candles and volume around ``signal``, with its pattern, levels, and what became of it so far.

    About 1000 x 640 pixels, under 200 KB. ``series`` holds the bars of the signal's symbol that may be
    shown; they are shown from 60 bars before the pattern to 5 bars after the close of the trade. With
    ``events`` every move of the stop is drawn; without them, those that its fills prove. Raises
    ValueError for a series without bars.
    """
    from crypto_signals.pictures import drawing  # noqa: PLC0415 - loads matplotlib

    return drawing.png(signal, series, in_last_units(events), dark=dark)
