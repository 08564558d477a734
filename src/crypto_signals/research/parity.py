"""Whether a backtest says what the live engine said day by day: the first signal and field that differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from crypto_signals.analysis.panel import as_datetime
from crypto_signals.domain.signals import Progress, Signal
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.trade_table import TradeTable, trade_table

Key: TypeAlias = tuple[datetime, str, str]
"""Bar, symbol and detector."""
Said: TypeAlias = Mapping[str, object]
"""What one side says of a signal, field by field; None is what is not there (yet)."""
STORED = "stored"
"""The field that differs where only one side has the signal at all."""


class Parting(NamedTuple):
    """Where the two first differ."""

    key: Key
    field: str
    live: object
    backtest: object

    @property
    def words(self) -> str:
        ts, symbol, detector = self.key
        return (
            f"{detector}, {symbol} bar {ts:%Y-%m-%d %H:%M}: {self.field} is {_shown(self.live)} day by day, "
            f"{_shown(self.backtest)} in the backtest"
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """How much was compared, and where the two first part; by bar, symbol, detector."""

    announced: int
    shadows: int
    closed: int
    parting: Parting | None


def compare(signals: Iterable[Signal], result: Backtest) -> Compared:
    """What was stored live, against the backtest of the same bars.

    An open shadow is stored as it was created: of how far it has come only the backtest knows.
    """
    live = {_key(signal): said_live(signal) for signal in signals}
    tested = dict(said_by(result))
    return Compared(
        announced=sum(not said["failed_gates"] for said in live.values()),
        shadows=sum(bool(said["failed_gates"]) for said in live.values()),
        closed=sum(said["exit_reason"] is not None for said in live.values()),
        parting=first_parting(live, tested),
    )


def first_parting(live: Mapping[Key, Said], tested: Mapping[Key, Said]) -> Parting | None:
    for key in sorted({*live, *tested}):
        if key not in live or key not in tested:
            return Parting(key, STORED, key in live, key in tested)
        for field, value in live[key].items():
            if tested[key][field] != value:
                return Parting(key, field, value, tested[key][field])
    return None


def _key(signal: Signal) -> Key:
    return signal.bar_ts, signal.symbol, signal.detector


def said_live(signal: Signal) -> Said:
    plan, progress = signal.plan, signal.progress
    terms = {
        "direction": signal.direction.value,
        "conviction": signal.conviction.value,
        "failed_gates": tuple(gate.gate for gate in signal.failed_gates),
        "confirmed_by": signal.confirmed_by,
        "entry": plan.entry,
        "stop": plan.stop,
        "targets": plan.targets,
        "invalidation": plan.invalidation,
        "exit_reason": progress.exit_reason.value if progress.exit_reason else None,
    }
    return terms if signal.is_shadow and not progress.closed else terms | _course(progress)


def _course(progress: Progress) -> dict[str, object]:
    """How far the trade has come."""
    return {
        "entry_ts": progress.entry_ts,
        "entry_fill": progress.entry_fill,
        "exit_ts": progress.closed_at,
        "targets_hit": progress.targets_hit,
        "fills": tuple((fill.price, fill.fraction) for fill in progress.fills),
        "exit": _mean_price(progress) if progress.closed and progress.fills else None,
        "r": progress.result_r,
        "fees_r": progress.fees_r,
        "ambiguous": progress.ambiguous,
    }


def _mean_price(progress: Progress) -> float:
    """Of what was sold, added up one by one as the kernel does: since Python 3.12 `sum` rounds otherwise."""
    sold = earned = 0.0
    for fill in progress.fills:
        sold += fill.fraction
        earned += fill.price * fill.fraction
    return earned / sold


def said_by(result: Backtest) -> Iterator[tuple[Key, Said]]:
    table = trade_table(result)
    for number, choice in enumerate(result.choices):
        outcome = result.examined[choice.series].outcomes[choice.row]
        yield _key_in(table, number), _terms_in(table, number) | _course_in(table, number, outcome)


def _key_in(table: TradeTable, number: int) -> Key:
    return as_datetime(table["signal_ts"][number]), table.symbol[number], table.detector[number]


def _terms_in(table: TradeTable, number: int) -> dict[str, object]:
    return {
        "direction": table.direction[number],
        "conviction": table.conviction[number],
        "failed_gates": table.failed_gates[number],
        "confirmed_by": table.confirmed_by[number],
        "entry": float(table["entry"][number]),
        "stop": float(table["stop"][number]),
        "targets": tuple(table["targets"][number].tolist()),
        "invalidation": _known(table["invalidation"][number]),
        "exit_reason": table.exit_reason[number] or None,
    }


def _course_in(table: TradeTable, number: int, outcome: Any) -> dict[str, object]:
    parts = range(int(outcome["fills"]))
    return {
        "entry_ts": _moment(table["entry_ts"][number]),
        "entry_fill": _known(table["entry_fill"][number]),
        "exit_ts": _moment(table["exit_ts"][number]),
        "targets_hit": int(table["targets_hit"][number]),
        "fills": tuple(
            (float(outcome["fill_price"][part]), float(outcome["fill_fraction"][part])) for part in parts
        ),
        "exit": _known(table["exit"][number]),
        "r": _known(table["r"][number]),
        "fees_r": _known(table["fees_r"][number]),
        "ambiguous": bool(table["ambiguous"][number]),
    }


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _moment(ts: np.datetime64) -> datetime | None:
    return None if np.isnat(ts) else as_datetime(ts)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})" if value else "nothing"
    return f"{value:.17g}" if isinstance(value, float) else str(value)
