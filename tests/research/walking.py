"""Plans over real bars, followed by the lifecycle itself, to hold the outcome kernel against."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from crypto_signals.analysis.panel import Series, as_datetime
from crypto_signals.analysis.study import Study
from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Event, EventType, StopKind
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import step, without_data
from crypto_signals.domain.signals import Plan, Progress, Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, ExitReason, Family
from crypto_signals.research.outcome_kernel import EVENTS, PLAN, REASONS, STOP_KINDS
from crypto_signals.research.outcomes import Outcomes, Plans, Track


def drawn_plans(study: Study, count: int, rng: np.random.Generator, cost_rate: float = 0.0025) -> Plans:
    """Plans of both sides on random bars, most with an invalidation, near and far levels mixed."""
    plans = np.zeros(count, PLAN)
    bars = np.sort(rng.integers(30, len(study) - 1, count))
    atr, close = study.atr()[bars], study.series.close[bars]
    side = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    stop = rng.choice([0.5, 1.0, 1.5, 4.0], count)
    reach = np.sort(
        rng.choice([0.3, 0.8, 1.5, 2.0, 4.0, 6.0], (count, 3)) + rng.random((count, 3)) / 5, axis=1
    )
    plans["bar"], plans["side"], plans["entry"], plans["cost_rate"] = bars, side, close, cost_rate
    plans["stop"] = close - side * stop * atr
    plans["targets"] = close[:, None] + (side * atr)[:, None] * reach
    near = close - side * stop * atr * rng.choice([0.5, 0.9], count)
    plans["invalidation"] = np.where(rng.random(count) < 0.7, near, np.nan)
    return plans[(plans["targets"] > 0).all(axis=1) & (plans["stop"] > 0)]


def told_by_lifecycle(track: Track, row: Any, strategy: Strategy, kind: AssetClass) -> list[Event]:
    """Every event of one plan, bar by bar; one ended for want of bars carries the stamp of its last bar."""
    series = track.study.series
    signal = _signal(series, row, strategy, kind)
    trail = track.study.trail(signal.direction.side)
    events: list[Event] = []
    for bar in range(int(row["bar"]) + 1, len(series)):
        if track.pauses[bar]:
            break
        signal, new = step(signal, _bar(series, bar), float(trail[bar]))
        events += new
        if signal.progress.closed:
            return events
    else:
        if not track.ended:
            return events
        bar = len(series)
    _, new = without_data(signal, as_datetime(series.ts[bar - 1]))
    return [*events, *new]


def _signal(series: Series, row: Any, strategy: Strategy, kind: AssetClass) -> Signal:
    invalidation = float(row["invalidation"])
    first, second, third = map(float, row["targets"])
    plan = Plan(
        direction=Direction.LONG if row["side"] > 0 else Direction.SHORT,
        entry=float(row["entry"]),
        stop=float(row["stop"]),
        targets=(first, second, third),
        invalidation=None if np.isnan(invalidation) else invalidation,
        entry_type=strategy.entry,
        valid_bars=strategy.valid_bars,
        max_bars=strategy.max_bars,
        fractions=strategy.fractions,
        cost_rate=float(row["cost_rate"]),
    )
    ts = as_datetime(series.ts[int(row["bar"])])
    return Signal(
        signal_id="x", symbol=series.symbol, asset_class=kind, timeframe=Timeframe("1Day"), strategy="x",
        strategy_version="x", run_id="x", detector="x", family=Family.CHART, conviction=Conviction.NORMAL,
        bar_ts=ts, plan=plan, valid_until=ts, created_at=ts, progress=Progress(),
    )  # fmt: skip


def _bar(series: Series, bar: int) -> Bar:
    columns = (series.open, series.high, series.low, series.close, series.volume)
    return Bar(as_datetime(series.ts[bar]), *(float(column[bar]) for column in columns))


def told_by_kernel(series: Series, log: Any) -> Iterator[Event]:
    """The kernel's events in the lifecycle's own words."""
    for row in log:
        yield Event(
            type=EVENTS[row["type"]],
            ts=as_datetime(series.ts[row["bar"]]),
            price=_known(row["price"]),
            fraction=_known(row["fraction"]),
            stop=_known(row["stop"]),
            stop_kind=_named(STOP_KINDS, row["stop_kind"]),
            reason=_named(REASONS, row["reason"]),
            ambiguous=bool(row["ambiguous"]),
            quiet=bool(row["quiet"]),
            result_r=_known(row["r"]),
            fees_r=_known(row["fees_r"]),
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _named(names: "tuple[Any, ...]", number: int) -> "StopKind | ExitReason | EventType | None":
    return None if number < 0 else names[number]


def ends(outcomes: Outcomes) -> set[str]:
    """The reasons for which plans ended."""
    return {REASONS[reason].value for reason in outcomes["reason"].tolist() if reason >= 0}
