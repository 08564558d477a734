"""P1: what was said at bar t never changes when later bars arrive."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE, Detector, detector
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family

from .bars import random_series, real_series

REAL = [
    ("demo/crypto_daily", "BTC/USD", slice(0, 1000)),
    ("demo/crypto_daily", "ETH/USD", slice(0, None)),
    ("demo/crypto_hourly", "BTC/USD", slice(5000, 6000)),
    ("demo/equity_daily", "MSFT", slice(0, 1000)),
    ("demo/equity_daily", "GOOG", slice(0, 1000)),
    ("dev/equity_daily", "AAPL", slice(2000, 3000)),
    ("dev/crypto_daily", "ADA/USDT", slice(0, None)),
]


def prefixes(series: Series, count: int) -> list[int]:
    """A seeded sample of prefix lengths; always with the short ones and the last but one."""
    chosen = np.random.default_rng(len(series)).integers(200, len(series), count)
    return sorted({0, 1, 2, 15, len(series) - 1, *chosen.tolist()})


def first_change(series: Series, detectors: Iterable[Detector], lengths: Iterable[int]) -> str | None:
    """The first detector that says something else on a prefix than on the whole, or None."""
    entries = list(detectors)
    whole = detect(series, entries)
    for length in lengths:
        then = detect(series[:length], entries)
        now = [detection for detection in whole if detection.index < length]
        for said, says in zip(then, now, strict=False):
            if said != says:
                return min(said.detector, says.detector)
        if len(then) != len(now):
            return (then + now)[-1].detector
    return None


@pytest.mark.parametrize(("file", "symbol", "bars"), REAL)
def test_no_detector_changes_its_mind(file: str, symbol: str, bars: slice) -> None:
    """Every detection of a prefix is a detection of the whole, field by field, and the other way round."""
    series = real_series(file, symbol)[bars]
    assert detect(series, CATALOGUE), "these bars prove nothing"
    assert first_change(series, CATALOGUE, prefixes(series, 20)) is None


def test_every_prefix_of_a_random_walk() -> None:
    """The same on every single prefix past the warm-up."""
    series = random_series(7, 420)
    assert first_change(series, CATALOGUE, range(200, 420)) is None


@detector(
    "peeks", family=Family.CHART, direction=Direction.LONG, definition="Looks one bar ahead.", source="-"
)
def peeks(study: Study) -> Hits:
    """Fires on lows that the next bar does not undercut: nobody can know that in time."""
    low = study.series.low
    bars = np.flatnonzero((low[1:-1] < low[:-2]) & (low[1:-1] < low[2:])) + 1
    return Hits.of(
        bars,
        strength=np.full(len(bars), 100.0),
        duration_bars=np.zeros(len(bars), np.int64),
        anchors=bars[:, None],
        anchor_prices=low[bars][:, None],
        labels=("low",),
    )


def test_a_look_ahead_is_caught() -> None:
    """The check above names a detector that looks one bar ahead."""
    series = random_series(7, 420)
    assert first_change(series, [*CATALOGUE, peeks], range(300, 420)) == "peeks"


@detector("rescales", family=Family.CHART, direction=Direction.LONG, definition="Rescales.", source="-")
def rescales(study: Study) -> Hits:
    """Its bars are causal, its strength is measured against the newest close."""
    bars = np.arange(len(study))
    return Hits.of(
        bars,
        strength=study.series.close / study.series.close[-1:].sum(),
        duration_bars=np.zeros(len(bars), np.int64),
        anchors=bars[:, None],
        anchor_prices=study.series.close[:, None],
        labels=("close",),
    )


def test_a_field_that_changes_is_caught() -> None:
    """It is not enough that the bars agree: a strength that moves with later bars is named too."""
    assert first_change(random_series(3, 600), [rescales], range(300, 600, 10)) == "rescales"


def indicators(study: Study) -> dict[str, npt.NDArray[np.generic]]:
    """Every array that a study can give."""
    columns: dict[str, npt.NDArray[np.generic]] = {
        name: getattr(study, name)()
        for name in (
            "rsi", "bollinger_position", "bollinger_width", "adx", "mfi", "obv", "obv_slope",
            "volume_average", "volume_ratio", "atr",
        )
    }  # fmt: skip
    columns |= {f"ema {bars}": study.ema(bars) for bars in (20, 50, 200)}
    columns |= {f"sma {bars}": study.sma(bars) for bars in (20, 50, 200)}
    columns |= study.macd()._asdict() | study.bollinger()._asdict() | study.directional()._asdict()
    columns |= {f"keltner {name}": band for name, band in study.keltner(20, 1.5)._asdict().items()}
    return columns | {"atr 22": study.atr(22), "long trail": study.trail(1), "short trail": study.trail(-1)}


@pytest.mark.parametrize(("file", "symbol", "bars"), REAL)
def test_no_indicator_changes_its_mind(file: str, symbol: str, bars: slice) -> None:
    """Indicator arrays of a prefix are the prefix of the indicator arrays, bit for bit."""
    series = real_series(file, symbol)[bars]
    whole = indicators(Study(series))
    for length in prefixes(series, 10):
        for name, values in indicators(Study(series[:length])).items():
            assert values.tobytes() == whole[name][:length].tobytes(), (name, length)


@pytest.mark.parametrize(("file", "symbol", "bars"), REAL)
def test_no_reading_changes_its_mind(file: str, symbol: str, bars: slice) -> None:
    """What is stored with a signal at bar t is the same whether or not later bars are there, to the bit."""
    series = real_series(file, symbol)[bars]
    whole = Study(series)
    for length in prefixes(series, 60):
        if length:
            assert confluence(Study(series[:length]), length - 1) == confluence(whole, length - 1), length


def test_no_context_changes_its_mind() -> None:
    """The structures that are fresh at a bar are the same whether or not later bars are there."""
    series = real_series("demo/crypto_daily", "BTC/USD")
    whole = Study(series)
    for length in prefixes(series, 40):
        if length:
            then = fresh_contexts(Study(series[:length]), CATALOGUE, length - 1)
            assert then == fresh_contexts(whole, CATALOGUE, length - 1)


def test_asking_for_the_last_bar_alone_gives_the_same() -> None:
    """`detect` from a late first bar on is the tail of `detect` over everything."""
    series = real_series("demo/equity_daily", "AAPL")[:900]
    whole = detect(series, CATALOGUE)
    for first in (899, 890, 600):
        assert detect(series, CATALOGUE, first) == [found for found in whole if found.index >= first]
