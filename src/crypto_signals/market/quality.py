"""What is wrong with bars, said of each bar from itself and the bars before it.

Invalid bars are removed, suspect ones stay but may open nothing; both are reported. Rows that repeat a bar
in every value are merged in silence: nothing is lost with them.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import isinf, isnan

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import Series, as_datetime
from crypto_signals.domain.bars import BarFault, BarProblem
from crypto_signals.domain.wording import counted
from crypto_signals.market.raw import VALUES, RawBars

JUMP = 3.0
ROUNDING = 1e-9
_SHRUNK = 1 - ROUNDING
_NUMBERS = re.compile(r"[-+]?\d[\d.e+-]*")
_EFFECTS = {
    BarFault.INVALID: "removed",
    BarFault.SUSPECT: "may open nothing",
}

Bools = NDArray[np.bool_]


def checked(symbol: str, raw: RawBars) -> tuple[Series, list[BarProblem]]:
    """The valid bars in the order of their stamps, and what was wrong with others, in that order too.

    Invalid: a missing, infinite or non-positive price, a high below or a low above another price, a missing,
    infinite or negative volume, a stamp whose rows disagree (all of them go), a row without a stamp. Prices
    that differ by less than one part in a thousand million count as equal there: adjusting for splits and
    dividends leaves such rounding in the last digits.
    Suspect: a close more than three times the valid close before it, or less than a third of it; a bar equal
    to the one before in all values, volume included, also where that is zero: it shows no trading.
    """
    problems = list(_unstamped(symbol, raw))
    bars = _sorted(raw.take(~np.isnat(raw.ts)) if problems else raw)
    bars, conflicts = _merged(symbol, bars)
    valid = _valid(bars)
    found = conflicts
    if not valid.all():
        found += [_problem(symbol, bars, row, BarFault.INVALID, defect(bars, row)) for row in _rows(~valid)]
        bars = bars.take(valid)
    jumps, repeats = _jumps(bars), _repeats(bars)
    found += [_problem(symbol, bars, row, BarFault.SUSPECT, _jump(bars, row)) for row in _rows(jumps)]
    found += [
        _problem(symbol, bars, row, BarFault.SUSPECT, "repeats the bar before") for row in _rows(repeats)
    ]
    found.sort(key=_stamp)
    series = Series.of(
        symbol, bars.ts, (bars.open, bars.high, bars.low, bars.close), bars.volume, jumps | repeats
    )
    return series, problems + found


def defect(bars: RawBars, row: int) -> str:
    """The first thing that is wrong with a bar, with its numbers; empty if nothing is.

    >>> stamp = np.array(["2021-01-04"], "datetime64[us]")
    >>> prices = [np.array([price]) for price in (33.9, 33.95, 33.8, 33.99, 120.0)]
    >>> defect(RawBars(stamp, *prices), 0)
    'high 33.95 is below close 33.99'
    """
    bar = {name: float(column[row]) for name, column in zip(VALUES, bars.values, strict=True)}
    for name, value in bar.items():
        if isnan(value):
            return f"{name} is missing"
        if isinf(value):
            return f"{name} is infinite"
    volume = bar.pop("volume")
    for name, value in bar.items():
        if value <= 0:
            return f"{name} {_number(value)} is not above zero"
    highest, lowest = max(bar, key=bar.__getitem__), min(bar, key=bar.__getitem__)
    if bar["high"] < bar[highest] * _SHRUNK:
        return f"high {_number(bar['high'])} is below {highest} {_number(bar[highest])}"
    if bar["low"] * _SHRUNK > bar[lowest]:
        return f"low {_number(bar['low'])} is above {lowest} {_number(bar[lowest])}"
    return f"volume {_number(volume)} is negative" if volume < 0 else ""


def summarise(problems: Iterable[BarProblem]) -> list[str]:
    """For people: a line for each symbol and kind of defect, with the count and the first bar's numbers.

    >>> when = datetime.fromisoformat("2021-11-16T00:00Z")
    >>> summarise([BarProblem("WETH/USD", when, BarFault.INVALID, "low 0.0 is not above zero")])
    ['WETH/USD: 1 bar removed: low 0.0 is not above zero (2021-11-16)']
    """
    groups: dict[tuple[str, BarFault, str], list[BarProblem]] = {}
    for problem in problems:
        each = problem.kind is BarFault.UNADJUSTED
        defect_of = f"{problem.ts} {problem.detail}" if each else _NUMBERS.sub("#", problem.detail)
        key = (problem.symbol, problem.kind, defect_of)
        groups.setdefault(key, []).append(problem)
    return [_line(group) for _, group in sorted(groups.items(), key=lambda item: item[0][0])]


def _line(group: list[BarProblem]) -> str:
    first = group[0]
    when = "" if first.ts is None else f"{first.ts:%Y-%m-%d %H:%M} UTC".removesuffix(" 00:00 UTC")
    if first.kind is BarFault.UNADJUSTED:
        return f"{first.symbol}: {when} {first.detail}"
    text = f"{first.symbol}: {counted(len(group), 'bar')} {_EFFECTS[first.kind]}: {first.detail}"
    if not when:
        return text
    return f"{text} ({'' if len(group) == 1 else 'first: '}{when})"


def _unstamped(symbol: str, raw: RawBars) -> Iterator[BarProblem]:
    for _ in range(int(np.isnat(raw.ts).sum())):
        yield BarProblem(symbol, None, BarFault.INVALID, "a row has no time stamp")


def _sorted(bars: RawBars) -> RawBars:
    stamps = bars.ts.view(np.int64)
    if (stamps[1:] >= stamps[:-1]).all():
        return bars
    return bars.take(np.argsort(stamps, kind="stable"))


def _merged(symbol: str, bars: RawBars) -> tuple[RawBars, list[BarProblem]]:
    """One row a stamp: of equal rows the first, of rows that disagree none."""
    stamps = bars.ts.view(np.int64)
    repeated = stamps[1:] == stamps[:-1]
    if not repeated.any():
        return bars, []
    first = np.concatenate([[True], ~repeated])
    group = np.cumsum(first) - 1
    differing = np.flatnonzero(repeated & ~_same_as_before(bars)) + 1
    conflicting, at = np.unique(group[differing], return_index=True)
    sizes = np.bincount(group)
    problems = []
    for row in differing[at].tolist():
        detail = f"{sizes[group[row]]} rows of one stamp disagree: {_difference(bars, row)}"
        problems.append(_problem(symbol, bars, row, BarFault.INVALID, detail))
    return bars.take(first & ~np.isin(group, conflicting)), problems


def _same_as_before(bars: RawBars) -> Bools:
    """Whether each row but the first equals the one before it, a missing value being equal to another."""
    same = np.ones(len(bars) - 1, np.bool_)
    for column in bars.values:
        now, before = column[1:], column[:-1]
        same &= (now == before) | (np.isnan(now) & np.isnan(before))
    return same


def _difference(bars: RawBars, row: int) -> str:
    for name, column in zip(VALUES, bars.values, strict=True):
        before, now = float(column[row - 1]), float(column[row])
        if now != before and not (isnan(now) and isnan(before)):
            return f"{name} {_exactly(before)} and {_exactly(now)}"
    raise AssertionError("rows that disagree differ")


def _valid(bars: RawBars) -> Bools:
    """Written so that NaN and infinity fail: 0 < low <= open, close <= high < infinity."""
    lowest, highest = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    low = bars.low * _SHRUNK
    valid = (bars.low > 0) & (lowest > 0) & (low <= lowest) & (low <= bars.high)
    valid &= (bars.high >= highest * _SHRUNK) & (bars.high < np.inf) & (highest < np.inf)
    valid &= (bars.volume >= 0) & (bars.volume < np.inf)
    return valid


def _jumps(bars: RawBars) -> Bools:
    close, jumps = bars.close, np.zeros(len(bars), np.bool_)
    jumps[1:] = (close[1:] / JUMP > close[:-1]) | (close[:-1] / JUMP > close[1:])
    return jumps


def _jump(bars: RawBars, row: int) -> str:
    return (
        f"close {_number(bars.close[row])} after {_number(bars.close[row - 1])}, a factor of more than three"
    )


def _repeats(bars: RawBars) -> Bools:
    repeats = np.zeros(len(bars), np.bool_)
    repeats[1:] = bars.close[1:] == bars.close[:-1]
    if repeats.any():
        for column in bars.values:
            repeats[1:] &= column[1:] == column[:-1]
    return repeats


def _rows(mask: Bools) -> list[int]:
    rows: list[int] = np.flatnonzero(mask).tolist()
    return rows


def _problem(symbol: str, bars: RawBars, row: int, kind: BarFault, detail: str) -> BarProblem:
    return BarProblem(symbol, as_datetime(bars.ts[row]), kind, detail)


def _stamp(problem: BarProblem) -> datetime:
    assert problem.ts is not None  # noqa: S101 - rows without a stamp are reported apart
    return problem.ts


def _number(value: float) -> str:
    return f"{value:.12g}"


def _exactly(value: float) -> str:
    """All digits that tell two values apart, without an empty fraction."""
    return "nothing" if isnan(value) else repr(value).removesuffix(".0")
