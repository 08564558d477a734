"""The outcome kernel says what the lifecycle says, event by event, bit for bit."""

import numpy as np
import pytest

from crypto_signals.analysis.panel import Floats, Series, as_ts64
from crypto_signals.analysis.study import Study
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, EntryType
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.kernel_check import walk_both
from crypto_signals.research.outcome_kernel import PLAN
from crypto_signals.research.outcomes import Track, finer, is_open, is_trade, rules_of

from .walking import drawn_plans, ends

CALENDAR = MarketCalendar()
STRATEGIES = {
    "market": Strategy(),
    "limit": Strategy(entry=EntryType.LIMIT),
    "stop": Strategy(entry=EntryType.STOP, resting_entry_bars=7),
    "thirds": Strategy(fractions=(0.1, 0.2, 0.7), max_bars=9),
    "one bar": Strategy(max_bars=1),
}


def _series(name: str, symbol: str) -> Series:
    return file_history([SAMPLE_BARS / name], "1Day", [symbol]).panel[symbol]


def _holed(series: Series, rng: np.random.Generator) -> Series:
    """The series with some weeks without bars."""
    keep = np.ones(len(series), np.bool_)
    for start in rng.integers(60, len(series) - 60, 12):
        keep[start : start + int(rng.integers(5, 30))] = False
    rows = (column[keep] for column in (series.open, series.high, series.low, series.close))
    return Series.of(series.symbol, series.ts[keep], tuple(rows), series.volume[keep])  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
@pytest.mark.parametrize(
    ("file", "symbol", "kind"),
    [
        ("crypto_daily.parquet", "BTC/USD", AssetClass.CRYPTO),
        ("equity_daily.parquet", "IBM", AssetClass.EQUITY),
    ],
)
def test_the_kernel_tells_what_the_lifecycle_tells(
    file: str, symbol: str, kind: AssetClass, strategy: Strategy
) -> None:
    """Real bars with holes in them; every event with its bar, prices, reason and result."""
    rng = np.random.default_rng(len(symbol) + strategy.max_bars)
    series = _holed(_series(file, symbol), rng)
    study = Study(series)
    track = Track.of(study, kind, CALENDAR, series.ts[-1] + np.timedelta64(30, "D"))
    assert track.pauses.any()
    plans = drawn_plans(study, 250, rng)
    walked = walk_both(track, plans, strategy, kind)
    assert walked.apart is None
    assert walked.plans == len(plans)
    assert walked.events > len(plans)


class _Ahead(Study):
    """Knows the next bar's trail a bar early."""

    def trail(self, side: int) -> Floats:
        return np.append(super().trail(side)[1:], np.nan)


def test_a_trail_of_the_next_bar_is_found_out() -> None:
    """The comparison names the bar and the field in which a kernel that knows too much gives itself away."""
    study = _Ahead(_series("crypto_daily.parquet", "BTC/USD"))
    track = Track.of(study, AssetClass.CRYPTO, CALENDAR, study.series.ts[-1])
    plans = drawn_plans(study, 250, np.random.default_rng(1))
    apart = walk_both(track, plans, Strategy(), AssetClass.CRYPTO).apart
    assert apart is not None
    assert (apart.field, apart.lifecycle != apart.kernel) == ("stop", True)
    assert as_ts64(apart.ts) > study.series.ts[plans["bar"][apart.row]]


def test_every_end_there_is_was_seen() -> None:
    """The plans of the comparison reach every way to end, and some are still open."""
    rng = np.random.default_rng(5)
    series = _holed(_series("crypto_daily.parquet", "BTC/USD"), rng)
    study, seen, still_open = Study(series), set(), 0
    for strategy in STRATEGIES.values():
        track = Track.of(study, AssetClass.CRYPTO, CALENDAR, series.ts[-1])
        outcomes = track.outcomes(drawn_plans(study, 3000, rng), rules_of(strategy))
        seen |= ends(outcomes)
        still_open += int(is_open(outcomes).sum())
    assert seen == {
        "target_3", "trail", "stop", "break_even", "tp1_lock", "structure", "time", "no_data", "missed",
        "no_entry",
    }  # fmt: skip
    assert still_open
    assert np.isfinite(outcomes["r"][is_trade(outcomes)]).all()
    assert np.isnan(outcomes["r"][~is_trade(outcomes)]).all()


def test_excursions_hold_the_fills() -> None:
    """The best and worst prices of a trade enclose every price at which it was filled."""
    study = Study(_series("equity_daily.parquet", "AAPL"))
    track = Track.of(study, AssetClass.EQUITY, CALENDAR, study.series.ts[-1])
    plans = drawn_plans(study, 3000, np.random.default_rng(3))
    outcomes = track.outcomes(plans, rules_of(Strategy()))
    trades = is_trade(outcomes)
    side, rows = plans["side"][trades], outcomes[trades]
    for part in range(3):
        filled = rows["fills"] > part
        price = rows["fill_price"][:, part]
        assert (side * (rows["best"] - price) >= 0)[filled].all()
        assert (side * (rows["worst"] - price) <= 0)[filled].all()


def _drawn(path: list[float], stamps: str, every: str) -> Series:
    """Bars whose open and close are the given prices, in turn, and whose range is just theirs."""
    opened, close = np.array(path[:-1]), np.array(path[1:])
    ts = np.datetime64(stamps, "us") + np.arange(len(opened)) * np.timedelta64(1, every)
    return Series.of(
        "AAPL", ts, (opened, np.maximum(opened, close), np.minimum(opened, close), close), opened
    )


@pytest.mark.parametrize(
    ("within", "hit", "ambiguous"),
    [([100, 111, 89, 100], 1, False), ([100, 89, 111, 100], 0, False), ([100, 105, 100, 100], 0, True)],
    ids=["target first", "stop first", "finer bars that do not show it"],
)
def test_finer_bars_say_what_came_first(within: list[float], hit: int, ambiguous: bool) -> None:
    """A bar with stop and target in it: as the finer bars saw it; else the stop counts."""
    day = Series.of(
        "AAPL", np.datetime64("2024-01-02") + np.arange(3),
        ([100.0, 100, 100], [100.0, 112, 100], [100.0, 88, 100], [100.0, 100, 100]), np.ones(3),
    )  # fmt: skip
    study = Study(day)
    hours = _drawn(within, "2024-01-03T00:00", "h")
    plain = Track.of(study, AssetClass.EQUITY, CALENDAR, day.ts[-1])
    track = Track.of(study, AssetClass.EQUITY, CALENDAR, day.ts[-1], finer(day, hours, Timeframe("1Day")))
    plans = np.zeros(1, PLAN)
    plans["side"], plans["entry"], plans["stop"], plans["targets"] = 1, 100, 90, (110, 120, 130)
    plans["invalidation"] = np.nan
    coarse = plain.outcomes(plans, rules_of(Strategy()))[0]
    assert (coarse["hit"], coarse["ambiguous"], coarse["drilled"]) == (0, True, False)
    fine = track.outcomes(plans, rules_of(Strategy()))[0]
    assert (fine["hit"], fine["drilled"], fine["ambiguous"]) == (hit, True, ambiguous)
    assert fine["r"] == (0.0 if hit else -1.0)
