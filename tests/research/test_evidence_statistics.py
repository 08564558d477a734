"""The arithmetic behind verdicts, held against slower readings of the same formulas."""

from collections.abc import Callable

import numpy as np
import pytest

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.research.resampling import Resampling, distinct_dates, interval
from crypto_signals.research.shrinkage import shrunk_lower_end
from crypto_signals.research.stepdown import step_down


def drawn_trades(seed: int, dates: int = 400, count: int = 900, rows: int = 3) -> tuple[Ints, Ints, Floats]:
    """Dates, rows and results of trades whose results move together within a date and for some days."""
    rng = np.random.default_rng(seed)
    common = np.convolve(rng.normal(size=dates + 9), np.ones(10) / 10, mode="valid")
    date, row = np.sort(rng.integers(0, dates, count)), rng.integers(0, rows, count)
    return date, row, (common[date] * 2 + rng.normal(size=count))[:, None]


def test_a_repetition_weighs_dates_and_sums_to_all_of_them() -> None:
    """The mean of a constant is that constant, and that of the date number is near the middle one."""
    date = np.arange(200)
    values = np.column_stack([np.full(200, 7.0), date.astype(float)])
    means = Resampling(200, 12.0, 500).means(date, np.zeros(200, np.int64), 1, values)
    assert np.allclose(means[:, 0, 0], 7.0)
    assert abs(means[:, 0, 1].mean() - 99.5) < 2


def test_blocks_have_the_length_asked_for() -> None:
    """Of dates drawn once each, the next one follows with a chance of one less one over the block length."""
    dates, block = 5000, 20.0
    date = np.arange(dates)
    weights = Resampling(dates, block, 1, seed=3).means(date, date, dates, np.ones((dates, 1)))
    drawn = ~np.isnan(weights[0, :, 0])
    assert 0.5 < drawn.mean() < 0.75
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], drawn.astype(int), [0]]))))[::2]
    assert 12 < runs.mean() < 45


def test_missing_values_are_left_out_of_their_column_alone() -> None:
    """A trade without a baseline still counts for its result."""
    date = np.arange(50)
    values = np.column_stack([np.ones(50), np.where(date % 2, 3.0, np.nan)])
    means = Resampling(50, 10.0, 50).means(date, np.zeros(50, np.int64), 1, values)
    assert np.allclose(means[:, 0], [1.0, 3.0])


def test_the_same_seed_draws_the_same() -> None:
    """Two calls agree bit for bit; another seed does not."""
    date, row, values = drawn_trades(1)
    first, again = (Resampling(400, 15.0, 200).means(date, row, 3, values) for _ in range(2))
    assert (first == again).all()
    assert (Resampling(400, 15.0, 200, seed=2).means(date, row, 3, values) != first).any()


def test_intervals_cover_what_they_promise(record_property: Callable[[str, object], None]) -> None:
    """On results that hang together for ten days, nine intervals of ten hold the true mean, or nearly."""
    covered = naive = 0
    trials = 150
    for seed in range(trials):
        date, row, values = drawn_trades(seed, rows=1)
        means = Resampling(400, 20.0, 400).means(date, row, 1, values)
        low, high = interval(means[:, :, 0], np.array([True]))
        covered += bool(low[0] <= 0 <= high[0])
        error = 1.645 * values.std() / np.sqrt(len(values))
        naive += bool(abs(values.mean()) <= error)
    said = f"{covered / trials:.0%}; {naive / trials:.0%} if trades were independent"
    record_property("figure", f"dated 90 % intervals hold the mean in {said}")
    assert 0.80 <= covered / trials <= 0.96
    assert naive < covered


def slow_step_down(estimate: Floats, resampled: Floats) -> Floats:
    """Romano and Wolf's algorithm, as they write it: the largest out, then the rest again."""
    error = resampled.std(axis=0, ddof=1)
    t, surprise = estimate / error, (resampled - estimate) / error
    left, found, floor = list(range(len(t))), np.zeros(len(t)), 0.0
    while left:
        best = max(left, key=lambda row: t[row])
        reached = sum(max(line[row] for row in left) >= t[best] for line in surprise)
        floor = max(floor, (1 + reached) / (1 + len(surprise)))
        found[best] = floor
        left.remove(best)
    return found


