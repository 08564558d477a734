"""The stationary bootstrap of calendar dates: what the means might have been.

Politis and Romano (1994): blocks of consecutive dates, of geometric length, joined end to end around the
circle of all dates. All instruments of a date move together, and a trade moves with its random entries, so
their dependence is kept. A repetition is a weight for each date: how often it was drawn.
"""

from dataclasses import dataclass

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.compile_cache import njit

REPETITIONS = 10_000
SEED = 1994
LEAST_BLOCK_DAYS = 10.0
LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class Resampling:
    """``dates`` is how many there are; ``block_days`` the mean length of a block, counted in them."""

    dates: int
    block_days: float
    repetitions: int = REPETITIONS
    seed: int = SEED

    @classmethod
    def over(cls, dates: int, holding_days: Floats, repetitions: int = REPETITIONS) -> "Resampling":
        """Blocks of twice the mean holding time (float64[n], in dates), and of ten days at least."""
        mean = float(holding_days.mean()) if len(holding_days) else 0.0
        return cls(dates, max(LEAST_BLOCK_DAYS, 2 * mean), repetitions)

    def means(self, date: Ints, row: Ints, rows: int, values: Floats) -> Floats:
        """The mean of each column of ``values`` (float64[n, c]) over the trades of each row, in each
        repetition (float64[repetitions, rows, c]). Trade i was entered on date number ``date[i]`` and
        belongs to row ``row[i]``. NaN values are left out; where nothing was drawn, the mean is NaN."""
        found = np.full((self.repetitions, rows, values.shape[1]), np.nan)
        if self.dates and len(date):
            cells, cell = np.unique(row * self.dates + date, return_inverse=True)
            known = ~np.isnan(values)
            total, count = (_by_cell(cell, column) for column in (np.where(known, values, 0.0), known))
            rng = np.random.default_rng(self.seed)
            _means(rng, self.dates, self.block_days, cells, total, count, found)
        return found


def _by_cell(cell: Ints, values: Floats | Bools) -> Floats:
    return np.column_stack([np.bincount(cell, column) for column in values.T])


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(rng: np.random.Generator, block_days: float, weights: Ints) -> None:
    """One repetition: how often each date was drawn."""
    dates = len(weights)
    weights[:] = 0
    left, at = dates, 0
    stay = np.log(1.0 - 1.0 / block_days) if block_days > 1 else -np.inf
    while left > 0:
        at = min(dates - 1, int(rng.random() * dates))
        length = min(left, 1 + int(np.log(1.0 - rng.random()) / stay))
        for _ in range(length):
            weights[at] += 1
            at = at + 1 if at + 1 < dates else 0
        left -= length


@njit(cache=True, nogil=True, error_model="numpy")
def _means(
    rng: np.random.Generator,
    dates: int,
    block_days: float,
    cells: Ints,
    totals: Floats,
    counts: Floats,
    found: Floats,
) -> None:
    """``totals`` and ``counts`` are those of the trades of each cell: a row on a date."""
    rows, columns = found.shape[1], found.shape[2]
    weights = np.zeros(dates, np.int64)
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns))
    for repetition in range(len(found)):
        _draw(rng, block_days, weights)
        total[:] = 0.0
        count[:] = 0.0
        for place in range(len(cells)):
            weight = weights[cells[place] % dates]
            if weight == 0:
                continue
            row = cells[place] // dates
            for column in range(columns):
                total[row, column] += weight * totals[place, column]
                count[row, column] += weight * counts[place, column]
        for row in range(rows):
            for column in range(columns):
                if count[row, column] > 0:
                    found[repetition, row, column] = total[row, column] / count[row, column]


def interval(means: Floats, enough: Bools) -> tuple[Floats, Floats]:
    """The 90 % percentile interval of each row (float64[rows]) of ``means`` (float64[repetitions, rows]).

    NaN where the row has not ``enough`` to say it (bool[rows]): one date drawn again and again tells nothing.
    """
    low, high = np.full(len(enough), np.nan), np.full(len(enough), np.nan)
    tails = (50 * (1 - LEVEL), 50 * (1 + LEVEL))
    for row in np.flatnonzero(enough).tolist():
        low[row], high[row] = np.nanpercentile(means[:, row], tails)
    return low, high


def dates_of(stamps: "np.ndarray[tuple[int], np.dtype[np.datetime64]]", days: Ints) -> Ints:
    """The numbers of the dates of ``stamps`` among ``days`` (int64, days since 1970, sorted)."""
    return np.searchsorted(days, stamps.astype("datetime64[D]").astype(np.int64))


def distinct_dates(row: Ints, date: Ints, rows: int) -> Ints:
    """On how many distinct dates the trades of each row were entered (int64[rows])."""
    if not len(date):
        return np.zeros(rows, np.int64)
    pairs = np.unique(row * (int(date.max()) + 1) + date)
    return np.bincount(pairs // (int(date.max()) + 1), minlength=rows)
