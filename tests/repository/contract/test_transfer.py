"""Moving: everything that one store holds, as any other can hold it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Row, Saved, Store, Watermark
from crypto_signals.repository.opening import open_store
from crypto_signals.repository.portable import PRIMARY_KEYS, key_of
from crypto_signals.repository.tables import metadata
from repository.backends import Backend
from repository.samples import CREATED, DAY, T0, effect, new, settled, signal, stopped


def fill(store: Store) -> None:
    """Something of every kind, in every state that matters here."""
    claimed = effect(signal("b")).moved(EffectStatus.CLAIMED, claimed_by="run", settles_at=T0 + DAY)
    store.commit(
        [
            new(signal("a", symbol="Äpfel/漢")),
            Saved(signal("b"), 0, (CREATED,), (replace(claimed, revision=1),)),
            settled(stopped("c")),
            settled(stopped("d")),
        ],
        "test",
        "1Day",
        [Watermark("BTC/USD", T0, T0 + DAY), Watermark("AAPL", T0, T0)],
    )
    store.record_effects([replace(claimed, revision=2, attempts=1)])
    store.expire({"id-d": T0 + 9 * DAY})
    run = store.start_run(T0, {"test": "v1"}, "hash")
    store.finish_run(run, T0 + DAY, {"signals": 4, "errors": [], "result_r": None, "ratio": 0.1})
    store.start_run(T0, {}, "")


def test_what_travels(store: Store) -> None:
    """All tables but the lease, each row under its key, with JSON's types and all columns."""
    fill(store)
    rows = list(store.rows())
    assert [row.table for row in rows] == sorted((r.table for r in rows), key=list(PRIMARY_KEYS).index)
    assert {row.table for row in rows} == set(PRIMARY_KEYS)
    for row in rows:
        assert row.key == key_of(row.table, row.fields)
        assert set(row.fields) == set(metadata.tables[row.table].columns.keys())
        assert json.loads(json.dumps(row.fields)) == row.fields
    for table in PRIMARY_KEYS:
        keys = [row.key for row in rows if row.table == table]
        assert keys == sorted(set(keys))
    (mark,) = (row for row in rows if row.key == "test/1Day/BTC/USD")
    assert mark.fields["seen_ts"] == "2018-03-02T00:00:00.000000Z"


def test_the_fields_of_every_table() -> None:
    """The form in which rows travel names each table and its primary key."""
    held = {name: tuple(c.name for c in table.primary_key) for name, table in metadata.tables.items()}
    del held["leases"]
    assert held == dict(PRIMARY_KEYS)


def test_a_copy_is_the_same(store: Store, tmp_path: Path) -> None:
    """Into an empty SQLite store and the same rows come out of it; what is read is the same too."""
    fill(store)
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    copy.acquire("copy", 600)
    copy.load(store.rows())
    assert list(copy.rows()) == list(store.rows())
    assert copy.signals() == store.signals()
    assert copy.undelivered() == store.undelivered()
    assert copy.expired(T0 + 99 * DAY) == store.expired(T0 + 99 * DAY) == ["id-d"]
    copy.close()


def test_a_store_takes_in_another(store: Store, tmp_path: Path, restarted: Callable[[Store], Store]) -> None:
    """From a SQLite store into this one, which then goes on as if it had been its own."""
    source = open_store(f"sqlite:///{tmp_path / 'source.db'}")
    source.acquire("source", 600)
    fill(source)
    store.load(source.rows())
    rows = list(source.rows())
    source.close()
    again = restarted(store)
    assert list(again.rows()) == rows
    assert again.watermarks("test", "1Day")["BTC/USD"] == Watermark("BTC/USD", T0, T0 + DAY)
    assert again.start_run(T0, {}, "") == "20180301T000000Z-3"
    one, events, (claimed,) = again.signal("id-b")
    again.record_effects([claimed.moved(EffectStatus.DONE)])
    again.commit([Saved(replace(one, version=2), 1, (CREATED,))])
    assert again.signal("id-b")[1] == (*events, CREATED)
    assert [story.signal.signal_id for story in again.at_rest(9)] == ["id-c"]


def test_loading_twice_changes_nothing(store: Store) -> None:
    """A copy that was interrupted is begun again; rows that are there are replaced by what came."""
    fill(store)
    rows = list(store.rows())
    store.load(rows[: len(rows) // 2])
    store.load(iter(rows))
    assert list(store.rows()) == rows
    (run,) = (row for row in rows if row.key == "000002")
    store.load([replace(run, fields={**run.fields, "config_hash": "changed"})])
    changed = [row for row in store.rows() if row not in rows]
    assert [row.fields["config_hash"] for row in changed] == ["changed"]
    assert len(list(store.rows())) == len(rows)


def test_what_makes_no_sense_travels_too(store: Store, backend: Backend, tmp_path: Path) -> None:
    """Damaged rows are copied as they are; nothing is lost by moving."""
    fill(store)
    for table, key in (("signals", "id-a"), ("events", "id-b/000001"), ("effects", "id-c/1")):
        backend.damage(table, key)
    rows = list(store.rows())
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    copy.acquire("copy", 600)
    copy.load(rows)
    assert list(copy.rows()) == rows
    assert {one.signal_id for one in copy.signals()} == {"id-b", "id-c", "id-d"}
    copy.close()
    store.load(rows)
    assert list(store.rows()) == rows


def test_rows_come_one_after_the_other(store: Store) -> None:
    """Reading them does not keep the store from working, nor does leaving off in the middle."""
    fill(store)
    rows = store.rows()
    first = next(rows)
    assert first.table == "signals"
    store.commit([new(signal("between"))])
    store.renew()
    assert next(rows).key == "id-b"
    rows.close()  # type: ignore[attr-defined]
    assert len(store.signals()) == 5


def test_a_table_that_is_not_known(store: Store) -> None:
    """A row of a newer program is refused in words, and nothing of it is stored."""
    for row in (Row("positions", "1", {"number": 1}), Row("runs", "000001", {"number": 1, "colour": "red"})):
        with pytest.raises(UsageError, match=f"{row.table}|colour"):
            store.load([row])
    assert list(store.rows()) == []
