"""Between domain objects and rows, for any store. Floats survive the way to text and back bit for bit."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.ports import Watermark

_SIGNAL = TypeAdapter(Signal)
_EVENT = TypeAdapter(Event)
_EFFECT = TypeAdapter(Effect)
_WATERMARK = TypeAdapter(Watermark)
_EFFECT_COLUMNS = tuple(field.name for field in fields(Effect))


def signal_row(signal: Signal) -> dict[str, Any]:
    return {
        "signal_id": signal.signal_id,
        "strategy": signal.strategy,
        "timeframe": signal.timeframe.name,
        "symbol": signal.symbol,
        "detector": signal.detector,
        "direction": signal.direction.value,
        "bar_ts": signal.bar_ts,
        "status": signal.status.value,
        "is_open": not signal.progress.closed,
        "closed_at": signal.progress.closed_at,
        "created_at": signal.created_at,
        "revision": signal.revision,
        "body": _SIGNAL.dump_json(signal).decode(),
    }


def signal_of(signal_id: str, body: str) -> Signal:
    """Raises ``UnreadableRow``."""
    try:
        return _SIGNAL.validate_json(body)
    except ValidationError as error:
        raise UnreadableRow(f"signal {signal_id} cannot be read: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return ": ".join(filter(None, (".".join(str(part) for part in first["loc"]), first["msg"])))


def event_row(signal_id: str, seq: int, event: Event) -> dict[str, Any]:
    body = _EVENT.dump_json(event, exclude_defaults=True).decode()
    return {"signal_id": signal_id, "seq": seq, "type": event.type.value, "ts": event.ts, "body": body}


def event_of(signal_id: str, body: str) -> Event:
    """Raises ``UnreadableRow``."""
    try:
        return _EVENT.validate_json(body)
    except ValidationError as error:
        raise UnreadableRow(f"an event of signal {signal_id} cannot be read: {_first(error)}") from None


def effect_row(effect: Effect) -> dict[str, Any]:
    row = {name: getattr(effect, name) for name in _EFFECT_COLUMNS}
    error = None if effect.error is None else _storable(effect.error)
    return row | {"kind": effect.kind.value, "status": effect.status.value, "error": error}


def _storable(said: str) -> str:
    """What another program said, without what no database takes: NUL, and halves of characters."""
    return said.encode("utf-8", "replace").decode().replace("\0", "?")


def effect_of(row: Mapping[str, Any]) -> Effect:
    """Raises ``UnreadableRow``."""
    try:
        return _EFFECT.validate_python({name: row[name] for name in _EFFECT_COLUMNS})
    except ValidationError as error:
        raise UnreadableRow(f"effect {row['key']} cannot be read: {_first(error)}") from None


def watermark_of(strategy: str, timeframe: str, symbol: str, anchor_ts: object, seen_ts: object) -> Watermark:
    """Raises ``UnreadableRow``."""
    try:
        return _WATERMARK.validate_python({"symbol": symbol, "anchor_ts": anchor_ts, "seen_ts": seen_ts})
    except ValidationError as error:
        name = f"the watermark of {symbol} ({strategy}, {timeframe})"
        raise UnreadableRow(f"{name} cannot be read: {_first(error)}") from None
