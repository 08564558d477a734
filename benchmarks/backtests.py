"""Backtests, the outcome kernel and evidence: against their bars, and against two known backtesters."""

import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import walk
from benchmarks.timing import Bar, best, ran
from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue
from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.analysis.study import Study
from crypto_signals.detectors import Detector, Direction, Family, Hits, detector
from crypto_signals.domain.strategy import Costs, Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Test, backtest, newest_known, track_of
from crypto_signals.research.outcome_kernel import PLAN
from crypto_signals.research.outcomes import rules_of

DEV = Path(__file__).resolve().parents[2] / "shared" / "data" / "dev" / "equity_daily.parquet"
FAST, SLOW = 20, 50
STOP, TARGET = 0.03, 0.06
SYMBOLS, BARS = 50, 5_000


def whole_catalogue(folder: Path) -> Iterator[Bar]:
    """Commands as a user runs them, on the daily bars of 139 stocks."""
    if not DEV.exists():
        yield Bar(
            "backtest and evidence of 316,000 bars: shared/data is not beside this checkout", "", "", met=True
        )
        return
    home = {"SENTINEL_HOME": str(folder)}
    words = ("-m", "crypto_signals", "backtest", "--bars", str(DEV), "--charts", "0", "--format", "json")
    tries = [ran(*words, environment=home) for _ in range(2)]
    least, peak = min(found.seconds for found in tries), max(found.peak_mb for found in tries)
    yield Bar(
        "sentinel backtest, whole catalogue, 316,000 daily bars, page and trades file",
        f"{least:.1f} s",
        "< 10 s",
        least < 10,
        "detection, then the day-by-day account and the page",
    )
    yield Bar("    peak memory, workers included", f"{peak:.0f} MB", "< 1500 MB", peak < 1500)
    found = ran("-m", "crypto_signals", "evidence", "--bars", str(DEV), "--format", "json", environment=home)
    yield Bar(
        "sentinel evidence on the same, 10,000 repetitions",
        f"{found.seconds:.1f} s",
        "< 120 s",
        found.seconds < 120,
    )


def outcome_kernel() -> Iterator[Bar]:
    """Plans of both sides on one long walk."""
    series = _renamed(walk(3, 20_000), 3)
    study, strategy = Study(series), Strategy()
    test = Test(strategy, CATALOGUE, MarketCalendar())
    track = track_of(study, AssetClass.CRYPTO, test, newest_known([series], test))
    plans = _plans(study, 200_000)
    outcomes = track.outcomes(plans, rules_of(strategy))
    ended = np.where(outcomes["closed_bar"] >= 0, outcomes["closed_bar"], len(series) - 1)
    bars = float((ended - plans["bar"]).sum())
    (spent,) = best([partial(track.outcomes, plans, rules_of(strategy))], rounds=5)
    rate = bars / spent / 1e6
    yield Bar("outcome kernel, signal-bars a second on one core", f"{rate:.1f} M", "> 5 M", rate > 5)


def _plans(study: Study, count: int) -> Any:
    rng = np.random.default_rng(1)
    plans = np.zeros(count, PLAN)
    bars = np.sort(rng.integers(50, len(study) - 2, count))
    side, atr, close = (
        np.where(rng.random(count) < 0.5, 1.0, -1.0),
        study.atr()[bars],
        study.series.close[bars],
    )
    plans["bar"], plans["side"], plans["entry"], plans["invalidation"] = bars, side, close, np.nan
    plans["stop"] = close - side * 1.5 * atr
    plans["targets"] = close[:, None] + (side * atr)[:, None] * np.array([2.0, 4.0, 6.0])
    return plans


# ------------------------------------------------------------------- against others


@detector(
    "ema_cross", family=Family.CHART, direction=Direction.LONG, definition="EMA(20) crosses above EMA(50).",
    source="folklore", gates=(), warm_up_bars=SLOW,
)  # fmt: skip
def ema_cross(study: Study) -> Hits:
    """A fixed stop of 3 % and a fixed target of 6 %."""
    above = study.ema(FAST) > study.ema(SLOW)
    bars = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    close = study.series.close[bars]
    return Hits.of(
        bars,
        strength=np.full(len(bars), 50.0),
        duration_bars=np.zeros(len(bars), np.int64),
        anchors=bars[:, None],
        anchor_prices=close[:, None],
        labels=("close",),
        stop=close * (1 - STOP),
        targets=close[:, None] * (1 + TARGET + np.array([0.0, 1e-9, 2e-9])),
    )


