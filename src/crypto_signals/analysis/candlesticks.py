"""TA-Lib's 61 candlestick functions as detectors, one for each direction that a function has.

A hit lies on the pattern's last candle. Its strength starts from the absolute value TA-Lib gives: 100, or 80
where two bodies touch at one end (engulfing, harami); a confirmed hikkake's 200 counts as 100, because here
every one is confirmed. To that comes what `candle_strength` adds for volume and gaps. Its structure is the
lowest low of the pattern's candles for longs and the highest high for shorts; anchors are its candles, first
to last, at their lows (highs).

A hikkake counts on the bar that confirms it (TA-Lib's ±200), not on the bar that completes its shape: until
then it has not tricked anyone. Its structure still is that of its own candles.

TA-Lib is asked about prices of 48 bits (`candle_sums`): what it says of a bar is then the same wherever
history starts. Where a body or a shadow equals its measure exactly, that may differ from what TA-Lib says of
the same prices in full, which there depends on the last bit: of 1,340,190 outputs on the development data
9,020 do, six in seven of them on hourly crypto, most of them spinning tops and high waves.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.candle_strength import emphasis
from crypto_signals.analysis.candlestick_table import SHAPES, Shape
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import CANDLESTICK_GATES, Detector, Find, detector
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

CONFIRMED_ONLY = frozenset({"CDLHIKKAKE", "CDLHIKKAKEMOD"})
READ_AS_SHORT = frozenset({"CDLGRAVESTONEDOJI"})


def _extremes(study: Study, direction: Direction) -> tuple[Floats, Callable[..., Floats]]:
    """The side of the bars on which a pattern is refuted, and how to find its extreme there."""
    if direction is Direction.LONG:
        return study.series.low, np.minimum.reduce
    return study.series.high, np.maximum.reduce


def _at_last_candle(shape: Shape, sign: int, direction: Direction) -> Find:
    back = np.arange(1 - shape.candles, 1)
    labels = tuple(f"candle {n}" for n in range(1, shape.candles + 1))

    def find(study: Study) -> Hits:
        bars, values, asked = study.candles(shape.function)
        rows = np.flatnonzero(asked & (values * sign > 0))
        if not len(rows):
            return Hits.none()
        bars, values = bars[rows], np.abs(values[rows])
        return _hits(study, direction, bars, values, bars[:, None] + back, labels)

    return find


def _at_confirmation(shape: Shape, sign: int, direction: Direction) -> Find:
    back = np.arange(1 - shape.candles, 1)
    labels = (*(f"candle {n}" for n in range(1, shape.candles + 1)), "confirmation")

    def find(study: Study) -> Hits:
        bars, values, asked = study.candles(shape.function)
        completed = bars[values == sign * 100]
        rows = np.flatnonzero(asked & (values == sign * 200))
        before = np.searchsorted(completed, bars[rows])
        rows, before = rows[before > 0], before[before > 0]
        if not len(rows):
            return Hits.none()
        confirmed = bars[rows]
        anchors = np.column_stack((completed[before - 1][:, None] + back, confirmed))
        return _hits(study, direction, confirmed, np.abs(values[rows]), anchors, labels)

    return find


def _hits(
    study: Study,
    direction: Direction,
    bars: Ints,
    values: npt.NDArray[np.int32],
    anchors: Ints,
    labels: tuple[str, ...],
) -> Hits:
    edge, extreme = _extremes(study, direction)
    prices = edge[anchors]
    return Hits.of(
        bars,
        strength=np.minimum(values, 100) + emphasis(study, bars),
        structure=extreme(prices, axis=1),
        duration_bars=bars - anchors[:, 0],
        anchors=anchors,
        anchor_prices=prices,
        labels=labels,
    )


def _direction(shape: Shape, sign: int) -> Direction:
    short = sign < 0 or shape.function in READ_AS_SHORT
    return Direction.SHORT if short else Direction.LONG


def _detector(shape: Shape, sign: int) -> Detector:
    direction = _direction(shape, sign)
    suffix = {1: "_bullish", -1: "_bearish"}[sign] if len(shape.signs) > 1 else ""
    build = _at_confirmation if shape.function in CONFIRMED_ONLY else _at_last_candle
    return detector(
        shape.name + suffix,
        family=Family.CANDLESTICK,
        direction=direction,
        role=Role.TRIGGER if shape.trigger else Role.CONTEXT,
        gates=CANDLESTICK_GATES,
        needs_gap=shape.needs_gap,
        definition=shape.definition,
        source=f"{shape.source}; recognised by TA-Lib {shape.function}",
    )(build(shape, sign, direction))


CANDLESTICKS = tuple(_detector(shape, sign) for shape in SHAPES for sign in shape.signs)
"""Every candlestick detector, in the order of TA-Lib's functions."""
