"""A whole panel at once: what each series would say alone, bit for bit, on any number of cores."""

import json
import threading
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from crypto_signals.analysis import panel_pool
from crypto_signals.analysis.catalogue import CATALOGUE, catalogue
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.detections import Detection, Hits
from crypto_signals.analysis.detector import Detector, detector
from crypto_signals.analysis.joint import JointStudy
from crypto_signals.analysis.panel import Panel, as_ts64
from crypto_signals.analysis.panel_pool import scan_panel
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family
from crypto_signals.engine.detection_lines import detection_lines
from crypto_signals.engine.views import detection_view

from .bars import random_series, real_series

LENGTHS = (420, 0, 1, 700, 251, 250, 249, 30, 1500)
ALL = tuple(CATALOGUE)


@cache
def panel() -> Panel:
    """Drawn and real series of many lengths, some of them crypto, with suspect bars."""
    rows = [
        random_series(seed, bars, symbol=f"S{seed:02}" + "/USD" * (seed % 2))
        for seed, bars in enumerate(LENGTHS * 2)
    ]
    rows += [
        real_series("demo/equity_daily", "IBM")[:1200],
        real_series("demo/crypto_daily", "BTC/USD")[:900],
        real_series("demo/crypto_hourly", "ETH/USD")[:1500],
    ]
    return Panel.of(replace(row, suspect=np.arange(len(row)) % 37 == 5) for row in rows)


@cache
def one_by_one() -> list[Detection]:
    return [found for series in panel() for found in detect(series, ALL)]


def odd_detector() -> Detector:
    """One of a user's own, on every 50th bar; the number of its anchors changes from series to series."""

    def find(study: Study) -> Hits:
        index = np.arange(0, len(study), 50)
        anchors = np.repeat(index[:, None], 1 + len(study) % 2, axis=1)
        return Hits.of(
            index,
            strength=study.rsi()[index],
            duration_bars=np.zeros(len(index), np.int64),
            anchors=anchors,
            anchor_prices=study.series.close[anchors],
            labels=("here", "there")[: anchors.shape[1]],
        )

    return detector("odd", family=Family.CANDLESTICK, direction=Direction.LONG, definition=".", source="-")(
        find
    )


def test_a_panel_says_what_its_series_say() -> None:
    """Every detector, every field, in the same order."""
    found = scan_panel(panel(), ALL)
    assert len(one_by_one()) > 5000
    assert {d.family for d in one_by_one()} == set(Family)
    assert list(found) == one_by_one()
    assert len(found) == len(one_by_one())


@pytest.mark.parametrize("bars", [1, 1000, 4000])
def test_blocks_do_not_show(bars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the panel is cut, the answer is the same."""
    monkeypatch.setattr(panel_pool, "BLOCK_BARS", bars)
    assert list(scan_panel(panel(), ALL, processes=1)) == one_by_one()


def test_two_processes_say_what_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked workers; the user's own detectors stay at home, and their hits take their place in the order."""
    monkeypatch.setattr(panel_pool, "BLOCK_BARS", 3000)
    both = (odd_detector(), *ALL)
    alone = scan_panel(panel(), both, processes=1, with_confluence=True)
    shared = scan_panel(panel(), both, processes=2, with_confluence=True)
    assert list(shared) == list(alone) == [d for series in panel() for d in detect(series, both)]
    assert shared.readings == alone.readings
    assert len(alone) > len(one_by_one())


def test_workers_that_start_anew_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside another thread nothing is forked."""
    monkeypatch.setattr(panel_pool, "BLOCK_BARS", 6000)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert list(scan_panel(panel(), ALL, processes=2)) == one_by_one()
    finally:
        done.set()
        thread.join()


def test_only_what_is_asked_for() -> None:
    """From a bar on, or of the last bar of each series."""
    late = [found for found in one_by_one() if found.index >= 400]
    assert list(scan_panel(panel(), ALL, first=400)) == late
    last = [d for row in panel() if len(row) for d in detect(row, ALL, len(row) - 1)]
    assert last
    assert list(scan_panel(panel(), ALL, last_only=True)) == last
    own = (odd_detector(),)
    last = [d for row in panel() if len(row) for d in detect(row, own, len(row) - 1)]
    assert list(scan_panel(panel(), own, last_only=True)) == last


def test_an_empty_panel_says_nothing() -> None:
    """No series, or series without bars."""
    assert list(scan_panel(Panel.of([]), ALL)) == []
    assert list(scan_panel(Panel.of([random_series(1, 0)]), ALL, with_confluence=True)) == []


def test_readings_are_those_of_the_last_bar() -> None:
    """The same as asking for each series."""
    found = scan_panel(panel(), ALL[:1], with_confluence=True).readings
    for row in panel():
        if len(row):
            assert found[row.symbol] == confluence(Study(row), len(row) - 1)


@pytest.mark.parametrize("last_only", [False, True])
def test_lines_are_the_bytes_of_the_view(last_only: bool) -> None:
    """The JSON of each detection, key by key and digit by digit."""
    found = scan_panel(panel(), ALL, last_only=last_only)
    slow = [json.dumps(detection_view(row), ensure_ascii=False, allow_nan=False) for row in found]
    assert list(detection_lines(found)) == slow


def test_lines_between_two_times() -> None:
    """The first moment counts, the last does not."""
    found = scan_panel(panel(), ALL)
    since, until = one_by_one()[50].ts, one_by_one()[900].ts
    wanted = [row for row in found if since <= row.ts < until]
    assert list(found.between(as_ts64(since), as_ts64(until))) == wanted
    assert len(list(detection_lines(found, as_ts64(since), as_ts64(until)))) == len(wanted)


def test_lines_refuse_what_json_does_not_have() -> None:
    """A strength that is not a number is an error, not a broken line."""
    series = random_series(1, 400)
    odd = odd_detector()
    spoilt = replace(odd, find=lambda study: replace(odd.find(study), strength=np.full(8, np.inf)))
    with pytest.raises(ValueError, match="odd on RANDOM"):
        list(detection_lines(scan_panel(Panel.of([series]), [spoilt])))


def test_indicators_lie_end_to_end() -> None:
    """Whatever a study can be asked, a joint study gives for each of its series."""
    rows = [random_series(seed, bars, symbol=f"S{seed}") for seed, bars in enumerate((400, 300, 0, 500))]
    joint = JointStudy(Panel.of(rows))
    for name, arguments in (("rsi", ()), ("ema", (50,)), ("atr", ()), ("obv_slope", ()), ("trail", (1,))):
        alone = np.concatenate([getattr(Study(row), name)(*arguments) for row in rows])
        assert np.array_equal(getattr(joint, name)(*arguments), alone, equal_nan=True)
    for row, start in zip(rows, joint.offsets.tolist(), strict=False):
        bars = slice(start, start + len(row))
        assert np.array_equal(joint.macd().signal[bars], Study(row).macd().signal, equal_nan=True)
        pivots, place = Study(row).pivots(2.0), rows.index(row)
        mine = slice(joint.pivots(2.0).starts[place], joint.pivots(2.0).starts[place + 1])
        assert np.array_equal(joint.pivots(2.0).index[mine] - start, pivots.index)


def test_workers_know_the_tolerance() -> None:
    """Detectors of another harmonic tolerance say the same on any number of cores, and more than usual."""
    wide = tuple(catalogue(0.1))
    one, two = (list(scan_panel(panel(), wide, processes=count)) for count in (1, 2))
    assert one == two
    assert len(one) > len(one_by_one())
