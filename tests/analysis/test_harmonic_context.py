"""A fresh harmonic makes a conviction HIGH: from its confirmation, for min(20, half its duration) bars."""

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue, Detector, detector
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.harmonic_patterns import HARMONICS
from crypto_signals.analysis.panel import Floats, Series
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import Conviction, Direction, Family
from crypto_signals.engine.book import Book
from crypto_signals.engine.openings import Opener, Situation
from crypto_signals.market.calendars import MarketCalendar

from .bars import drawn
from .test_harmonic_patterns import BY_NAME, DRAWINGS, SIDES, WICK, abcd, path, suffixed, xabcd


def resting(points: list[float], side: Direction, step: float, away: float) -> tuple[Series, list[int]]:
    """A shape after whose last point the market turns far enough, then rests ``away`` from it for 40 bars."""
    closes, bars = path(points, side, step)
    rest: Floats = np.full(40, closes[bars[-1]] + side.side * away)
    turned = closes[bars[-1]] + side.side * np.linspace(0, max(1.3 * away, 1.3 * step), 4)[1:]
    return drawn(np.concatenate((closes[: bars[-1] + 1], turned, rest)), wick=WICK), bars


def fresh_bars(series: Series, entry: Detector, side: Direction) -> list[int]:
    study = Study(series)
    return [t for t in range(len(series)) if entry.name in fresh_contexts(study, [entry], t)[side]]


@pytest.mark.parametrize("side", SIDES)
def test_a_long_harmonic_is_fresh_for_20_bars(side: Direction) -> None:
    """A Gartley of more than 100 bars: from the bar that confirms D, 20 bars on, and not a bar longer."""
    series, bars = resting(xabcd(0.618, 0.618, 0.786), side, 1.5, 2.0)
    entry = BY_NAME[suffixed("gartley", side)]
    (known,) = entry(Study(series)).index.tolist()
    assert known > bars[-1]
    assert fresh_bars(series, entry, side) == list(range(known, known + 21))
    other = Direction.SHORT if side is Direction.LONG else Direction.LONG
    assert fresh_contexts(Study(series), HARMONICS, known)[other] == ()


@pytest.mark.parametrize("side", SIDES)
def test_a_short_harmonic_is_fresh_for_half_its_duration(side: Direction) -> None:
    """An ABCD of less than 40 bars is fresh for half as many."""
    series, bars = resting(abcd(0.618, 1.0), side, 9.0, 3.6)
    entry = BY_NAME[suffixed("abcd", side)]
    hits = entry(Study(series))
    (known,), (duration,) = hits.index.tolist(), hits.duration_bars.tolist()
    assert known - bars[0] == duration < 40
    inside = [t for t in range(known, len(series)) if hits.zone[0, 0] <= series.close[t] <= hits.zone[0, 1]]
    assert max(inside) > known + duration // 2
    assert fresh_bars(series, entry, side) == [t for t in inside if t <= known + duration // 2]


def test_outside_its_zone_a_harmonic_says_nothing() -> None:
    """The same Gartley with the market 12 % of XA above D: no context on any bar."""
    series, _ = resting(xabcd(0.618, 0.618, 0.786), Direction.LONG, 1.5, 12.0)
    entry = BY_NAME["gartley_bullish"]
    (known,) = entry(Study(series)).index.tolist()
    assert [t for t in fresh_bars(series, entry, Direction.LONG) if t > known + 2] == []


def every_bar(direction: Direction) -> Detector:
    """A trigger on every bar of one side."""

    def find(study: Study) -> Hits:
        bars = np.arange(len(study))
        return Hits.of(
            bars,
            strength=np.full(len(bars), 100.0),
            duration_bars=np.zeros(len(bars), np.int64),
            anchors=bars[:, None],
            anchor_prices=study.series.close[:, None],
            labels=("here",),
        )

    name = f"every_bar_{direction}"
    return detector(name, family=Family.CANDLESTICK, direction=direction, definition=".", source="-")(find)


@pytest.mark.parametrize("side", SIDES)
def test_a_trigger_beside_a_fresh_harmonic_is_high(side: Direction) -> None:
    """As the engine judges it: HIGH on exactly the fresh bars, for the harmonic's side alone; else NORMAL."""
    series, _ = resting(xabcd(0.618, 0.618, 0.786), side, 1.5, 2.0)
    gartley = BY_NAME[suffixed("gartley", side)]
    (known,) = gartley(Study(series)).index.tolist()
    triggers = [every_bar(each) for each in SIDES]
    strategy, study = Strategy(), Study(series)
    opener = Opener(strategy, Book(strategy, ()), Catalogue([gartley, *triggers]), MarketCalendar())
    high: dict[Direction, list[int]] = {each: [] for each in SIDES}
    for trigger in triggers:
        for found in detect(study, [trigger]):
            situation = Situation(Instrument.of(series.symbol), study, found.index, (found,), None)
            (candidate,) = opener.judge(situation)
            if candidate.conviction is Conviction.HIGH:
                high[found.direction].append(found.index)
                assert candidate.context == (gartley.name,)
    other = Direction.SHORT if side is Direction.LONG else Direction.LONG
    assert high == {side: list(range(known, known + 21)), other: []}


def test_harmonics_trigger_nothing_by_themselves() -> None:
    """They are in the catalogue, and none is a trigger."""
    assert {entry.name for entry in HARMONICS} <= set(CATALOGUE.names)
    assert not {entry.name for entry in CATALOGUE.triggers} & {entry.name for entry in HARMONICS}
    assert len(DRAWINGS) * 2 == len(HARMONICS)
