"""The writes of a SQL store, each from the state that its writer saw."""

from collections.abc import Sequence

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from crypto_signals.domain.errors import VersionConflict
from crypto_signals.domain.events import Effect
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository import rows, statements, tables


def save(connection: Connection, change: Saved) -> None:
    """A signal with its new events and their effects. Raises ``VersionConflict``."""
    signal = change.signal
    row = rows.signal_row(signal)
    if change.expected == 0:
        _insert(connection, statements.INSERT_SIGNAL, row, f"signal {signal.signal_id}")
    else:
        row |= {"changed": signal.signal_id, "seen": change.expected}
        if connection.execute(statements.UPDATE_SIGNAL, row).rowcount != 1:
            raise VersionConflict(f"signal {signal.signal_id} is no longer at revision {change.expected}")
    first = signal.version - len(change.events) + 1
    events = [rows.event_row(signal.signal_id, seq, event) for seq, event in enumerate(change.events, first)]
    if events:
        connection.execute(statements.INSERT_EVENTS, events)
    for effect in change.effects:
        record(connection, effect)


def record(connection: Connection, effect: Effect) -> None:
    """An effect one revision on, or a new one. Raises ``VersionConflict``."""
    row = rows.effect_row(effect)
    if effect.revision == 1:
        _insert(connection, statements.INSERT_EFFECT, row, f"effect {effect.key}")
        return
    row |= {"changed": effect.key, "seen": effect.revision - 1}
    if connection.execute(statements.UPDATE_EFFECT, row).rowcount != 1:
        raise VersionConflict(f"effect {effect.key} is no longer at revision {effect.revision - 1}")


def mark(connection: Connection, strategy: str, timeframe: str, watermarks: Sequence[Watermark]) -> None:
    values = [
        {
            "strategy": strategy,
            "timeframe": timeframe,
            "symbol": mark.symbol,
            "anchor_ts": mark.anchor_ts,
            "seen_ts": mark.seen_ts,
        }
        for mark in watermarks
    ]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(tables.watermarks)
    new = {"anchor_ts": statement.excluded.anchor_ts, "seen_ts": statement.excluded.seen_ts}
    keys = ["strategy", "timeframe", "symbol"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), values)


def _insert(connection: Connection, statement: Insert, row: dict[str, object], what: str) -> None:
    try:
        connection.execute(statement, row)
    except IntegrityError:
        raise VersionConflict(f"{what} is already stored") from None
