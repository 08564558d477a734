"""Whether the outcome kernel tells what the lifecycle tells: plan by plan, event by event, bit for bit."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

import numpy as np

from crypto_signals.analysis.panel import Series, as_datetime
from crypto_signals.analysis.study import Study
from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Event
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import step, without_data
from crypto_signals.domain.signals import Plan, Progress, Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, Family
from crypto_signals.research.outcome_kernel import EVENTS, REASONS, STOP_KINDS
from crypto_signals.research.outcomes import Plans, Track, rules_of

T = TypeVar("T")


class Apart(NamedTuple):
    """Where the two tell different stories: the plan's row, the bar, and the first field of the event."""

    row: int
    ts: datetime
    field: str
    lifecycle: object
    kernel: object


class Walked(NamedTuple):
    """How many events of how many plans were compared, and where they first part."""

    plans: int
    events: int
    apart: Apart | None


def walk_both(track: Track, plans: Plans, strategy: Strategy, kind: AssetClass) -> Walked:
    """Every plan on its own, as far as they agree. Of what the track has computed, the lifecycle is told
    nothing but where the bars pause."""
    rules, events = rules_of(strategy), 0
    judge = Track(Study(track.study.series), track.pauses, track.ended)
    for row, plan in enumerate(plans):
        told = told_by_lifecycle(judge, plan, strategy, kind)
        walked = list(told_by_kernel(track.study.series, track.events(plan, rules)))
        events += len(told)
        pairs = zip_longest(told, walked)
        differing = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if differing is not None:
            return Walked(row + 1, events, _apart(row, *differing))
    return Walked(len(plans), events, None)


def _apart(row: int, told: Event | None, walked: Event | None) -> Apart:
    there = told or walked
    assert there is not None  # noqa: S101 - they differ
    if told is None or walked is None:
        return Apart(row, there.ts, "event", told and told.type.value, walked and walked.type.value)
    field = next(f.name for f in fields(Event) if getattr(told, f.name) != getattr(walked, f.name))
    return Apart(row, min(told.ts, walked.ts), field, getattr(told, field), getattr(walked, field))


def told_by_lifecycle(track: Track, row: Any, strategy: Strategy, kind: AssetClass) -> list[Event]:
    """Every event of one plan (a row of PLAN), bar by bar; one that ended for want of bars carries the stamp
    of its last bar."""
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
        signal_id="x", symbol=series.symbol, asset_class=kind, timeframe=Timeframe(strategy.timeframe),
        strategy="x", strategy_version="x", run_id="x", detector="x", family=Family.CHART,
        conviction=Conviction.NORMAL, bar_ts=ts, plan=plan, valid_until=ts, created_at=ts,
        progress=Progress(),
    )  # fmt: skip


def _bar(series: Series, bar: int) -> Bar:
    columns = (series.open, series.high, series.low, series.close, series.volume)
    return Bar(as_datetime(series.ts[bar]), *(float(column[bar]) for column in columns))


def told_by_kernel(series: Series, log: Any) -> Iterator[Event]:
    """The kernel's events (rows of EVENT) in the lifecycle's own words."""
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


def _named(names: tuple[T, ...], number: int) -> T | None:
    return None if number < 0 else names[number]
