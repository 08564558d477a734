"""What is wrong with bars: each rule, and that nothing later changes what was said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_signals.domain.bars import BarFault, BarProblem
from crypto_signals.market.files import read_bars
from crypto_signals.market.quality import checked, defect, summarise
from crypto_signals.market.raw import RawBars
from market.samples import SHARED, Row, raw, stamps, steady, utc

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((33.9, 33.95, 33.8, 33.99, 1), "high 33.95 is below close 33.99"),
        ((33.99, 33.95, 33.8, 33.9, 1), "high 33.95 is below open 33.99"),
        ((33.9, 34.0, 33.95, 33.99, 1), "low 33.95 is above open 33.9"),
        ((33.99, 34.0, 33.95, 33.9, 1), "low 33.95 is above close 33.9"),
        ((33.9, 33.0, 34.0, 33.5, 1), "high 33 is below low 34"),
        ((NAN, 2, 1, 1.5, 1), "open is missing"),
        ((1.5, 2, 1, NAN, 1), "close is missing"),
        ((1.5, INF, 1, 1.5, 1), "high is infinite"),
        ((1.5, 2, -INF, 1.5, 1), "low is infinite"),
        ((1.5, 2, 0, 1.5, 1), "low 0 is not above zero"),
        ((-1.5, 2, 1, 1.5, 1), "open -1.5 is not above zero"),
        ((1.5, 2, 1, 1.5, -3), "volume -3 is negative"),
        ((1.5, 2, 1, 1.5, NAN), "volume is missing"),
        ((1.5, 2, 1, 1.5, INF), "volume is infinite"),
    ],
)
def test_invalid_bars_are_removed_and_reported(
    values: tuple[float, float, float, float, float], says: str
) -> None:
    """The report names the symbol, the bar and the numbers; the bar is gone."""
    rows = [*steady("2021-01-01", 3), ("2021-01-04", *values), *steady("2021-01-05", 2)]
    series, problems = checked("X", raw(rows))
    assert problems == [BarProblem("X", utc("2021-01-04"), BarFault.INVALID, says)]
    assert stamps("2021-01-04")[0] not in series.ts
    assert len(series) == 5
    assert not series.suspect.any()


@pytest.mark.parametrize(
    "values",
    [
        (1.5, 2.0, 1.0, 1.5, 0.0),
        (2.0, 2.0, 2.0, 2.0, 5.0),
        (1e-8, 2e-8, 1e-9, 1e-8, 1e15),
        (0.23297041654586792, 0.24, 0.23297041654586795, 0.235, 1.0),
        (0.2, 0.2059204178399658, 0.19, 0.20592041783996582, 1.0),
    ],
)
def test_odd_but_valid_bars_stay(values: tuple[float, float, float, float, float]) -> None:
    """No volume, one price, tiny prices, and the rounding left by an adjustment are no defects."""
    series, problems = checked("X", raw([("2021-01-04", *values)]))
    assert (len(series), problems) == (1, [])


def test_conflicting_duplicates() -> None:
    """Rows of one stamp that disagree all go, with one report; equal ones become one bar, in silence."""
    good = steady("2021-01-01", 4)
    other = (good[1][0], *good[1][1:5], 7.0)
    series, problems = checked("X", raw([good[0], good[1], good[2], other, good[3], good[3], good[1]]))
    assert series.ts.tolist() == stamps("2021-01-01", "2021-01-03", "2021-01-04").tolist()
    detail = "3 rows of one stamp disagree: volume 1001 and 7"
    assert problems == [BarProblem("X", utc("2021-01-02"), BarFault.INVALID, detail)]


def test_duplicates_with_missing_values() -> None:
    """Two rows that miss the same value agree, and are one invalid bar; a gap and a number disagree."""
    gap: Row = ("2021-01-01", 1.5, 2.0, 1.0, None, 3.0)
    assert [p.detail for p in checked("X", raw([gap, gap]))[1]] == ["close is missing"]
    whole: Row = ("2021-01-01", 1.5, 2.0, 1.0, 1.25, 3.0)
    assert [p.detail for p in checked("X", raw([gap, whole]))[1]] == [
        "2 rows of one stamp disagree: close nothing and 1.25"
    ]


def test_bars_are_sorted() -> None:
    """Rows in any order become a series in the order of their stamps."""
    rows = steady("2021-01-01", 5)
    series, problems = checked("X", raw([rows[3], rows[0], rows[4], rows[2], rows[1]]))
    assert problems == []
    assert series.volume.tolist() == [1000, 1001, 1002, 1003, 1004]


def test_rows_without_a_stamp() -> None:
    """A row without a stamp is reported without one, and removed."""
    rows = [*steady("2021-01-01", 2), ("NaT", 1.5, 2.0, 1.0, 1.5, 3.0)]
    series, problems = checked("X", raw(rows))
    assert problems == [BarProblem("X", None, BarFault.INVALID, "a row has no time stamp")]
    assert len(series) == 2


@pytest.mark.parametrize(
    ("closes", "flagged"),
    [
        ([100, 299, 100], []),
        ([100, 300, 100], []),
        ([100, 301, 100.2], [1, 2]),
        ([100, 301, 320, 350], [1]),
        ([16199.91, 4308.83, 4320], [1]),
        ([100, 33, 11], [1]),
    ],
)
def test_jumps(closes: list[float], flagged: list[int]) -> None:
    """A close over three times, or under a third of, the one before is suspect; the next one meets it."""
    rows = [(f"2021-01-0{at + 1}", close, close, close, close, 1.0 + at) for at, close in enumerate(closes)]
    series, problems = checked("X", raw(rows))
    assert np.flatnonzero(series.suspect).tolist() == flagged
    assert [problem.kind for problem in problems] == [BarFault.SUSPECT] * len(flagged)
    assert len(series) == len(closes)


def test_jump_compares_with_the_valid_bar_before() -> None:
    """An invalid bar between two closes hides no jump and makes none."""
    rows: list[Row] = [
        ("2021-01-01", 100.0, 100.0, 100.0, 100.0, 1.0),
        ("2021-01-02", 0.0, 900.0, 0.0, 900.0, 2.0),
        ("2021-01-03", 101.0, 101.0, 101.0, 101.0, 3.0),
        ("2021-01-04", 404.0, 404.0, 404.0, 404.0, 4.0),
    ]
    problems = checked("X", raw(rows))[1]
    assert [problem.detail for problem in problems] == [
        "open 0 is not above zero",
        "close 404 after 101, a factor of more than three",
    ]


@pytest.mark.parametrize(
    ("volume", "after", "stale"), [(5.0, 5.0, True), (0.0, 0.0, True), (5.0, 6.0, False)]
)
def test_stale_repeats(volume: float, after: float, stale: bool) -> None:
    """A bar equal to the one before in every value, traded or not, is suspect; other volume makes it new."""
    rows: list[Row] = [("2021-01-01", 2, 3, 1, 2, volume), ("2021-01-02", 2, 3, 1, 2, after)]
    series, problems = checked("X", raw(rows))
    assert series.suspect.tolist() == [False, stale]
    assert [problem.detail for problem in problems] == ["repeats the bar before"] * stale


def test_no_bars_at_all() -> None:
    """Nothing in, nothing out."""
    series, problems = checked("X", raw([]))
    assert (len(series), problems) == (0, [])


number = st.sampled_from([NAN, INF, -1.0, 0.0, 0.5, 1.0, 1.0 + 1e-12, 1.1, 2.0, 6.5])
bar = st.tuples(st.integers(0, 12), number, number, number, number, number)
mostly_good = st.one_of(bar, st.tuples(st.integers(0, 12), *[st.sampled_from([1.0, 4.0])] * 5))


def _raw(rows: list[tuple[int, float, float, float, float, float]]) -> RawBars:
    days = np.datetime64("2021-01-01", "us") + np.array([row[0] for row in rows], np.int64) * np.timedelta64(
        1, "D"
    )
    return RawBars(days, *np.array([row[1:] for row in rows], np.float64).reshape(-1, 5).T.copy())


@settings(max_examples=300, deadline=None)
@given(st.lists(mostly_good, max_size=20), st.integers(0, 13))
def test_quality_is_causal(rows: list[tuple[int, float, float, float, float, float]], until: int) -> None:
    """What is said of bars up to t, and the bars kept, are the same whether or not later bars exist."""
    whole, problems = checked("X", _raw(rows))
    part, early = checked("X", _raw([row for row in rows if row[0] < until]))
    assert problems[: len(early)] == early
    assert all(p.ts is not None and p.ts >= utc("2021-01-01") for p in problems)
    np.testing.assert_array_equal(whole.ts[: len(part)], part.ts)
    np.testing.assert_array_equal(whole.suspect[: len(part)], part.suspect)


@settings(max_examples=300, deadline=None)
@given(st.tuples(number, number, number, number, number))
def test_a_bar_is_removed_exactly_if_something_is_wrong_with_it(values: tuple[float, ...]) -> None:
    """The fast check and the explanation agree on every bar."""
    bars = raw([("2021-01-01", *values)])  # type: ignore[list-item]
    series, problems = checked("X", bars)
    found = defect(bars, 0)
    assert len(series) == (not found)
    assert [problem.detail for problem in problems] == ([found] if found else [])


def test_summary() -> None:
    """One line for each symbol and kind of defect, with the count and the first bar."""
    invalid, suspect = BarFault.INVALID, BarFault.SUSPECT
    problems = [
        BarProblem("B", utc("2021-01-02T05:00"), invalid, "high 33.95 is below close 33.99"),
        BarProblem("A", utc("2021-01-01"), suspect, "repeats the bar before"),
        BarProblem("B", utc("2021-01-03"), invalid, "high 3e-05 is below close 4.1e-05"),
        BarProblem("B", utc("2021-01-04"), invalid, "high 3 is below open 4"),
        BarProblem("B", None, invalid, "a row has no time stamp"),
    ]
    assert summarise(problems) == [
        "A: 1 bar may open nothing: repeats the bar before (2021-01-01)",
        "B: 2 bars removed: high 33.95 is below close 33.99 (first: 2021-01-02 05:00 UTC)",
        "B: 1 bar removed: high 3 is below open 4 (2021-01-04)",
        "B: 1 bar removed: a row has no time stamp",
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("name", "symbols", "problems", "lines"),
    [
        (
            "crypto_hourly_dirty",
            9,
            7946,
            ["BTC/USDT: 1442 bars removed: 2 rows of one stamp disagree: open 11783.31 and 11783.3 "],
        ),
        (
            "equity_daily_defects",
            18,
            19,
            [
                "BHF: 1 bar removed: open is missing (2017-07-26)",
                "CHD: 1 bar removed: low 33.695 is above open 18.77",
            ],
        ),
    ],
)
def test_hostile_parquet(name: str, symbols: int, problems: int, lines: list[str]) -> None:
    """The hostile bars give a short report that names symbol, bar and defect; each symbol keeps bars."""
    bars = read_bars([SHARED / "hostile" / f"{name}.parquet"])
    results = [checked(symbol, own) for symbol, own in bars.items()]
    found = [problem for _, own in results for problem in own]
    report = summarise(found)
    assert len(results) == symbols
    assert all(len(series) for series, _ in results)
    assert sum(problem.kind is BarFault.INVALID for problem in found) == problems
    assert len(report) < 40
    for line in lines:
        assert any(own.startswith(line) for own in report), line


@pytest.mark.skipif(not (SHARED / "dev").is_dir(), reason="the development data are not here")
def test_the_known_defects_of_the_development_data() -> None:
    """Exactly the bars that the data's own notes call defective are removed, and no good one."""
    bars = read_bars([SHARED / "dev" / "equity_daily.parquet"])
    found = [problem for symbol, own in bars.items() for problem in checked(symbol, own)[1]]
    removed = {problem.symbol for problem in found if problem.kind is BarFault.INVALID}
    assert removed == {"UNH", "CSCO", "HUBB"}
