"""Tweezers, and what volume and gaps do to the strength of candlesticks."""

from dataclasses import replace

import numpy as np
import pytest

from crypto_signals.analysis.candle_strength import emphasis
from crypto_signals.analysis.candlesticks import CANDLESTICKS
from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import known_hits
from crypto_signals.analysis.study import Study
from crypto_signals.analysis.tweezers import TWEEZERS

from .bars import dated, random_series, real_series


def tweezers(
    side: int, *, apart: float = 0.0, body: float = 2.0, turns: bool = True, deep: bool = True
) -> Series:
    """A fall (for -1 a rise) of 300 bars that ends in two candles with lows ``apart`` from each other."""
    close = 500.0 - np.arange(300.0)
    opened, low = close + 1.0, close - 0.5
    high = opened + 0.5
    floor = close[-1] - body - 0.5 if deep else close[-6]
    first = floor + 0.5 + body, floor + 0.5
    second = (floor + 0.5, floor + 2.0) if turns else (floor + 2.0, floor + 0.5)
    opened = np.append(opened, [first[0], second[0]])
    close = np.append(close, [first[1], second[1]])
    high = np.append(high, [first[0] + 0.1, floor + 2.2])
    low = np.append(low, [floor, floor + apart])
    if side < 0:
        opened, high, low, close = 1000 - opened, 1000 - low, 1000 - high, 1000 - close
    return dated("DRAWN", opened, high, low, close, np.full(len(close), 1000.0))


@pytest.mark.parametrize(("entry", "side"), [(TWEEZERS[0], 1), (TWEEZERS[1], -1)], ids=["bottom", "top"])
def test_two_candles_that_stop_at_one_price_are_tweezers(entry: Detector, side: int) -> None:
    """Found on the second candle, with both as anchors; the structure is the lower low (higher high)."""
    series = tweezers(side)
    hits = known_hits(Study(series), entry)
    assert hits.index.tolist() == [301]
    assert hits.anchors.tolist() == [[300, 301]]
    edge = series.low if side > 0 else series.high
    assert hits.structure[0] == edge[301]
    assert hits.strength[0] == 100


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    "broken", [{"apart": 0.2}, {"body": 0.3}, {"turns": False}, {"deep": False}], ids=str
)
def test_one_broken_rule_is_no_tweezers(side: int, broken: dict[str, float]) -> None:
    """Lows too far apart, a small first body, no turn, or no new low: nothing."""
    study = Study(tweezers(side, **broken))  # type: ignore[arg-type]
    assert not any(len(known_hits(study, entry)) for entry in TWEEZERS)


def test_tweezers_fire_on_real_bars_at_a_sensible_rate() -> None:
    """Between one and ten in a thousand bars, and always at the lowest low of ten."""
    for file, symbol in (("demo/crypto_daily", "BTC/USD"), ("demo/equity_daily", "IBM")):
        series = real_series(file, symbol)
        hits = known_hits(Study(series), CATALOGUE["tweezer_bottom"])
        assert 0.001 < len(hits) / len(series) < 0.01
        for t in hits.index.tolist():
            assert series.low[t - 1 : t + 1].min() == series.low[t - 9 : t + 1].min()


def strengths(series: Series) -> dict[tuple[str, int], float]:
    study = Study(series)
    hits = ((entry.name, known_hits(study, entry)) for entry in (*CANDLESTICKS, *TWEEZERS))
    return {
        (name, t): strength
        for name, found in hits
        for t, strength in zip(found.index.tolist(), found.strength.tolist(), strict=True)
    }


def test_strength_runs_from_80_to_170() -> None:
    """On real bars, and both ends are nearly reached."""
    found = list(strengths(real_series("demo/equity_daily", "MSFT")).values())
    assert 80 <= min(found) < 85
    assert 150 < max(found) <= 170


def test_more_volume_never_weakens() -> None:
    """Twice the volume on the last bar makes each pattern there at least as strong; the others stay."""
    series = random_series(4, 900)
    for t in range(400, 900, 25):
        louder = series.volume.copy()
        louder[t] *= 2
        before, after = (
            strengths(series[: t + 1]),
            strengths(replace(series[: t + 1], volume=louder[: t + 1])),
        )
        assert before.keys() == after.keys()
        assert all(after[key] >= value for key, value in before.items() if key[1] == t)
        assert all(after[key] == value for key, value in before.items() if key[1] < t)


def test_each_part_adds_what_the_table_says() -> None:
    """Volume, escalation and gaps, one at a time, on flat bars."""
    flat, volume = np.full(60, 100.0), np.full(60, 10.0)
    series = dated("FLAT", flat, flat + 1, flat - 1, flat, volume)

    def added(volume: float = 0.0, shift: float = 0.0) -> float:
        """What the last bar adds with so much more volume, at prices so much higher."""
        up = np.append(np.zeros(59), shift)
        louder = np.append(series.volume[:-1], series.volume[-1] + volume)
        prices = {name: getattr(series, name) + up for name in ("open", "high", "low", "close")}
        return float(emphasis(Study(replace(series, **prices, volume=louder)), np.array([59]))[0])

    assert added() == 0
    assert added(volume=1000.0) == 40
    assert added(volume=10.0) == pytest.approx(20 * (20 / 10.5 - 1))
    assert added(shift=2.5) == added(shift=-2.5) == 10
    assert added(shift=1.5) == 0
    rising = replace(series, volume=np.append(volume[:-3], [8.0, 9.0, 9.9]))
    assert emphasis(Study(rising), np.array([59]))[0] >= 10


def test_the_last_bar_alone_has_the_same_strength() -> None:
    """A study made for the last bars gives the strengths of one made for all."""
    series = random_series(9, 700)
    whole = emphasis(Study(series), np.arange(690, 700))
    assert emphasis(Study(series, first=690), np.arange(690, 700)).tolist() == whole.tolist()


def test_bars_without_volume_add_nothing_for_it() -> None:
    """Volume that is zero or missing everywhere leaves the shape and the gaps."""
    series = random_series(9, 700)
    for volume in (np.zeros(700), np.full(700, np.nan)):
        assert set(emphasis(Study(replace(series, volume=volume)), np.arange(700))) <= {0.0, 10.0, 20.0}
