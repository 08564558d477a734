"""Comparisons that rounding must not decide.

On coarse price steps a close often lies exactly on a line, or a leg is exactly half of another. Which of two
such numbers comes out greater then hangs on the last bits of prices, and changes when all prices are
multiplied by a number. So a computed price or ratio counts as equal to what it is compared with if the two
differ by less than one part in a thousand million, as prices do when bars are checked. Prices of bars among
themselves are compared as they are: equal ones stay equal at any scale.
"""

from crypto_signals.compile_cache import njit

TIE = 1e-9


@njit(cache=True, nogil=True, error_model="numpy")
def is_above(a: float, b: float) -> bool:
    """Whether ``a`` is greater than ``b`` by more than a tie.

    >>> is_above(0.3, 0.1 + 0.2), is_above(0.1 + 0.2, 0.3), is_above(0.31, 0.3)
    (False, False, True)
    """
    return a > b + TIE * abs(b)


@njit(cache=True, nogil=True, error_model="numpy")
def at_least(a: float, b: float) -> bool:
    """Whether ``a`` is greater than ``b``, or tied with it.

    >>> at_least(0.3, 0.1 + 0.2), at_least(0.1 + 0.2, 0.3), at_least(0.29, 0.3)
    (True, True, False)
    """
    return a >= b - TIE * abs(b)
