"""The account, bar by bar: what is entered, in which size, what is filled, and what it is all worth."""

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.compile_cache import njit

TAKEN, ALL_TAKEN, NO_MONEY, TOO_SMALL = range(4)
_EDGE = 1e-9
"""Sizes are whole steps; a quotient that lies this close below one has reached it."""


@njit(cache=True, nogil=True, error_model="numpy")
def keep(
    entry_stamp: Ints,
    series: Ints,
    side: Floats,
    risk: Floats,
    cost_rate: Floats,
    step: Floats,
    entry_fill: Floats,
    fill_stamp: Ints,
    fill_price: Floats,
    fill_fraction: Floats,
    ended: Bools,
    close: Floats,
    last_row: Ints,
    terms: tuple[float, float, int],
    found: tuple[Floats, Floats, Ints, Floats, Floats],
) -> None:
    """Trades n entries, sorted by ``entry_stamp`` (number of the bar's stamp among all), one row each.

    ``fill_*`` [n, 3] are the parts that were closed (stamp -1: none); ``close`` are the closes of all series
    end to end, of which ``last_row`` [series, stamps] is the newest known. ``terms``: capital in USD, the
    share of the worth at risk, and how many positions at most. Fills what was ``found``: size, profit and
    answer of each entry, and worth and investment (USD) at each stamp. A size is decided at the open, by what
    the closes before it were.
    """
    capital, risk_share, most = terms
    size, profit, answer, worth, invested = found
    cash, held, following = capital, 0, 0
    open_rows, fills = np.empty(most, np.int64), np.zeros(len(side), np.int64)
    left = np.ones(len(side))
    for now in range(len(worth)):
        while following < len(side) and entry_stamp[following] == now:
            row = following
            following += 1
            value, notional = cash, 0.0
            for other in open_rows[:held]:
                price = entry_fill[other]
                if entry_stamp[other] < now:
                    price = close[last_row[series[other], now - 1]]
                value += size[other] * left[other] * (price - entry_fill[other]) * side[other]
                notional += size[other] * left[other] * price
            if held == most:
                answer[row] = ALL_TAKEN
                continue
            wanted = _steps(max(0.0, value * risk_share) / risk[row], step[row])
            paid = max(0.0, value - notional) / (entry_fill[row] * (1 + cost_rate[row]))
            size[row] = min(wanted, _steps(paid, step[row]))
            if size[row] <= 0:
                answer[row] = NO_MONEY if wanted > 0 else TOO_SMALL
                continue
            open_rows[held] = row
            held += 1
            fee = cost_rate[row] * entry_fill[row] * size[row]
            cash -= fee
            profit[row] -= fee
        place, value, notional = 0, 0.0, 0.0
        while place < held:
            row = open_rows[place]
            while fills[row] < 3 and 0 <= fill_stamp[row, fills[row]] <= now:
                part = fills[row]
                price, share = fill_price[row, part], fill_fraction[row, part]
                gain = (price - entry_fill[row]) * side[row] - cost_rate[row] * price
                cash += size[row] * share * gain
                profit[row] += size[row] * share * gain
                left[row] -= share
                fills[row] = part + 1
            if ended[row] and (fills[row] == 3 or fill_stamp[row, fills[row]] < 0):
                held -= 1
                for later in range(place, held):
                    open_rows[later] = open_rows[later + 1]
                continue
            price = close[last_row[series[row], now]]
            value += size[row] * left[row] * (price - entry_fill[row]) * side[row]
            notional += size[row] * left[row] * price
            place += 1
        worth[now], invested[now] = cash + value, notional


@njit(cache=True, nogil=True, error_model="numpy")
def _steps(units: float, step: float) -> float:
    """``units`` rounded down to whole steps."""
    whole: float = np.floor(units / step + _EDGE) * step
    return whole
