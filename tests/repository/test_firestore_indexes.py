"""The indexes that are deployed. The emulator asks for none; production answers no query without its own."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud.firestore_v1.types import RunQueryRequest, StructuredQuery

from crypto_signals.engine.ports import Store
from crypto_signals.repository.firestore import calls
from repository.backends import Backend
from repository.conftest import LEASE_S, OWNER
from repository.contract.test_transfer import fill
from repository.firestore_backend import FirestoreBackend
from repository.firestore_proxy import RUN_QUERY, Proxy
from repository.samples import DAY, T0, effect, new, settled, signal, stopped

DEPLOYED = Path(__file__).parents[2] / "deploy" / "firestore"
Index = tuple[str, tuple[tuple[str, str], ...]]
"""A collection, and its fields in order, each with its direction."""


@pytest.fixture
def backend(firestore_backend: Backend) -> Backend:
    return firestore_backend


@pytest.fixture
def proxy(emulator: str) -> Iterator[Proxy]:
    made = Proxy(emulator)
    yield made
    made.close()


@pytest.fixture
def store(opened: Callable[[], Store], proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Seen through, and in pages so small that each query needs more than one."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    monkeypatch.setattr(calls, "PAGE", 1)
    made = opened()
    made.acquire(OWNER, LEASE_S)
    return made


def do_everything(store: Store) -> None:
    """Every method of the store, over more than a page of what it looks for."""
    fill(store)
    store.commit([new(signal("e")), settled(stopped("f")), settled(stopped("g")), settled(stopped("h"))])
    store.expire({"id-g": T0, "id-h": T0})
    store.book("test", "1Day", T0 - DAY)
    store.signals()
    store.signal("id-a")
    store.undelivered()
    store.watermarks("test", "1Day")
    assert len(store.at_rest(9)) == 2
    store.delete(store.expired(T0))
    store.load(list(store.rows()))


def file() -> dict[str, list[dict[str, object]]]:
    parsed: dict[str, list[dict[str, object]]] = json.loads(
        (DEPLOYED / "firestore.indexes.json").read_text(encoding="utf-8")
    )
    return parsed


def listed() -> set[Index]:
    """Composite ones, and those of single fields that are left on."""
    found: set[Index] = set()
    for index in file()["indexes"]:
        assert index["queryScope"] == "COLLECTION"
        fields = tuple((field["fieldPath"], field["order"]) for field in index["fields"])  # type: ignore[attr-defined]
        found.add((str(index["collectionGroup"]), fields))
    for override in file()["fieldOverrides"]:
        for index in override["indexes"]:  # type: ignore[attr-defined]
            assert index["queryScope"] == "COLLECTION"
            field = (str(override["fieldPath"]), str(index["order"]))
            found.add((str(override["collectionGroup"]), (field,)))
    return found


def needed(request: bytes) -> Index | None:
    """The index of a query: what it compares for equality, then what it is ordered by. Names of documents
    end every index, and alone need none."""
    query = RunQueryRequest.deserialize(request).structured_query
    equal, ranges = compared(query.where)
    orders = [(order.field.field_path, order.direction.name) for order in query.order_by]
    ordered = [order for order in orders if order[0] != "__name__"]
    ordered = ordered or [(name, "ASCENDING") for name in ranges]
    fields = tuple((name, "ASCENDING") for name in equal) + tuple(ordered)
    return (query.from_[0].collection_id, fields) if fields else None


def compared(where: StructuredQuery.Filter) -> tuple[list[str], list[str]]:
    """The fields that a query compares for equality, and the others."""
    parts = where.composite_filter.filters if "composite_filter" in where else [where]
    equal, ranges = [], []
    for part in parts:
        if "unary_filter" in part:
            equal.append(part.unary_filter.field.field_path)
        elif "field_filter" in part:
            alike = part.field_filter.op.name in {"EQUAL", "IN"}
            (equal if alike else ranges).append(part.field_filter.field.field_path)
    return equal, ranges


def test_each_query_has_its_index_and_no_index_is_idle(store: Store, proxy: Proxy) -> None:
    """What the store asked is what is deployed: a query without an index fails in production, and an index
    without a query makes each write dearer."""
    do_everything(store)
    asked = {needed(request) for method, request in proxy.asked if method == RUN_QUERY} - {None}
    assert asked == listed()


def test_every_field_is_decided_upon(store: Store, backend: FirestoreBackend) -> None:
    """Each field that is stored is listed, with its index or without; Firestore would index it by itself,
    bodies and lists of events included, and refuse a document with too many entries."""
    do_everything(store)
    stored = defaultdict(set)
    with backend.client() as client:
        for collection in client.collections():
            for document in collection.stream():
                stored[collection.id] |= set(document.to_dict() or {})
    decided = defaultdict(set)
    for override in file()["fieldOverrides"]:
        decided[override["collectionGroup"]].add(override["fieldPath"])
    assert stored == decided


def test_the_times_to_live_are_enforced() -> None:
    """The service's own policy deletes signals, with their events, and effects after ``expire_at``."""
    lives = {
        (override["collectionGroup"], override["fieldPath"])
        for override in file()["fieldOverrides"]
        if override.get("ttl")
    }
    assert lives == {("signals", "expire_at"), ("effects", "expire_at")}


def test_what_is_deployed_is_named() -> None:
    """`firebase deploy` finds the file by the one beside it."""
    named = json.loads((DEPLOYED / "firebase.json").read_text(encoding="utf-8"))["firestore"]["indexes"]
    assert (DEPLOYED / named).exists()


def test_times_are_times(store: Store, backend: FirestoreBackend) -> None:
    """The policy, and ranges, see timestamps: a text would be kept for ever."""
    one = stopped("a")
    store.commit([settled(one), new(signal("b", bar_ts=T0))])
    store.expire({"id-a": T0})
    with backend.client() as client:
        fields = client.document("signals", "id-a").get().to_dict()
        owed = client.document("effects", effect(one).key.replace("/", "%2F")).get().to_dict()
    assert fields is not None
    assert owed is not None
    assert fields["expire_at"] == owed["expire_at"] == fields["bar_ts"] == fields["closed_at"] == T0


def test_the_guide_names_every_collection(store: Store, backend: FirestoreBackend) -> None:
    """What a person finds in the console is explained."""
    do_everything(store)
    guide = (DEPLOYED.parents[1] / "docs" / "how-to" / "firestore.md").read_text(encoding="utf-8")
    with backend.client() as client:
        assert all(f"| `{collection.id}` |" in guide for collection in client.collections())
