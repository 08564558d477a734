"""Confirmed pivots: planted cases, the order of events inside a bar, and causality."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crypto_signals.analysis.panel import Floats
from crypto_signals.analysis.pivots import (
    HIGH,
    LOW,
    Pivots,
    atr_reversal,
    find_pivots,
    percentage_reversal,
    provisional_extreme,
)
from crypto_signals.analysis.study import Study

from .bars import real_series


def pivots(high: list[float], low: list[float], reversal: float = 5.0) -> list[tuple[int, float, int, int]]:
    """The pivots of bars with a constant reversal, as (index, price, kind, confirmed_at)."""
    columns = np.array(high, np.float64), np.array(low, np.float64)
    return rows(find_pivots(*columns, np.full(len(high), reversal)))


def rows(found: Pivots) -> list[tuple[int, float, int, int]]:
    return list(zip(*(column.tolist() for column in found.columns), strict=True))


def test_a_swing_is_confirmed_when_the_market_has_come_back_far_enough() -> None:
    """High at bar 2, confirmed at bar 4; low at bar 5, confirmed at bar 7."""
    high = [101.0, 104, 110, 109, 106, 103, 104, 107]
    low = [100.0, 102, 108, 106, 104, 101, 103, 105]
    assert pivots(high, low) == [(0, 100.0, LOW, 2), (2, 110.0, HIGH, 4), (5, 101.0, LOW, 7)]


def test_the_first_pivot_is_the_extreme_and_not_the_first_bar() -> None:
    """A market that first creeps up and then falls has its first pivot at the top."""
    high = [101.0, 102, 103, 102, 98]
    low = [100.0, 101, 102, 100, 96]
    assert pivots(high, low) == [(2, 103.0, HIGH, 4)]


def test_a_bar_that_extends_and_reverses_confirms_nothing() -> None:
    """Bar 2 makes a new high and falls 9 below it: the high counts, the turn is known at bar 3."""
    high = [100.0, 106, 112, 111]
    low = [99.0, 104, 103, 106]
    assert pivots(high[:3], low[:3]) == [(0, 99.0, LOW, 1)]
    assert pivots(high, low) == [(0, 99.0, LOW, 1), (2, 112.0, HIGH, 3)]


def test_the_bar_after_an_outside_bar_may_stay_inside() -> None:
    """After a bar that extended and reversed, a bar that has not come back far enough confirms nothing."""
    high = [100.0, 106, 112, 111]
    low = [99.0, 104, 103, 108]
    assert pivots(high, low) == [(0, 99.0, LOW, 1)]


def test_of_equal_highs_the_first_counts() -> None:
    """A second touch of the same high does not move the pivot."""
    assert pivots([100.0, 106, 110, 110, 106], [99.0, 104, 108, 108, 103])[-1] == (2, 110.0, HIGH, 4)


def test_bars_without_a_reversal_are_not_looked_at() -> None:
    """While ATR is not warm no swing starts, and a market that never moves has no pivot."""
    high, low = np.array([100.0, 120, 100, 106]), np.array([90.0, 110, 95, 99])
    assert rows(find_pivots(high, low, np.array([np.nan, np.nan, 5.0, 5.0]))) == [(2, 95.0, LOW, 3)]
    assert not len(find_pivots(np.full(50, 7.0), np.full(50, 7.0), np.zeros(50)))


def test_the_running_extreme_is_provisional() -> None:
    """It is the extreme since the last pivot, and there is none before the first."""
    high, low = np.array([101.0, 104, 110]), np.array([100.0, 102, 108])
    reversal = np.full(3, 5.0)
    assert provisional_extreme(high, low, reversal) == (2, 110.0, HIGH)
    assert provisional_extreme(high[:2], low[:2], reversal[:2]) is None


def test_reversals_are_measured_at_the_extreme() -> None:
    """A percentage reversal is a part of the bar's mid-price; an ATR reversal a multiple of its ATR."""
    assert percentage_reversal(np.array([110.0]), np.array([90.0]), 0.05).tolist() == [5.0]
    assert atr_reversal(np.array([2.0]), 1.5).tolist() == [3.0]


def test_upside_down_bars_have_upside_down_pivots() -> None:
    """Negated bars give the same pivots with the kinds exchanged."""
    study = Study(real_series("demo/crypto_daily", "BTC/USD"))
    bars, reversal = study.series, 2 * study.atr()
    upright, mirrored = (
        find_pivots(bars.high, bars.low, reversal),
        find_pivots(-bars.low, -bars.high, reversal),
    )
    assert len(upright) > 100
    assert upright.index.tolist() == mirrored.index.tolist()
    assert upright.kind.tolist() == (-mirrored.kind).tolist()


steps = arrays(
    np.float64, st.integers(0, 80), elements=st.sampled_from([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0])
)


@given(steps, st.floats(0.5, 8), st.data())
@settings(max_examples=150, deadline=None)
def test_pivots_alternate_and_never_move(path: Floats, reversal: float, data: st.DataObject) -> None:
    """Kinds alternate, each is known after it happened, and a prefix knows a prefix of the pivots."""
    middle = 100 + np.cumsum(path)
    spread = data.draw(arrays(np.float64, len(path), elements=st.sampled_from([0.25, 1.0, 3.0])))
    high, low, reversals = middle + spread, middle - spread, np.full(len(path), reversal)
    found = find_pivots(high, low, reversals)
    assert (found.kind[1:] == -found.kind[:-1]).all()
    assert (found.confirmed_at > found.index).all()
    assert (np.diff(found.index) > 0).all()
    assert (np.diff(found.confirmed_at) > 0).all()
    assert (found.price == np.where(found.kind > 0, high[found.index], low[found.index])).all()
    cut = data.draw(st.integers(0, len(path)))
    known = rows(find_pivots(high[:cut], low[:cut], reversals[:cut]))
    assert known == [pivot for pivot in rows(found) if pivot[3] < cut]
