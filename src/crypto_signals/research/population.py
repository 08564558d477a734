"""The trades from which evidence is measured, and the random entries that each is compared with.

Population: triggers that pass their quality gates, whatever else was open; per instrument and detector, the
next trade starts only after the one before has closed. Baseline: random bars near each trade's own, with the
same side, levels at the same distances in ATR, the same exits and costs.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints, Panel, Series, Times
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.research.backtest import Test, may_be_copied, newest_known, track_of
from crypto_signals.research.outcome_kernel import PLAN
from crypto_signals.research.outcomes import Outcomes, Plans, Track, is_open, is_trade, rules_of
from crypto_signals.research.setups import Setups, find_setups
from crypto_signals.research.sharing import Progress, nobody, over_series

ENTRIES_A_TRADE = 20
REACH_BARS = 126
SEED = 20_181_231


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTrades:
    """The trades of one series, closed ones and open ones (``closed`` bool[n]): n rows, by bar.

    | column | shape | meaning |
    |---|---|---|
    | detector | int64[n] | its number in the catalogue |
    | high | bool[n] | conviction HIGH |
    | entry_ts, exit_ts | datetime64[us, n] | the opening times of the bars of entry and exit; NaT: not yet |
    | r, mfe_r, mae_r | float64[n] | net result and excursions before costs, in R; NaN while open |
    | hit | bool[n] | target 1 before any other exit |
    | holding_bars | int64[n] | bars from entry to exit, both included |
    | baseline_r | float64[n] | the mean result of the random entries that became trades; NaN: none did |
    """

    symbol: str
    kind: AssetClass
    detector: Ints
    high: Bools
    closed: Bools
    entry_ts: Times
    exit_ts: Times
    r: Floats
    mfe_r: Floats
    mae_r: Floats
    hit: Bools
    holding_bars: Ints
    baseline_r: Floats

    def __len__(self) -> int:
        return len(self.detector)


def measure(
    panel: Panel, test: Test, progress: Progress = nobody, processes: int | None = None, seed: int = SEED
) -> list[SeriesTrades]:
    """The trades of every series of the panel. The result does not depend on the number of processes."""
    filled = [series for series in panel if len(series)]
    now = newest_known(filled, test)

    def one(series: Series) -> SeriesTrades:
        return _measured(series, test, now, seed)

    return over_series(one, filled, progress, processes if may_be_copied(test.catalogue) else 1)


def _measured(series: Series, test: Test, now: np.datetime64, seed: int) -> SeriesTrades:
    kind, study = Instrument.of(series.symbol).asset_class, Study(series)
    rules = rules_of(test.strategy)
    track = track_of(study, kind, test, now)
    setups = find_setups(study, test.catalogue, test.strategy, kind)
    eligible = setups.failed == 0
    if test.since is not None:
        eligible &= series.ts[setups.plans["bar"]] >= test.since
    setups = setups.take(eligible)
    outcomes = track.outcomes(setups.plans, rules)
    rows = one_at_a_time(setups, outcomes)
    setups, outcomes = setups.take(rows), outcomes[rows]
    counted = is_trade(outcomes) | is_open(outcomes)
    setups, outcomes = setups.take(counted), outcomes[counted]
    rng = np.random.default_rng((seed, zlib.crc32(series.symbol.encode())))
    drawn = random_plans(study, setups, partial(test.strategy.costs.rate, kind), rng)
    return _columns(study, kind, setups, outcomes, _baseline(track, drawn, rules))


def one_at_a_time(setups: Setups, outcomes: Outcomes) -> Ints:
    """The rows that are left when a detector's next trade starts only after its last one has closed."""
    free: dict[int, int] = {}
    rows = []
    columns = zip(
        setups.detector.tolist(), setups.plans["bar"].tolist(), outcomes["closed_bar"].tolist(), strict=True
    )
    for row, (detector, bar, closed) in enumerate(columns):
        if bar >= free.get(detector, 0):
            free[detector] = closed if closed >= 0 else len(setups) + (1 << 40)
            rows.append(row)
    return np.array(rows, np.int64)


def _columns(
    study: Study, kind: AssetClass, setups: Setups, outcomes: Outcomes, baseline: Floats
) -> SeriesTrades:
    ts, plans = study.series.ts, setups.plans
    closed, entry = is_trade(outcomes), outcomes["entry_bar"]
    risk = np.abs(plans["entry"] - plans["stop"])
    in_r = plans["side"] / risk
    never = np.datetime64("NaT", "us")
    return SeriesTrades(
        symbol=study.series.symbol,
        kind=kind,
        detector=setups.detector,
        high=setups.high,
        closed=closed,
        entry_ts=np.where(entry >= 0, ts[entry], never),
        exit_ts=np.where(closed, ts[outcomes["exit_bar"]], never),
        r=np.where(closed, outcomes["r"], np.nan),
        mfe_r=np.where(closed, (outcomes["best"] - outcomes["entry_fill"]) * in_r, np.nan),
        mae_r=np.where(closed, (outcomes["worst"] - outcomes["entry_fill"]) * in_r, np.nan),
        hit=np.asarray(closed & (outcomes["hit"] > 0)),
        holding_bars=np.where(closed, outcomes["exit_bar"] - entry + 1, 0),
        baseline_r=baseline,
    )


def _baseline(track: Track, plans: Plans, rules: Any) -> Floats:
    """The mean result in R of the random entries of each setup (float64[n])."""
    outcomes = track.outcomes(plans.reshape(-1), rules).reshape(plans.shape)
    entered = is_trade(outcomes)
    total = np.where(entered, outcomes["r"], 0.0).sum(axis=1)
    count = entered.sum(axis=1)
    return np.asarray(total / np.where(count > 0, count, np.nan))


def random_plans(
    study: Study, setups: Setups, cost_rate: Callable[[Any], Any], rng: np.random.Generator
) -> Plans:
    """The plans of the random entries (PLAN[n, 20]): uniform among the bars within 126 of each setup's own
    on which ATR(14) is known. One whose levels are no prices lies on the last bar, so that none enters."""
    atr, close = study.atr(), study.series.close
    usable = np.flatnonzero((atr > 0) & ~study.series.suspect)
    plans, bars = setups.plans, setups.plans["bar"]
    low = np.searchsorted(usable, bars - REACH_BARS)
    high = np.searchsorted(usable, bars + REACH_BARS, side="right")
    place = low[:, None] + rng.random((len(setups), ENTRIES_A_TRADE)) * (high - low)[:, None]
    drawn = usable[np.minimum(place.astype(np.int64), (high - 1)[:, None])]
    scale = atr[drawn] / setups.atr[:, None]
    found = np.zeros(drawn.shape, PLAN)
    found["bar"], found["side"] = drawn, plans["side"][:, None]
    found["entry"] = close[drawn]
    for name in ("stop", "invalidation"):
        found[name] = close[drawn] + (plans[name] - plans["entry"])[:, None] * scale
    reach = plans["targets"] - plans["entry"][:, None]
    found["targets"] = close[drawn][:, :, None] + reach[:, None, :] * scale[:, :, None]
    found["cost_rate"] = cost_rate(atr[drawn] / close[drawn])
    is_price = (found["stop"] > 0) & (found["targets"] > 0).all(axis=2)
    found["bar"] = np.where(is_price, drawn, len(study) - 1)
    return found
