"""What only Firestore does: answers that are lost, calls that do not end, documents that are full."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import google.api_core.exceptions as google
import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError

from crypto_signals.domain.errors import LeaseHeld, LeaseLost, StoreUnusable, UsageError, VersionConflict
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved, Store, Watermark
from crypto_signals.repository.firestore.calls import translated
from crypto_signals.repository.firestore.store import FirestoreStore
from crypto_signals.repository.opening import open_store
from repository.backends import Backend
from repository.conftest import LEASE_S, OWNER
from repository.firestore_backend import FirestoreBackend, free_port
from repository.firestore_proxy import Proxy, late, lost_reply, lost_request, passed_on
from repository.samples import CREATED, DAY, T0, effect, new, settled, signal, stopped

ENDS_S = 60
"""Far beyond what the store gives itself, and far below the minutes that the library would take."""


@pytest.fixture
def backend(firestore_backend: Backend) -> Backend:
    """Firestore alone."""
    return firestore_backend


@pytest.fixture
def proxy(emulator: str) -> Iterator[Proxy]:
    made = Proxy(emulator)
    yield made
    made.close()


@pytest.fixture
def proxied(opened: Callable[[], Store], proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store behind the proxy, which holds its lease."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    store = opened()
    store.acquire(OWNER, LEASE_S)
    return store


# ------------------------------------------------------------------- lost answers

WRITES: dict[str, Callable[[Store], object]] = {
    "commit": lambda store: store.commit([new(signal("b"))], "test", "1Day", [Watermark("BTC/USD", T0, T0)]),
    "change": lambda store: store.commit([Saved(replace(signal(), version=2), 1, (CREATED,))]),
    "effects": lambda store: store.record_effects([effect(signal()).moved(EffectStatus.CLAIMED)]),
    "run": lambda store: store.start_run(T0, {}, ""),
    "expire": lambda store: store.expire({"id-closed": T0 + DAY}),
    "delete": lambda store: store.delete(["id-expired"]),
    "renew": lambda store: store.renew(),
    "acquire": lambda store: store.acquire(OWNER, LEASE_S),
}


def filled(store: Store) -> None:
    store.commit([new(signal()), settled(stopped("closed")), settled(stopped("expired"))])
    store.expire({"id-expired": T0})


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_lost_answer(
    proxied: Store, proxy: Proxy, write: Callable[[Store], object], code: grpc.StatusCode
) -> None:
    """A batch that arrived and whose answer was lost meets its own write when it is sent again, or asked
    for; it was written, once, and the store goes on."""
    filled(proxied)
    proxy.faults = [lost_reply(code)]
    write(proxied)
    assert proxy.faults == []
    proxied.commit([new(signal("after"))])
    story = proxied.signal("id-a")
    assert len(story[1]) == story[0].version
    assert proxied.signal("id-after")[0] == signal("after")


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_lost_request(proxied: Store, proxy: Proxy, write: Callable[[Store], object]) -> None:
    """A batch that did not arrive is sent again."""
    filled(proxied)
    proxy.faults = [lost_request(), lost_request()]
    write(proxied)
    assert proxy.faults == []


def test_an_answer_that_is_lost_for_the_first_lease(
    opened: Callable[[], Store], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own ``create`` is no other instance."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    store = opened()
    proxy.faults = [lost_reply()]
    store.acquire(OWNER, LEASE_S)
    store.commit([new(signal())])
    with pytest.raises(LeaseHeld, match=OWNER):
        opened().acquire("another host", LEASE_S)


def test_a_fate_that_is_not_known(proxied: Store, proxy: Proxy) -> None:
    """A batch that is not there when asked for, and may still arrive, is no success; the next one goes on."""
    proxy.faults = [lost_request(grpc.StatusCode.CANCELLED)]
    with pytest.raises(StoreUnusable, match=r"the connection broke.*[Cc]heck the network"):
        proxied.commit([new(signal())])
    proxied.commit([new(signal())])
    assert proxied.signals() == [signal()]


def test_what_arrives_late_changes_nothing(proxied: Store, proxy: Proxy) -> None:
    """A batch that was given up for lost, and overtaken by another one, is refused when it arrives."""
    deliveries: list[Callable[[], bytes]] = []
    proxy.faults = [late(deliveries)]
    with pytest.raises(StoreUnusable):
        proxied.commit([new(signal("late"))])
    proxied.commit([new(signal())])
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        deliveries[0]()
    assert proxied.signals() == [signal()]


def test_what_arrives_before_it_is_overtaken(proxied: Store, proxy: Proxy) -> None:
    """One that arrives after all, before the next one is sent: both are there, and the next one has
    noticed, by the lease, that there was something in between."""
    deliveries: list[Callable[[], bytes]] = []
    proxy.faults = [late(deliveries)]
    with pytest.raises(StoreUnusable):
        proxied.commit([new(signal("late"))])
    deliveries[0]()
    proxied.commit([new(signal())])
    assert {one.signal_id for one in proxied.signals()} == {"id-a", "id-late"}
    with pytest.raises(VersionConflict):
        proxied.commit([new(signal("late"))])


def test_a_late_batch_of_a_former_holder(proxied: Store, proxy: Proxy, opened: Callable[[], Store]) -> None:
    """Fencing: what was on its way when the lease changed hands is refused."""
    deliveries: list[Callable[[], bytes]] = []
    proxy.faults = [late(deliveries)]
    with pytest.raises(StoreUnusable):
        proxied.commit([new(signal("late"))])
    holder = opened()
    holder.acquire(OWNER, LEASE_S)
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        deliveries[0]()
    with pytest.raises(LeaseLost):
        proxied.commit([new(signal("later"))])
    assert holder.signals() == []


@pytest.mark.parametrize("broken", range(4))
def test_a_broken_batch_among_many(proxied: Store, proxy: Proxy, broken: int) -> None:
    """More than one batch, of which the one after ``broken`` others is lost: what was written stays, whole;
    the watermarks wait for all of it; looking again completes it."""
    names = [f"{n:04d}" for n in range(500)]
    mark = Watermark("BTC/USD", T0, T0)
    proxy.faults = [*[passed_on] * broken, lost_request(grpc.StatusCode.CANCELLED)]
    with suppress(StoreUnusable):
        proxied.commit([new(signal(name)) for name in names], "test", "1Day", [mark])
    kept = {one.signal_id for one in proxied.signals()}
    assert len(kept) == (0, 199, 398, 500)[broken]
    assert {one.signal_id for one in proxied.undelivered()} == kept
    assert (proxied.watermarks("test", "1Day") == {}) == (len(kept) < 500)
    proxy.faults = []
    rest = [new(signal(name)) for name in names if f"id-{name}" not in kept]
    proxied.commit(rest, "test", "1Day", [mark])
    assert len(proxied.signals()) == 500
    assert proxied.watermarks("test", "1Day") == {"BTC/USD": mark}


@pytest.mark.parametrize("document", ["signals/id-a", "effects/id-a%2F1"])
def test_a_document_that_changes_in_between(
    proxied: Store, proxy: Proxy, backend: FirestoreBackend, document: str
) -> None:
    """Between its check and its arrival someone else writes, who heeds no lease: nothing is overwritten."""
    proxied.commit([new(signal())])

    def interfere(pass_on: Callable[[], bytes], _context: object) -> bytes:
        with backend.client() as client:
            client.document(document).update({"mended": True})
        return pass_on()

    proxy.faults = [interfere]
    done = effect(signal()).moved(EffectStatus.DONE)
    with pytest.raises(VersionConflict):
        proxied.commit([Saved(replace(signal(), version=2), 1, (CREATED,), (done,))])
    assert proxied.signal("id-a") == (signal(), (CREATED,), (effect(signal()),))


# ------------------------------------------------------------------- calls that end


@pytest.fixture(params=["refuses", "is silent"])
def dead(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a server should be: nobody listens, or nobody ever answers."""
    with socket.socket() as listener:
        if request.param == "refuses":
            yield f"127.0.0.1:{free_port()}"
        else:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_backend(dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening fails within ten seconds, in words."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", dead)
    started = time.monotonic()
    with pytest.raises(StoreUnusable, match=r"firestore://nowhere.*[Cc]heck the network"):
        open_store("firestore://nowhere")
    assert time.monotonic() - started < ENDS_S


