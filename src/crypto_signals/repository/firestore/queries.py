"""Every query that is asked of Firestore. Each has its index in ``deploy/firestore``."""

from collections.abc import Sequence
from datetime import datetime

from google.cloud.firestore import FieldFilter, Query

from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.repository.firestore.calls import Calls

UNDELIVERED = (EffectStatus.OWED.value, EffectStatus.CLAIMED.value, EffectStatus.UNKNOWN.value)
MOST_VALUES = 30
"""How many values Firestore compares one field with at once."""


def of_book(calls: Calls, strategy: str, timeframe: str, since: datetime) -> tuple[Query, ...]:
    """Open ones first: one that closes between the queries is then found by the later ones as well."""
    mine = (
        calls.query("signals")
        .where(filter=FieldFilter("strategy", "==", strategy))
        .where(filter=FieldFilter("timeframe", "==", timeframe))
    )
    return (
        mine.where(filter=FieldFilter("is_open", "==", True)),
        mine.where(filter=FieldFilter("closed_at", ">=", since)),
        mine.where(filter=FieldFilter("bar_ts", ">=", since)),
    )


def undelivered(calls: Calls) -> Query:
    return calls.query("effects").where(filter=FieldFilter("status", "in", UNDELIVERED))


def of_status(calls: Calls, status: EffectStatus) -> Query:
    return calls.query("effects").where(filter=FieldFilter("status", "==", status.value))


def effects_of(calls: Calls, signal_ids: Sequence[str]) -> tuple[Query, ...]:
    return tuple(
        calls.query("effects").where(
            filter=FieldFilter("signal_id", "in", signal_ids[start : start + MOST_VALUES])
        )
        for start in range(0, len(signal_ids), MOST_VALUES)
    )


def closed_for_good(calls: Calls) -> Query:
    """Closed signals without a time to live, the oldest first."""
    return (
        calls.query("signals")
        .where(filter=FieldFilter("is_open", "==", False))
        .where(filter=FieldFilter("expire_at", "==", None))
        .order_by("closed_at")
    )


def expired(calls: Calls, now: datetime) -> Query:
    return calls.query("signals").where(filter=FieldFilter("expire_at", "<=", now)).order_by("expire_at")


def newest_run(calls: Calls) -> Query:
    return calls.query("runs").order_by("number", direction=Query.DESCENDING)


def everything(calls: Calls, collection: str) -> Query:
    return calls.query(collection).order_by("__name__")
