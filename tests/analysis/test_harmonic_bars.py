"""Harmonics on real bars: causal, in order, as frequent as the counts sheet says, quick."""

import time
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.harmonic_patterns import GRADES, HARMONICS, harmonics
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect, known_hits
from crypto_signals.analysis.study import Study

from .bars import random_series, real_series, shared_file
from .test_causality import REAL, first_change, prefixes

TUNING = (("dev/crypto_daily", "2021-01-01"), ("dev/equity_daily", "2015-01-01"))
TOLERANCES = (0.001, 0.01, 0.03, 0.05, 0.1)
EXACT = ("gartley", "bat", "alternate_bat", "butterfly", "crab", "deep_crab", "cypher")
"""Shapes of which at least one ratio is a single number against XA or XC."""


@pytest.mark.parametrize(("file", "symbol", "bars"), REAL)
def test_no_harmonic_changes_its_mind(file: str, symbol: str, bars: slice) -> None:
    """Every prefix of a sample says what the whole says, at the widest tolerance too."""
    series = real_series(file, symbol)[bars]
    wide = harmonics(0.1)
    assert detect(series, HARMONICS)
    assert first_change(series, HARMONICS, prefixes(series, 25)) is None
    assert first_change(series, wide, prefixes(series, 25)) is None


def test_every_prefix_of_a_random_walk_at_the_widest_tolerance() -> None:
    """The same on every single prefix past the warm-up, with at least six shapes in it."""
    series, wide = random_series(21, 700), harmonics(0.1)
    assert len({found.detector.rpartition("_")[0] for found in detect(series, wide)}) >= 6
    assert first_change(series, wide, range(200, 700)) is None


def test_points_are_pivots_that_were_known() -> None:
    """The last point is a minor pivot on the bar that confirms it; the others were confirmed by then."""
    series = real_series("demo/equity_daily", "MSFT")
    study = Study(series)
    minor = study.pivots(1.0)
    confirmed = dict(zip(minor.index.tolist(), minor.confirmed_at.tolist(), strict=True))
    majors = [
        dict(zip(major.index.tolist(), major.confirmed_at.tolist(), strict=True))
        for major in map(study.pivots, GRADES)
    ]
    seen = 0
    for entry in HARMONICS:
        hits = known_hits(study, entry)
        low = entry.direction.side > 0
        for known, anchors, prices, zone, strength in zip(
            hits.index, hits.anchors, hits.anchor_prices, hits.zone, hits.strength, strict=True
        ):
            assert confirmed[anchors[-1]] == known > anchors[-1]
            assert any(all(major.get(bar, known + 1) <= known for bar in anchors[:-1]) for major in majors)
            assert (np.diff(anchors) > 0).all()
            assert prices[-1] == (series.low if low else series.high)[anchors[-1]]
            span = slice(anchors[-2], anchors[-1] + 1)
            assert prices[-1] == (series.low[span].min() if low else series.high[span].max())
            assert zone[0] <= prices[-1] <= zone[1]
            assert 0 < strength <= 100
            seen += 1
    assert seen > 50


def tuning_series(file: str, until: str) -> list[Series]:
    """The bars of a dev file that may be tuned on, every third symbol, if there are enough of them."""
    names = sorted(
        set(pq.read_table(shared_file(f"{file}.parquet"), columns=["symbol"])["symbol"].to_pylist())
    )
    cut = [real_series(file, name) for name in names[::3]]
    cut = [series[: int(np.searchsorted(series.ts, np.datetime64(until)))] for series in cut]
    return [series for series in cut if len(series) > 300]


def per_1000_bars(all_series: list[Series], tolerance: float) -> dict[str, float]:
    """How often each shape fires, both directions together."""
    bars = sum(len(series) - 200 for series in all_series)
    counts: dict[str, int] = {}
    for series in all_series:
        study = Study(series)
        for entry in harmonics(tolerance):
            name = entry.name.rpartition("_")[0]
            counts[name] = counts.get(name, 0) + len(known_hits(study, entry))
    return {name: 1000 * count / bars for name, count in counts.items()}


@pytest.mark.parametrize(("file", "until"), TUNING)
def test_the_counts_sheet(file: str, until: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At 0.1 % an exact shape never fires, each fires more with more tolerance, and none floods the bars."""
    all_series = tuning_series(file, until)
    sheet = {tolerance: per_1000_bars(all_series, tolerance) for tolerance in TOLERANCES}
    with capsys.disabled():
        print(f"\n{file} before {until}: hits per 1,000 bars of {sum(map(len, all_series))}")
        print(f"{'':18}" + "".join(f"{100 * tolerance:>8g} %" for tolerance in TOLERANCES))
        for name in sheet[0.05]:
            print(f"{name:18}" + "".join(f"{sheet[tolerance][name]:>10.2f}" for tolerance in TOLERANCES))
    assert sum(sheet[0.001][name] for name in EXACT) < 0.02
    for name in sheet[0.05]:
        assert all(sheet[a][name] <= sheet[b][name] for a, b in pairwise(TOLERANCES))
        assert sheet[0.05][name] < 50
    assert sum(sheet[0.05][name] for name in EXACT) > 1


def all_hits(series: Series) -> list[Hits]:
    study = Study(series)
    return [entry(study) for entry in HARMONICS]


def test_harmonics_are_quick() -> None:
    """24 detectors on 900 bars, pivots and ATR included: a fraction of a millisecond, never 3 ms."""
    series = random_series(4, 900)
    all_hits(series)
    best = np.inf
    for _ in range(30):
        started = time.perf_counter()
        all_hits(series)
        best = min(best, time.perf_counter() - started)
    assert best < 0.003


def test_time_grows_with_the_bars_and_no_faster() -> None:
    """Ten times the bars take at most fifteen times as long."""
    short, long = random_series(4, 30_000), random_series(4, 300_000)
    all_hits(short)
    seconds = []
    for series in (short, long):
        runs = []
        for _ in range(3):
            started = time.perf_counter()
            all_hits(series)
            runs.append(time.perf_counter() - started)
        seconds.append(min(runs))
    assert seconds[1] < 15 * seconds[0]