def test_a_backend_that_dies(proxied: Store, proxy: Proxy) -> None:
    """What is asked of a store whose server went away ends, and says so."""
    proxy.close()
    started = time.monotonic()
    with pytest.raises(StoreUnusable, match=r"[Cc]heck the network"):
        proxied.signals()
    assert time.monotonic() - started < ENDS_S
    started = time.monotonic()
    with pytest.raises(StoreUnusable, match=r"[Cc]heck the network"):
        proxied.commit([new(signal())])
    assert time.monotonic() - started < ENDS_S


# ------------------------------------------------------------------- errors in words


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (google.PermissionDenied("Missing or insufficient permissions."), "roles/datastore.user"),
        (google.Unauthenticated("Request had invalid authentication credentials."), "gcloud auth"),
        (google.NotFound("The database (default) does not exist for project p"), "Create the database"),
        (google.FailedPrecondition("The query requires an index. You can create it here: url"), "deploy"),
        (google.DeadlineExceeded("504 Deadline Exceeded"), "Check the network"),
        (google.ServiceUnavailable("Getting metadata from plugin failed with error: x"), "Log in"),
        (google.ServiceUnavailable("failed to connect to all addresses"), "Check the network"),
        (google.ResourceExhausted("Quota exceeded."), "quota is used up"),
        (google.InvalidArgument("exceeds the maximum allowed size"), "nothing of it was written"),
        (google.RetryError("Timeout of 5.0s exceeded", google.ResourceExhausted("Quota exceeded.")), "quota"),
        (google.RetryError("Timeout of 5.0s exceeded", None), "Check the network"),
        (google.InternalServerError(""), "Check the network"),
        (DefaultCredentialsError("File /key.json was not found."), "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_every_error_says_what_to_do(error: Exception, advice: str) -> None:
    """Whatever Google's library raises: which store, what happened, what to do."""
    with (
        pytest.raises(StoreUnusable, match=rf"the store firestore://p cannot be used: .+{advice}"),
        translated("firestore://p"),
    ):
        raise error


def test_a_missing_index(proxied: Store, proxy: Proxy) -> None:
    """A query without its index fails at once, with the server's link and what to deploy."""
    proxy.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "The query requires an index: https://console/x")
    with pytest.raises(StoreUnusable, match=r"https://console/x.*deploy/firestore"):
        proxied.undelivered()


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=plain | environment, capture_output=True, text=True, check=False, timeout=120
    )