ONE_TARGET = Strategy(
    costs=Costs(crypto_fee_bp=0), fractions=(1 - 2e-9, 1e-9, 1e-9), max_bars=1000, max_announcements=1000,
    cooldown_hours=0,
)  # fmt: skip


def _ours(panel: Panel, entry: Detector = ema_cross) -> int:
    result = backtest(panel, Test(ONE_TARGET, Catalogue([entry]), MarketCalendar()), processes=1)
    return sum(not choice.is_shadow for choice in result.choices)


def _frame(series: Series) -> Any:
    import pandas as pd  # noqa: PLC0415 - where the others are

    names = ("Open", "High", "Low", "Close")
    columns = dict(zip(names, series.prices, strict=True))
    return pd.DataFrame(columns | {"Volume": series.volume}, index=pd.DatetimeIndex(series.ts))


def _ema(values: Any, span: int) -> Any:
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(values).ewm(span=span, adjust=False).mean()


class _Vectorised:
    """All series as columns of one frame, as vectorbt wants them."""

    def __init__(self, panel: Panel) -> None:
        import pandas as pd  # noqa: PLC0415
        import vectorbt  # noqa: PLC0415

        self._from_signals = vectorbt.Portfolio.from_signals
        frames = {series.symbol: _frame(series) for series in panel}
        self._columns = {
            name: pd.DataFrame({symbol: frame[name] for symbol, frame in frames.items()})
            for name in ("Open", "High", "Low", "Close")
        }

    def __call__(self) -> int:
        close = self._columns["Close"]
        above = _ema(close, FAST) > _ema(close, SLOW)
        above.iloc[:SLOW] = True
        entries = above & ~above.shift(1, fill_value=True)
        portfolio = self._from_signals(
            close, entries, False, price=self._columns["Open"].shift(-1), open=self._columns["Open"],
            high=self._columns["High"], low=self._columns["Low"], sl_stop=STOP, tp_stop=TARGET, freq="1D",
        )  # fmt: skip
        portfolio.value()
        return len(portfolio.trades.records)


def _one_by_one(series: Series) -> Any:
    """The strategy for backtesting.py, ready to run."""
    from backtesting import Backtest, Strategy  # noqa: PLC0415
    from backtesting.lib import crossover  # noqa: PLC0415

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.fast, self.slow = (
                self.I(lambda x, n: _ema(x, n)[0], self.data.Close, n) for n in (FAST, SLOW)
            )

        def next(self) -> None:
            price = self.data.Close[-1]
            if not self.position and crossover(self.fast, self.slow):
                self.buy(sl=price * (1 - STOP), tp=price * (1 + TARGET), size=0.1)

    return Backtest(_frame(series), Cross, cash=1e7, finalize_trades=True)


def against_others() -> Iterator[Bar]:
    """The same crossing of averages, per bar, in one process."""
    try:
        import backtesting  # type: ignore[import-not-found]  # noqa: F401, PLC0415
        import vectorbt  # type: ignore[import-not-found]  # noqa: F401, PLC0415
    except ImportError:
        yield Bar("against other backtesters: not installed, make bench does it", "", "", met=True)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = Panel.of(_renamed(walk(seed, BARS), seed) for seed in range(SYMBOLS))
        vectorised, single = _Vectorised(panel), _one_by_one(panel[panel.symbols[0]])
        counts = _ours(panel), vectorised()
        single.run()
        works = [partial(_ours, panel), vectorised, single.run]
        ours, theirs, slow = best(works, rounds=4, clock=time.perf_counter)
    per_bar = ours / (SYMBOLS * BARS)
    said = f"({counts[0]:,} trades; it has {counts[1]:,})"
    yield Bar(
        f"EMA cross on {SYMBOLS} × {BARS:,}, against vectorbt {said}",
        f"{theirs / ours:.1f}×",
        "≥ 1×",
        ours <= theirs,
        "a third is the rules between signals, setup by setup in Python; the rest are indicators and levels "
        "that any rule may ask for, which vectorbt does not compute",
    )
    ratio = slow / BARS / per_bar
    yield Bar("the same against backtesting.py, per bar", f"{ratio:.0f}×", "≥ 20×", ratio >= 20)


def _renamed(series: Series, number: int) -> Series:
    return Series.of(f"S{number}/USD", series.ts, series.prices, series.volume)
