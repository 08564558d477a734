"""Between domain objects and documents. A signal's document holds its events: they change together."""

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from crypto_signals.domain.errors import StoreUnusable, UnreadableRow
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.ports import Watermark
from crypto_signals.repository import rows
from crypto_signals.repository.firestore.calls import Snapshot
from crypto_signals.repository.portable import time_text

SIGNAL_FIELDS = ("signal_id", "symbol", "is_open", "closed_at", "bar_ts", "body")
"""What is read of a signal without its events: also what queries are ordered by, to find the next page."""


def content(snapshot: Snapshot) -> dict[str, Any]:
    """The fields of a document, with times that are plain datetimes."""
    return {name: _plain(value) for name, value in (snapshot.to_dict() or {}).items()}


def _plain(value: Any) -> Any:
    """Firestore's times know nanoseconds, and are of a class of their own."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
        return datetime.combine(value.date(), value.time(), UTC)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def event_values(signal_id: str, seq: int, event: Event) -> dict[str, Any]:
    row = rows.event_row(signal_id, seq, event)
    del row["signal_id"]
    return row


def signal_of(fields: Mapping[str, Any]) -> Signal:
    """Raises ``UnreadableRow``."""
    return rows.signal_of(str(fields.get("signal_id")), fields.get("body") or "")


def events_in(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of a signal as they are stored, by their numbers. Raises ``UnreadableRow``."""
    try:
        return sorted(fields.get("events", ()), key=lambda event: int(event["seq"]))
    except (KeyError, TypeError, ValueError) as error:
        signal_id = fields.get("signal_id")
        raise UnreadableRow(f"the events of signal {signal_id} cannot be read: {error!r}") from None


def events_of(fields: Mapping[str, Any]) -> tuple[Event, ...]:
    """Raises ``UnreadableRow``."""
    signal_id = str(fields.get("signal_id"))
    return tuple(rows.event_of(signal_id, event.get("body") or "") for event in events_in(fields))


def effect_of(fields: Mapping[str, Any]) -> Effect:
    """Raises ``UnreadableRow``."""
    try:
        return rows.effect_of(fields)
    except KeyError as error:
        raise UnreadableRow(f"effect {fields.get('key')} cannot be read: there is no {error}") from None


def effects_of(found: Iterable[Mapping[str, Any]]) -> tuple[Effect, ...]:
    """In the order of their events. Raises ``UnreadableRow``."""
    effects = [effect_of(fields) for fields in found]
    return tuple(sorted(effects, key=lambda effect: (effect.seq, effect.key)))


def marks_in(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The watermarks of a strategy as they are stored: by symbol, the anchor and how far it was seen.

    Raises ``StoreUnusable``: without them all symbols would look new.
    """
    try:
        marks: dict[str, list[str]] = json.loads(zlib.decompress(fields["marks"])) if fields else {}
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise StoreUnusable(
            f"the watermarks of {fields.get('strategy')} on {fields.get('timeframe')} cannot be read "
            f"({error!r}): restore their document from a backup"
        ) from None
    return marks


def mark_texts(mark: Watermark) -> list[str]:
    return [time_text(mark.anchor_ts), time_text(mark.seen_ts)]


def marks_document(strategy: str, timeframe: str, marks: Mapping[str, list[str]]) -> dict[str, Any]:
    """Ten thousand watermarks in one document: packed, far below what one holds, and out of every index."""
    blob = zlib.compress(json.dumps(marks, sort_keys=True).encode())
    return {"strategy": strategy, "timeframe": timeframe, "marks": blob}
