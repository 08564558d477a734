"""The account, bar by bar: what is entered, in which size, what is filled, and what it is all worth."""

import numpy as np
from numba import njit

from crypto_signals.analysis.panel import Bools, Floats, Ints

TAKEN, ALL_TAKEN, NO_MONEY, TOO_SMALL = range(4)
_EDGE = 1e-9
"""Sizes are whole steps; a quotient that lies this close below one has reached it."""


@njit(cache=True, nogil=True, error_model="numpy")
def keep(
    stamps: int,
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
    capital: float,
    risk_share: float,
    most: int,
    size: Floats,
    profit: Floats,
    answer: Ints,
    worth: Floats,
    invested: Floats,
) -> None:
    """Trades n entries, sorted by ``entry_stamp`` (number of the bar's stamp among all), one row each.

    ``fill_*`` [n, 3] are the parts that were closed (stamp -1: none); ``close`` are the closes of all series
    end to end, of which ``last_row`` [series, stamps] is the newest known (-1: none yet). Fills ``size``,
    ``profit`` and ``answer`` [n], and ``worth`` and ``invested`` (USD, [stamps]) at each close.
    """
    cash, held = capital, 0
    open_rows, fills = np.empty(most, np.int64), np.zeros(len(side), np.int64)
    left = np.ones(len(side))
    following = 0
    value = cash
    for now in range(stamps):
        while following < len(side) and entry_stamp[following] == now:
            row = following
            following += 1
            value, notional = _marked(cash, open_rows[:held], series, side, size, left, entry_fill, close, last_row, now)
            if held == most:
                answer[row] = ALL_TAKEN
                continue
            wanted = np.floor(max(0.0, value * risk_share) / risk[row] / step[row] + _EDGE) * step[row]
            paid = np.floor(max(0.0, value - notional) / entry_fill[row] / step[row] + _EDGE) * step[row]
            size[row] = min(wanted, paid)
            if size[row] <= 0:
                answer[row] = NO_MONEY if wanted > 0 else TOO_SMALL
                continue
            answer[row] = TAKEN
            open_rows[held] = row
            held += 1
            fee = cost_rate[row] * entry_fill[row] * size[row]
            cash -= fee
            profit[row] -= fee
        place = 0
        while place < held:
            row = open_rows[place]
            while fills[row] < 3 and fill_stamp[row, fills[row]] >= 0 and fill_stamp[row, fills[row]] <= now:
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
            else:
                place += 1
        value, notional = _marked(cash, open_rows[:held], series, side, size, left, entry_fill, close, last_row, now)
        worth[now], invested[now] = value, notional


@njit(cache=True, nogil=True, error_model="numpy")
def _marked(
    cash: float,
    open_rows: Ints,
    series: Ints,
    side: Floats,
    size: Floats,
    left: Floats,
    entry_fill: Floats,
    close: Floats,
    last_row: Ints,
    now: int,
) -> tuple[float, float]:
    """What the account is worth, and what of it is invested, if all were closed at the last known closes."""
    value, notional = cash, 0.0
    for row in open_rows:
        price = close[last_row[series[row], now]]
        value += size[row] * left[row] * (price - entry_fill[row]) * side[row]
        notional += size[row] * left[row] * price
    return value, notional