OPEN = """
import sys
from crypto_signals.domain.errors import SentinelError
from crypto_signals.repository.opening import open_store
{before}
try:
    open_store("{url}")
except SentinelError as error:
    print(type(error).__name__, error)
print(*(name for name in sys.modules if name.startswith(("google", "grpc"))))
"""


def test_without_googles_library() -> None:
    """The extra that is missing is named."""
    done = run(OPEN.format(before="sys.modules['google.cloud.firestore'] = None", url="firestore://p"))
    assert done.stdout.startswith("UsageError"), done.stderr
    assert "crypto-sentinel[firestore]" in done.stdout


def test_googles_library_stays_out_of_the_way(tmp_path: Path) -> None:
    """Who keeps signals in SQLite does not load it."""
    done = run(OPEN.format(before="", url=f"sqlite:///{tmp_path / 'sentinel.db'}"))
    assert done.stdout.strip() == "", done.stderr


@pytest.mark.parametrize("key", ["", "/nowhere/key.json"])
def test_without_credentials(tmp_path: Path, key: str) -> None:
    """No login and no key, or a key that is not there: said at once, with what to do."""
    environment = {"HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    if key:
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = key
    done = run(OPEN.format(before="", url="firestore://p"), **environment)
    assert done.stdout.startswith("StoreUnusable"), done.stderr
    assert "gcloud auth application-default login" in done.stdout


# ------------------------------------------------------------------- limits


def test_a_document_that_is_full(store: Store) -> None:
    """A signal beyond what a document holds is refused whole; the store goes on."""
    huge = signal("huge", context=("x" * 1_100_000,))
    with pytest.raises(StoreUnusable, match="beyond what Firestore takes"):
        store.commit([new(huge)], "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    assert store.signals() == []
    assert store.watermarks("test", "1Day") == {}
    store.commit([new(signal())])
    assert store.signals() == [signal()]


def test_more_events_than_a_life_has(store: Store) -> None:
    """A document that grows without end is stopped before the server does."""
    one = signal(version=1000)
    store.commit([Saved(one, 0, (CREATED,) * 1000)])
    assert len(store.signal("id-a")[1]) == 1000
    with pytest.raises(StoreUnusable, match="more than 1000 events"):
        store.commit([Saved(replace(one, version=1001), 1000, (CREATED,))])


def test_watermarks_of_a_whole_market(store: Store, backend: FirestoreBackend) -> None:
    """Twelve thousand symbols, each with times of its own, take less than half of what a document holds."""
    chance = random.Random(4)  # noqa: S311 - no secret
    marks = [
        Watermark(f"S{n}/USD", T0 + chance.randrange(2000) * DAY, T0 + chance.randrange(2000) * DAY)
        for n in range(12_000)
    ]
    store.commit([], "test", "5Min", marks)
    assert store.watermarks("test", "5Min") == {mark.symbol: mark for mark in marks}
    with backend.client() as client:
        assert len(client.document("watermarks", "test|5Min").get().get("marks")) < 500_000


def test_a_batch_is_bounded(proxied: Store, proxy: Proxy) -> None:
    """At most 400 writes a batch, and few megabytes, however much is handed in."""
    from google.cloud.firestore_v1.types import CommitRequest  # noqa: PLC0415

    proxy.asked.clear()
    proxied.commit([new(signal(str(n))) for n in range(450)])
    proxied.commit([new(signal(f"large {n}", context=("x" * 300_000,))) for n in range(30)])
    sizes = [len(request) for _, request in proxy.asked]
    writes = [len(CommitRequest.deserialize(request).writes) for _, request in proxy.asked]
    assert max(writes) <= 400
    assert sum(writes) == 2 * 480 + len(writes)
    assert max(sizes) < 10 * 2**20 / 2


# ------------------------------------------------------------------- lease and schema


def test_a_newer_schema_is_refused(
    store: Store, backend: FirestoreBackend, opened: Callable[[], Store]
) -> None:
    """A store written by a newer program is left alone, with what to do."""
    with backend.client() as client:
        client.document("leases", "run").update({"schema": 99})
    with pytest.raises(StoreUnusable, match=r"schema 99.*newer version.*Update"):
        opened()
    with pytest.raises(StoreUnusable, match="newer version"):
        store.commit([new(signal())])


@pytest.mark.parametrize("field", ["owner", "term", "seconds", "token"])
def test_a_lease_that_is_damaged(opened: Callable[[], Store], backend: FirestoreBackend, field: str) -> None:
    """It says what is damaged and what to do, and nobody acts under it."""
    opened().acquire(OWNER, LEASE_S)
    with backend.client() as client:
        client.document("leases", "run").update({field: ["no", "such"]})
    with pytest.raises(StoreUnusable, match=r"damaged.*delete the document leases/run"):
        opened().acquire(OWNER, LEASE_S)


def test_a_lease_that_someone_removed(store: Store, backend: FirestoreBackend) -> None:
    """Without the document there is no right to write."""
    with backend.client() as client:
        client.document("leases", "run").delete()
    with pytest.raises(LeaseLost):
        store.commit([new(signal())])
    assert store.signals() == []


def test_every_write_renews(backend: FirestoreBackend, opened: Callable[[], Store]) -> None:
    """Who writes holds the lease for its full time again."""
    clock = [0.0]
    with backend.client() as client:
        store = FirestoreStore(client, "test", lambda: clock[0])
        store.acquire(OWNER, LEASE_S)
        clock[0] = 400.0
        assert store.left_s() == 200.0
        store.commit([new(signal())])
        assert store.left_s() == LEASE_S
    assert opened().signals() == [signal()]


def test_an_effect_whose_signal_is_gone(store: Store, backend: FirestoreBackend) -> None:
    """A document that a person removed: its effects are kept and reported, and the others delivered."""
    store.commit([new(signal("a")), new(signal("gone"))])
    with backend.client() as client:
        client.document("signals", "id-gone").delete()
    assert store.undelivered() == [effect(signal("a"))]
    assert [one.signal_id for one in store.unreadable()] == ["id-gone"]


def test_what_the_policy_has_half_deleted(store: Store, backend: FirestoreBackend) -> None:
    """The service deletes documents after their time one by one, within a day: what is left of a signal in
    between is in nobody's way, and does not travel."""
    store.commit([settled(stopped("a")), settled(stopped("b")), settled(stopped("c"))])
    store.expire({"id-a": T0, "id-b": T0})
    with backend.client() as client:
        client.document("signals", "id-a").delete()
        client.document("effects", "id-b%2F1").delete()
    assert {row.key for row in store.rows() if row.table in {"signals", "effects"}} == {
        "id-b",
        "id-c",
        "id-c/1",
    }
    assert store.undelivered() == []
    assert store.expired(T0) == ["id-b"]
    assert store.unreadable() == []
    store.delete(["id-a", "id-b"])
    assert [one.signal_id for one in store.signals()] == ["id-c"]


@pytest.mark.parametrize("url", ["firestore://", "firestore:///database"])
def test_an_address_without_a_project(url: str) -> None:
    with pytest.raises(UsageError, match="STORE_URL"):
        open_store(url)


def test_a_named_database(emulator: str, monkeypatch: pytest.MonkeyPatch, backend: FirestoreBackend) -> None:
    """``firestore://PROJECT/DATABASE`` is another store than the project's default one."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulator)
    with closing(open_store(backend.url)) as default, closing(open_store(f"{backend.url}/other")) as other:
        for store in (default, other):
            store.acquire(OWNER, LEASE_S)
        other.commit([new(signal())])
        assert default.signals() == []
        assert other.signals() == [signal()]
