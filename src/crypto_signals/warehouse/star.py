"""The star: what is kept of a closed signal, as rows of five tables. Every figure is worked out here, once.

All rows of one signal lie in the partition of the day of its end, so that they can be found, and written
again, without looking at any other. A table may get more columns, which older rows do not have; it never
loses one, and none ever changes its meaning.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite

from pydantic import TypeAdapter

from crypto_signals.domain.signals import Fill, Signal
from crypto_signals.engine.ports import Story
from crypto_signals.warehouse import views
from crypto_signals.warehouse.schema import Column, Fact, Kind, Table, flag, moment, number, text, whole

_STORY = TypeAdapter(Story)
_SIGNAL_ID = text("signal_id", "The signal.")
_DAY = Column("day", Kind.DAY, "The UTC day of the bar that ended the signal.", required=True)

SIGNALS = Table(
    "signals",
    "One row a closed signal, announced or shadow: its terms, which never changed.",
    ("signal_id",),
    (
        _SIGNAL_ID,
        _DAY,
        text("symbol", "As in BTC/USD or AAPL."),
        text("asset_class", "crypto or equity."),
        text("timeframe", "As in 1Day."),
        text("strategy", "The strategy that opened it."),
        text("strategy_version", "The version of that strategy: a hash of its settings and detectors."),
        text("run_id", "The run that opened it."),
        text("detector", "The pattern."),
        text("family", "candlestick, chart or harmonic."),
        text("direction", "long or short."),
        text("conviction", "HIGH or NORMAL."),
        moment("bar_ts", "The opening time of the bar on which it was known."),
        moment("created_at", "When it was stored."),
        Column("announced_at", Kind.MOMENT, "When people were told; null for a shadow."),
        Column("cancelled_at", Kind.MOMENT, "When it was given up to tell them; null where they were told."),
        moment("closed_at", "The opening time of the bar that ended it."),
        moment("valid_until", "Until when it could be entered."),
        whole("late_bars", "How many bars had completed since, when it was found."),
        flag("is_shadow", "Whether a gate refused it."),
        flag("is_told", "Whether people were told: neither a shadow nor cancelled."),
        text("status", "What people saw last: CANCELLED, REJECTED_BY_FILTER, or how the trade ended."),
        text("exit_reason", "Why it ended for people; for a shadow, the first gate that refused it."),
        number("entry", "The announced entry."),
        number("stop", "The announced stop."),
        number("target_1", "The first target."),
        number("target_2", "The second target."),
        number("target_3", "The third target."),
        Column("invalidation", Kind.NUMBER, "The structure's price, where the pattern has one."),
        number("cost_rate", "The cost of one side of the trade, as a share of its notional."),
        Column("risk_usd", Kind.NUMBER, "What the trade might lose down to its stop, where that was said."),
        Column("feed", Kind.TEXT, "Where its bars came from."),
        text("story", "The whole record as JSON: signal, events and effects, as they were stored."),
    ),
)
OUTCOMES = Table(
    "outcomes",
    "One row a closed signal: what became of the trade, also where people were not told.",
    ("signal_id",),
    (
        _SIGNAL_ID,
        _DAY,
        text("market_status", "How the trade ended."),
        text("market_exit_reason", "Why."),
        flag("entered", "Whether it was entered at all."),
        Column("entry_ts", Kind.MOMENT, "The opening time of the bar of entry."),
        Column("entry_fill", Kind.NUMBER, "The price of entry."),
        Column("exit_ts", Kind.MOMENT, "The opening time of the bar of the last exit."),
        Column("exit_price", Kind.NUMBER, "The mean of the exits, weighted by their fractions."),
        Column("bars_held", Kind.WHOLE, "From the bar of entry to that of the end, both counted."),
        whole("targets_hit", "How many targets were reached."),
        Column("hit", Kind.FLAG, "Whether target 1 came before any other exit; null if never entered."),
        Column("result_r", Kind.NUMBER, "The result in R, net of fees; null if never entered."),
        Column("fees_r", Kind.NUMBER, "Fees and slippage in R."),
        flag("ambiguous", "Whether a bar touched stop and target; the stop was counted."),
    ),
)
EVENTS = Table(
    "events",
    "One row an event of a closed signal.",
    ("signal_id", "seq"),
    (
        _SIGNAL_ID,
        _DAY,
        whole("seq", "Its number within the signal, from 1."),
        text("type", "What happened."),
        moment("ts", "When: the opening time of the bar, or the clock for what people were told."),
        Column("price", Kind.NUMBER, "What was filled, where."),
        Column("fraction", Kind.NUMBER, "Which part of the position was filled."),
        Column("stop", Kind.NUMBER, "Where the stop stands from the next bar on."),
        Column("stop_kind", Kind.TEXT, "Why it stands there."),
        Column(
            "factor", Kind.NUMBER, "How often every price of before counts from here on, as after a split."
        ),
        Column("reason", Kind.TEXT, "Why the trade ended."),
        flag("ambiguous", "Whether the bar touched stop and target."),
        flag("quiet", "Whether nobody was to be told."),
        Column("result_r", Kind.NUMBER, "The result in R, on the event that ends an entered trade."),
        Column("fees_r", Kind.NUMBER, "Fees and slippage in R."),
        Column("detail", Kind.TEXT, "In words."),
    ),
)
GATES = Table(
    "gates",
    "One row a gate that a closed signal was held against, passed or not.",
    ("signal_id", "seq"),
    (
        _SIGNAL_ID,
        _DAY,
        whole("seq", "Its number within the signal, from 1."),
        text("gate", "The gate."),
        flag("passed", "Whether it let the signal through."),
        Column("measured", Kind.NUMBER, "What it measured."),
        Column("asked", Kind.NUMBER, "What it asks for."),
        Column("detail", Kind.TEXT, "In words."),
    ),
)
EVIDENCE = Table(
    "evidence",
    "One row a closed signal that carried odds: what was measured of such setups before it.",
    ("signal_id",),
    (
        _SIGNAL_ID,
        _DAY,
        text("verdict", "edge, no_edge or too_few."),
        whole("n", "How many trades were measured."),
        whole("n_open", "How many were still open."),
        Column("hit_rate", Kind.NUMBER, "The share of them that hit target 1 first."),
        Column("hit_rate_lo", Kind.NUMBER, "The lower end of its 90 % interval."),
        Column("hit_rate_hi", Kind.NUMBER, "The upper end."),
        Column("mean_r", Kind.NUMBER, "Their mean result in R, net of costs."),
        Column("mean_r_lo", Kind.NUMBER, "The lower end of its 90 % interval."),
        Column("mean_r_hi", Kind.NUMBER, "The upper end."),
        Column("baseline_mean_r", Kind.NUMBER, "The mean of random entries under the same exits and costs."),
        Column("p_value", Kind.NUMBER, "Of the difference between the two."),
        Column("p_value_adjusted", Kind.NUMBER, "The same, for all setups that were tried."),
        whole("trials", "How many setups were tried."),
        moment("since", "The first bar measured."),
        moment("until", "The last bar measured."),
    ),
)
TABLES = (GATES, EVENTS, EVIDENCE, OUTCOMES, SIGNALS)
"""In the order in which they are written: what is in `SIGNALS` is in the others."""
NAMES = frozenset(table.name for table in TABLES) | frozenset(views.NAMES)
"""All that can be read from."""


def facts(stories: Sequence[Story]) -> dict[str, list[Fact]]:
    """The rows of each table, by its name, in order."""
    return {table.name: [row for story in stories for row in _ROWS[table.name](story)] for table in TABLES}


def _signals(story: Story) -> Iterator[Fact]:
    signal, plan = story.signal, story.signal.plan
    yield _keys(signal) | {
        "symbol": signal.symbol,
        "asset_class": signal.asset_class.value,
        "timeframe": signal.timeframe.name,
        "strategy": signal.strategy,
        "strategy_version": signal.strategy_version,
        "run_id": signal.run_id,
        "detector": signal.detector,
        "family": signal.family.value,
        "direction": signal.direction.value,
        "conviction": signal.conviction.value,
        "bar_ts": signal.bar_ts,
        "created_at": signal.created_at,
        "announced_at": signal.announced_at,
        "cancelled_at": signal.cancelled_at,
        "closed_at": _end(signal),
        "valid_until": signal.valid_until,
        "late_bars": signal.late_bars,
        "is_shadow": signal.is_shadow,
        "is_told": signal.is_told,
        "status": signal.status.value,
        "exit_reason": signal.exit_reason,
        "entry": plan.entry,
        "stop": plan.stop,
        "target_1": plan.targets[0],
        "target_2": plan.targets[1],
        "target_3": plan.targets[2],
        "invalidation": plan.invalidation,
        "cost_rate": plan.cost_rate,
        "risk_usd": plan.risk_usd,
        "feed": signal.feed,
        "story": _STORY.dump_json(story).decode(),
    }


def _outcomes(story: Story) -> Iterator[Fact]:
    progress = story.signal.progress
    entered = progress.entry_bar is not None
    yield _keys(story.signal) | {
        "market_status": progress.status.value,
        "market_exit_reason": progress.exit_reason.value if progress.exit_reason else None,
        "entered": entered,
        "entry_ts": progress.entry_ts,
        "entry_fill": progress.entry_fill,
        "exit_ts": progress.fills[-1].ts if progress.fills else None,
        "exit_price": _mean_price(progress.fills),
        "bars_held": None if progress.entry_bar is None else progress.bars_seen - progress.entry_bar + 1,
        "targets_hit": progress.targets_hit,
        "hit": progress.targets_hit > 0 if entered else None,
        "result_r": progress.result_r,
        "fees_r": progress.fees_r,
        "ambiguous": progress.ambiguous,
    }


def _events(story: Story) -> Iterator[Fact]:
    for seq, event in enumerate(story.events, 1):
        yield _keys(story.signal) | {
            "seq": seq,
            "type": event.type.value,
            "ts": event.ts,
            "price": event.price,
            "fraction": event.fraction,
            "stop": event.stop,
            "stop_kind": event.stop_kind.value if event.stop_kind else None,
            "factor": event.factor,
            "reason": event.reason.value if event.reason else None,
            "ambiguous": event.ambiguous,
            "quiet": event.quiet,
            "result_r": event.result_r,
            "fees_r": event.fees_r,
            "detail": event.detail,
        }


def _gates(story: Story) -> Iterator[Fact]:
    for seq, gate in enumerate(story.signal.gates, 1):
        yield _keys(story.signal) | {
            "seq": seq,
            "gate": gate.gate,
            "passed": gate.passed,
            "measured": _finite(gate.value),
            "asked": _finite(gate.limit),
            "detail": gate.detail or None,
        }


def _evidence(story: Story) -> Iterator[Fact]:
    if story.signal.evidence is not None:
        said = asdict(story.signal.evidence)
        yield _keys(story.signal) | {c.name: said[c.name] for c in EVIDENCE.columns if c.name in said}


_ROWS: Mapping[str, Callable[[Story], Iterable[Fact]]] = {
    SIGNALS.name: _signals,
    OUTCOMES.name: _outcomes,
    EVENTS.name: _events,
    GATES.name: _gates,
    EVIDENCE.name: _evidence,
}


def _keys(signal: Signal) -> Fact:
    return {"signal_id": signal.signal_id, "day": _end(signal).date()}


def _end(signal: Signal) -> datetime:
    closed_at = signal.progress.closed_at
    if closed_at is None:
        raise ValueError(f"signal {signal.signal_id} is open: it has no end to be kept under")
    return closed_at.astimezone(UTC)


def _mean_price(fills: Sequence[Fill]) -> float | None:
    share = sum(fill.fraction for fill in fills)
    return sum(fill.price * fill.fraction for fill in fills) / share if share else None


def _finite(value: float | None) -> float | None:
    """What a gate measured may be infinite, which no warehouse can count with."""
    return value if value is not None and isfinite(value) else None
