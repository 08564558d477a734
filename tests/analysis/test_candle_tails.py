"""Candlestick functions are asked about a few bars of each series: what they say is what they say of all."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import talib
from talib import abstract

from crypto_signals.analysis import joint
from crypto_signals.analysis.candle_sums import LEAD_BARS, LOOKBACK_BARS, forgets, rounded
from crypto_signals.analysis.joint import JointStudy
from crypto_signals.analysis.panel import Bools, Floats, Panel, Series
from crypto_signals.analysis.study import Candles, Study

from .bars import dated, random_series, real_series, shared_file

MARKETS = {"dev/crypto_daily": 2, "dev/equity_daily": 8, "dev/crypto_hourly": 3}
"""The files, and every how manieth symbol of each is read."""
FUNCTIONS = tuple(talib.get_function_groups()["Pattern Recognition"])


@cache
def market() -> tuple[Series, ...]:
    rows = []
    for file, step in MARKETS.items():
        names = pc.unique(pq.read_table(shared_file(f"{file}.parquet"), columns=["symbol"])["symbol"])
        rows += [real_series(file, name) for name in sorted(names.to_pylist())[::step]]
    return tuple(replace(row, symbol=f"{n}") for n, row in enumerate(rows) if len(row) > 600)


@cache
def coarse_market() -> tuple[Series, ...]:
    """Walks on steps of a tenth, which binary numbers miss, so that bodies often equal their average; at
    prices from 1e-8 to 1e8, side by side."""
    rows = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        steps = 400 + np.cumsum(rng.integers(-3, 4, 700))
        opened = np.concatenate((steps[:1], steps[:-1])) + rng.integers(-1, 2, 700)
        high = np.maximum(opened, steps) + rng.integers(0, 4, 700)
        low = np.minimum(opened, steps) - rng.integers(0, 4, 700)
        unit = 10.0 ** (seed % 17 - 8)
        prices = (column / 10 * unit for column in (opened, high, low, steps))
        rows.append(dated(f"{seed}", *prices, np.ones(700)))
    return tuple(rows)


def spiked(series: Series) -> Series:
    """The same with one early bar at a million times the price, which running sums do not forget."""
    high = series.high.copy()
    high[50] *= 1e6
    return replace(series, high=high)


def mixed_market() -> tuple[Series, ...]:
    return tuple(spiked(row) if number % 3 == 1 else row for number, row in enumerate(coarse_market()))


def of_asked(found: Candles) -> tuple[list[int], list[int]]:
    return found.bars[found.asked].tolist(), found.values[found.asked].tolist()


def expected(values: npt.NDArray[np.int32], asked: Bools) -> tuple[list[int], list[int]]:
    bars = np.flatnonzero(asked & (values != 0))
    return bars.tolist(), values[bars].tolist()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("rows", [market, coarse_market, mixed_market])
def test_the_tail_says_what_the_whole_says(rows: Callable[[], tuple[Series, ...]], function: str) -> None:
    """Bit for bit: of one series from some bar on, of many from some bar on, and at their last bars.

    On real bars; on coarse price steps with their ties, at prices from 1e-8 to 1e8 side by side; and beside
    series whose sums do not forget.
    """
    panel = Panel.of(rows())
    whole = np.concatenate([Study(series).candle(function) for series in panel])
    for study in (
        JointStudy(panel, 3),
        JointStudy(panel, warm_up=250),
        JointStudy(panel, 400, warm_up=250),
        JointStudy(panel, last_only=True, warm_up=250),
    ):
        assert of_asked(study.candles(function)) == expected(whole, study.asked)
    for number, series in enumerate(panel):
        here = whole[panel.offsets[number] : panel.offsets[number + 1]]
        for first in (5, 300 + 37 * number % (len(series) - 300), len(series) - 1):
            asked = np.arange(len(series)) >= first
            assert of_asked(Study(series, first).candles(function)) == expected(here, asked)


def test_sums_remember_a_spike_and_that_is_noticed() -> None:
    """Among the drawn series exactly those with a spike are told apart, and a hole in the bars is not
    trusted; the plain tail of a series with a spike says something else than the whole."""
    panel = Panel.of(mixed_market())
    columns = panel.open, panel.high, panel.low, panel.close
    assert forgets(columns, panel.offsets).tolist() == [number % 3 != 1 for number in range(60)]
    series = mixed_market()[0]
    with_hole = replace(series, close=np.where(np.arange(700) == 333, np.nan, series.close))
    assert not forgets(with_hole.prices, np.array([0, 700]))[0]
    moved = 0
    for series in mixed_market()[1::3]:
        tail = tuple(rounded(column[200:]) for column in series.prices)
        for function in FUNCTIONS:
            plain = getattr(talib, function)(*tail)
            moved += int((plain[LEAD_BARS:] != Study(series).candle(function)[200 + LEAD_BARS :]).sum())
    assert moved > 0


def test_series_without_bars_take_part() -> None:
    """Empty and short ones, first, last and alone."""
    empty, short = random_series(1, 0, symbol="E"), random_series(2, 3, symbol="S")
    for rows in ([empty], [short], [empty, coarse_market()[0], short], [coarse_market()[1], empty]):
        panel = Panel.of(rows)
        whole = np.concatenate([Study(series).candle("CDLDOJI") for series in panel])
        for study in (JointStudy(panel), JointStudy(panel, 2), JointStudy(panel, last_only=True)):
            assert of_asked(study.candles("CDLDOJI")) == expected(whole, study.asked)
        assert len(forgets((panel.open, panel.high, panel.low, panel.close), panel.offsets)) == len(rows)


def test_no_function_looks_back_further_than_it_is_shown() -> None:
    """By what TA-Lib says itself."""
    assert max(abstract.Function(function).lookback for function in FUNCTIONS) == LOOKBACK_BARS


def test_only_the_tail_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question about the last bar shows TA-Lib 18 bars a series, in one call."""
    shown: list[int] = []

    def count(*columns: Floats) -> npt.NDArray[np.int32]:
        shown.append(len(columns[0]))
        return np.zeros(len(columns[0]), np.int32)

    monkeypatch.setattr(joint.talib, "CDLDOJI", count)
    JointStudy(Panel.of(coarse_market()), last_only=True, warm_up=250).candles("CDLDOJI")
    Study(coarse_market()[0], 699).candles("CDLDOJI")
    assert shown == [60 * (LEAD_BARS + 1), LEAD_BARS + 1]