def test_step_down_is_the_algorithm_of_its_paper() -> None:
    """Adjusted p-values equal those of the slow loop, and never lie below the single ones."""
    rng = np.random.default_rng(4)
    shared = rng.normal(size=(300, 1))
    estimate = np.array([0.3, 2.5, -1.0, 1.9, 0.0])
    resampled = estimate + rng.normal(size=(300, 5)) * [1, 1, 2, 0.5, 1] + shared
    p = step_down(estimate, resampled)
    assert np.allclose(p.adjusted, slow_step_down(estimate, resampled))
    assert (p.adjusted >= p.single).all()


def test_what_never_varies_is_no_find() -> None:
    """A row whose resampled estimates are all equal has the p-value 1, and disturbs no other."""
    rng = np.random.default_rng(4)
    noisy = rng.normal(size=(200, 1)) + 5
    alone = step_down(np.array([5.0]), noisy)
    both = step_down(np.array([5.0, 9.0]), np.column_stack([noisy, np.full(200, 9.0)]))
    assert both.adjusted[1] == both.single[1] == 1
    assert both.adjusted[0] == alone.adjusted[0]
    assert len(step_down(np.empty(0), np.empty((9, 0))).single) == 0


@pytest.mark.parametrize("planted", [0.0, 0.9])
def test_false_finds_are_rare_and_true_ones_are_not(planted: float) -> None:
    """Twelve rows that hang together: any find on noise is about one market in twenty's."""
    finds = 0
    for seed in range(100):
        date, row, values = drawn_trades(seed, dates=1500, count=3000, rows=12)
        values[row == 5] += planted
        means = Resampling(1500, 20.0, 300).means(date, row, 12, values)[:, :, 0]
        mean = np.bincount(row, values[:, 0], 12) / np.bincount(row, minlength=12)
        finds += bool((step_down(mean, means).adjusted <= 0.05).any())
    assert finds >= 85 if planted else finds <= 12, finds


def lower_ends(mean: list[float], n: list[int], pool: list[int]) -> list[float]:
    """Of groups whose trades have a variance of one, each worth itself."""
    counts = np.array(n)
    found = shrunk_lower_end(np.array(mean), np.ones(len(n)), counts, counts.astype(float), np.array(pool))
    return found.tolist()


def test_what_was_measured_less_ranks_lower() -> None:
    """Of two groups with the same mean the one with fewer trades is surer of less; and a few good trades do
    not beat many."""
    many, few, other = lower_ends([0.5, 0.5, -0.5], [400, 10, 300], [0, 0, 0])
    assert many > few > other
    steady, lucky, _ = lower_ends([0.4, 1.5, -0.2], [300, 2, 300], [0, 0, 0])
    assert steady > lucky


def test_shrinkage_is_the_formula_of_the_rules() -> None:
    """(n_eff × mean + k × pool) / (n_eff + k), less 1.645 standard errors of that."""
    mean, n = np.array([1.0, -1.0, 0.5]), np.array([1000, 20, 300])
    found = np.array(lower_ends(mean.tolist(), n.tolist(), [0, 0, 0]))
    weight, centre = n / 1.0, (n * mean).sum() / n.sum()
    spread = (weight * (mean - centre) ** 2).sum() - 2
    between = spread / (weight.sum() - (weight**2).sum() / weight.sum())
    k = 1.0 / between
    assert np.allclose(found, (n * mean + k * centre) / (n + k) - 1.645 * np.sqrt(1 / (n + k)))


def test_a_group_without_trades_has_no_rank() -> None:
    """Nor has one trade alone; a pool of one group keeps its own mean."""
    alone, none, single = lower_ends([0.4, 0.0, 0.3], [50, 0, 1], [0, 0, 1])
    assert np.isclose(alone, 0.4 - 1.645 / np.sqrt(50))
    assert np.isnan(none)
    assert np.isnan(single)


def test_distinct_dates_are_counted_by_row() -> None:
    """Two trades of a date count once."""
    row, date = np.array([0, 0, 0, 2]), np.array([5, 5, 6, 5])
    assert distinct_dates(row, date, 3).tolist() == [2, 0, 1]
    assert distinct_dates(row[:0], date[:0], 3).tolist() == [0, 0, 0]
