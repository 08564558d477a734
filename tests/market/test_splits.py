"""Splits that nobody adjusted are named, and crashes are not taken for them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.panel import Series
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.bars import BarFault, BarProblem
from crypto_signals.market.quality import summarise
from crypto_signals.market.splits import unadjusted

DEV = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dev"


def series(factor: float, *, turnover: float = 1.0, bars: int = 40) -> Series:
    """Quiet bars near 100; the last one counts in units ``factor`` times as large."""
    close = 100 + np.sin(np.arange(bars)) / 2
    volume = np.full(bars, 1000.0)
    close[-1] *= factor
    volume[-1] *= turnover / factor
    ts = np.datetime64("2024-01-01", "us") + np.arange(bars) * np.timedelta64(1, "D")
    return Series.of("NVDA", ts, (close, close * 1.001, close * 0.999, close), volume)


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.1, "10 for 1"), (0.5, "2 for 1"), (2 / 3, "3 for 2"), (5.0, "1 for 5"), (0.4, "5 for 2")],
)
def test_a_split_is_named_with_date_and_ratio(factor: float, said: str) -> None:
    """Forward and reverse, also where it is not a whole number."""
    (problem,) = unadjusted(series(factor))
    assert problem.kind is BarFault.UNADJUSTED
    (line,) = summarise([problem])
    assert line.startswith(f"NVDA: 2024-02-09 looks like a split of {said} that was not adjusted: open ")
    assert line.endswith("; adjust the bars or what is measured on them is wrong")


@pytest.mark.parametrize("factor", [0.1, 0.5, 5.0, 10.0])
def test_a_source_may_adjust_volumes_alone(factor: float) -> None:
    """The volume of the day is then the usual one, whatever the ratio."""
    assert len(unadjusted(series(factor, turnover=factor))) == 1


@pytest.mark.parametrize(
    ("factor", "turnover"), [(0.5, 9.0), (0.8, 1.0), (0.575, 1.0), (1.3, 1.0)],
    ids=["a crash with nine times the turnover", "a bad day", "between two ratios", "a good day"],
)  # fmt: skip
def test_what_news_does_is_no_split(factor: float, turnover: float) -> None:
    """Much money changes hands, or the price is at no simple fraction of the last one."""
    assert unadjusted(series(factor, turnover=turnover)) == []


def test_too_few_bars_or_no_volume_say_what_they_can() -> None:
    """No division by zero; without any turnover to compare with, the ratio alone decides."""
    assert unadjusted(series(1.0, bars=1)) == []
    silent = series(0.5)
    silent.volume[:] = 0
    assert len(unadjusted(silent)) == 1


def test_each_split_of_a_symbol_is_named() -> None:
    """They are not summed up in one line: each has its date and its factor."""
    problems = [*unadjusted(series(0.1)), *unadjusted(series(0.5, bars=60))]
    assert len(summarise(problems)) == 2


def found(path: Path) -> list[BarProblem]:
    problems = file_history([path], "1Day").problems
    return [problem for problem in problems if problem.kind is BarFault.UNADJUSTED]


def test_the_splits_of_raw_bars_are_found_and_no_other() -> None:
    """All of those that the vendor's own column names, by symbol and day."""
    path = DEV / "equity_daily_raw_splits.parquet"
    if not path.exists():
        pytest.skip("shared/data/dev is not beside this checkout")
    rows = pq.read_table(path, columns=["symbol", "ts", "split_factor"]).to_pylist()
    truth = {(row["symbol"], row["ts"].date()) for row in rows if row["split_factor"] != 1}
    said = [(problem.symbol, problem.ts.date()) for problem in found(path) if problem.ts]
    assert len(truth) == 5
    assert set(said) == truth
    assert len(said) == 5


def test_adjusted_bars_raise_no_alarm() -> None:
    """32 years of 139 stocks with their crashes, and the bundled ones."""
    assert found(SAMPLE_BARS / "equity_daily.parquet") == []
    path = DEV / "equity_daily.parquet"
    if not path.exists():
        pytest.skip("shared/data/dev is not beside this checkout")
    assert found(path) == []
