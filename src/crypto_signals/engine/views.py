"""Signals, events and effects as scripts read them: the keys of the contract, times in UTC with Z."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from crypto_signals.analysis.detections import Detection
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.signals import GateResult, Signal

Json = dict[str, Any]


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC.

    >>> iso(datetime(2018, 1, 2, tzinfo=UTC))
    '2018-01-02T00:00:00Z'
    """
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def signal_view(signal: Signal) -> Json:
    """One signal. ``market_status`` and ``market_exit_reason`` tell what became of the trade itself, also
    where people were not told; ``stop`` is the announced one, ``current_stop`` where it stands."""
    plan, progress = signal.plan, signal.progress
    return {
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "asset_class": signal.asset_class.value,
        "timeframe": signal.timeframe.name,
        "strategy": signal.strategy,
        "strategy_version": signal.strategy_version,
        "run_id": signal.run_id,
        "detector": signal.detector,
        "family": signal.family.value,
        "confirmed_by": list(signal.confirmed_by),
        "context": list(signal.context),
        "direction": signal.direction.value,
        "status": signal.status.value,
        "conviction": signal.conviction.value,
        "bar_ts": iso(signal.bar_ts),
        "entry": plan.entry,
        "stop": plan.stop,
        "current_stop": progress.stop,
        "invalidation": plan.invalidation,
        "targets": list(plan.targets),
        "valid_until": iso(signal.valid_until),
        "entry_ts": iso(progress.entry_ts),
        "entry_fill": progress.entry_fill,
        "thread_id": signal.thread_id,
        "created_at": iso(signal.created_at),
        "announced_at": iso(signal.announced_at),
        "closed_at": iso(progress.closed_at),
        "late_bars": signal.late_bars,
        "exit_reason": signal.exit_reason,
        "market_status": progress.status.value,
        "market_exit_reason": progress.exit_reason.value if progress.exit_reason else None,
        "result_r": progress.result_r,
        "fees_r": progress.fees_r,
        "ambiguous": progress.ambiguous,
        "failed_gates": [gate_view(gate) for gate in signal.failed_gates],
        "confluence": dict(signal.confluence),
        "evidence": None if signal.evidence is None else evidence_view(signal.evidence),
        "feed": signal.feed,
    }


def evidence_view(row: Evidence) -> Json:
    """One row of evidence, quoted raw; what orders setups is not a figure for people."""
    said = asdict(row)
    del said["rank_r"]
    since, until = said.pop("since"), said.pop("until")
    return said | {
        "direction": row.direction.value,
        "asset_class": row.asset_class.value,
        "timeframe": row.timeframe.name,
        "conviction": "ALL" if row.conviction is None else row.conviction.value,
        "verdict": row.verdict.value,
        "from": iso(since),
        "to": iso(until),
    }


def gate_view(gate: GateResult) -> Json:
    return {"gate": gate.gate, "value": gate.value, "limit": gate.limit, "detail": gate.detail}


def history_view(signal: Signal, events: Sequence[Event], effects: Sequence[Effect]) -> Json:
    """One signal with its events and what they owed, in order."""
    return signal_view(signal) | {
        "events": [_event_view(seq, event) for seq, event in enumerate(events, 1)],
        "effects": [_effect_view(effect) for effect in effects],
    }


def _event_view(seq: int, event: Event) -> Json:
    return {
        "seq": seq,
        "type": event.type.value,
        "ts": iso(event.ts),
        "price": event.price,
        "fraction": event.fraction,
        "stop": event.stop,
        "factor": event.factor,
        "stop_kind": event.stop_kind.value if event.stop_kind else None,
        "reason": event.reason.value if event.reason else None,
        "ambiguous": event.ambiguous,
        "result_r": event.result_r,
        "detail": event.detail,
    }


def _effect_view(effect: Effect) -> Json:
    return {
        "key": effect.key,
        "kind": effect.kind.value,
        "status": effect.status.value,
        "attempts": effect.attempts,
        "seq": effect.seq,
        "attempted_at": iso(effect.attempted_at),
        "done_at": iso(effect.done_at),
        "message_id": effect.message_id,
        "error": effect.error,
    }


def detection_view(found: Detection) -> Json:
    """One detection; ``ts`` is the opening time of the bar on which it was known."""
    return {
        "symbol": found.symbol,
        "ts": iso(found.ts),
        "detector": found.detector,
        "family": found.family.value,
        "role": found.role.value,
        "direction": found.direction.value,
        "strength": found.strength,
        "confirmed_at": iso(found.confirmed_at),
        "anchors": [
            {"ts": iso(anchor.ts), "price": anchor.price, "label": anchor.label} for anchor in found.anchors
        ],
        "levels": {"entry": found.entry, "stop": found.stop, "targets": list(found.targets)},
    }
