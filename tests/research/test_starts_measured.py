"""How much of what is said depends on where history starts, measured on real bars, family by family."""

from functools import cache

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import talib

from analysis.bars import random_series, real_series, shared_file
from crypto_signals.analysis.candle_sums import rounded
from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import runs_on
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Family
from crypto_signals.research.starts import StartTally, compare_starts

MARKETS = {"dev/crypto_daily": 3, "dev/equity_daily": 14, "dev/crypto_hourly": 5}
"""The files, and every how manieth symbol of each is read."""
DROPS = 2
CANDLES = tuple(talib.get_function_groups()["Pattern Recognition"])
WARM = 250


@cache
def market() -> list[Series]:
    rows = []
    for file, step in MARKETS.items():
        names = pc.unique(pq.read_table(shared_file(f"{file}.parquet"), columns=["symbol"])["symbol"])
        rows += [real_series(file, name) for name in sorted(names.to_pylist())[::step]]
    return [series for series in rows if len(series) > 3 * WARM]


def drops(series: Series) -> list[int]:
    """The same numbers of bars to leave out every time, up to a third of the series."""
    return np.random.default_rng(len(series)).integers(1, len(series) // 3, DROPS).tolist()


@pytest.mark.parametrize("family", Family)
def test_at_most_one_detection_in_a_million_bars_moves(
    family: Family, capsys: pytest.CaptureFixture[str]
) -> None:
    """Candlesticks: none. On pivots: none that begins after four pivots that both histories have."""
    total, bars = StartTally(), 0
    for series in market():
        for drop in drops(series):
            bars += len(series) - drop - WARM
            for entry in CATALOGUE:
                if entry.family is family and runs_on(entry, series):
                    total = total.plus(compare_starts(series, entry, drop))
    total = total._replace(bars=bars)
    with capsys.disabled():
        print(f"\n{family.value}: {total.detail}")
    assert total.detections > 1000
    assert total.passed
    assert family is not Family.CANDLESTICK or total.differing == 0


@pytest.mark.parametrize("function", CANDLES)
def test_candlestick_functions_forget_where_history_starts(function: str) -> None:
    """Bit for bit the same once warm, on the coarse price steps of hourly crypto too."""
    for series in market()[-3:]:
        whole = Study(series).candle(function)
        for drop in drops(series):
            assert np.array_equal(Study(series[drop:]).candle(function)[WARM:], whole[drop + WARM :])


def test_without_rounding_they_do_not() -> None:
    """TA-Lib's own sums remember: that is what the rounding is for."""
    moved = 0
    for series in market()[-3:]:
        columns = series.open, series.high, series.low, series.close
        for function in CANDLES:
            call = getattr(talib, function)
            whole = call(*columns)
            for drop in drops(series):
                part = call(*(column[drop:] for column in columns))
                moved += int((part[WARM:] != whole[drop + WARM :]).sum())
    assert moved > 0


def test_rounded_prices_are_the_nearest_of_48_bits() -> None:
    """Within half a step, in the same order, equal where they were equal, the same at any power of two."""
    prices = np.sort(random_series(3, 5000).close)
    found = rounded(prices)
    mantissa, _ = np.frexp(found)
    assert (mantissa * 2.0**48 == np.rint(mantissa * 2.0**48)).all()
    assert np.abs(found / prices - 1).max() <= 2.0**-48
    assert (np.diff(found) >= 0).all()
    assert np.array_equal(rounded(found), found)
    assert np.array_equal(rounded(prices * 2.0**-40), found * 2.0**-40)
    assert np.array_equal(rounded(-prices), -found)
