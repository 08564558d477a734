"""Everything from one store to another, verified row by row; what was cut off goes on where it was."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.engine.ports import Row, Transfer

BATCH = 400

Digests = dict[tuple[str, str], bytes]


def copy(source: Transfer, target: Transfer) -> Iterator[int]:
    """Copies what ``target`` does not hold yet; yields how many rows after each batch.

    Raises ``UsageError`` where the source holds nothing, or the target anything else already,
    ``StoreUnusable`` where what arrived is not what was sent.
    """
    wanted = digests(source)
    if not wanted:
        raise UsageError("the source holds nothing: check its address")
    there = digests(target)
    strange = [key for key, digest in there.items() if wanted.get(key) != digest]
    if strange:
        table, key = strange[0]
        raise UsageError(
            f"the target already holds something else: {len(strange)} rows, the first in {table}: {key}. "
            "Copy into an empty store."
        )
    missing = (row for row in source.rows() if (row.table, row.key) not in there)
    for batch in _batches(missing):
        target.load(batch)
        yield len(batch)
    if digests(target) != wanted:
        raise StoreUnusable("the copy differs from its source: something wrote to one of them. Copy again.")


def digests(store: Transfer) -> Digests:
    """A hash of every row. Raises ``StoreUnusable`` for one that no other store could hold."""
    return {(row.table, row.key): _digest(row) for row in store.rows()}


def _digest(row: Row) -> bytes:
    try:
        text = json.dumps(row.fields, sort_keys=True, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StoreUnusable(
            f"a row cannot be copied, {row.table}: {row.key} holds bytes that are no text. "
            "Restore it from a backup, or delete it."
        ) from None
    return hashlib.sha256(text).digest()


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch
