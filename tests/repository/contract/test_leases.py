"""The right to write: one holds it, by the server's clock, and who has lost it writes nothing."""

from collections.abc import Callable

import pytest

from crypto_signals.domain.errors import LeaseHeld, LeaseLost
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Row, Store, Watermark
from repository.conftest import LEASE_S, OWNER
from repository.samples import DAY, T0, effect, new, settled, signal, stopped

Open = Callable[[], Store]


def test_one_holds_it(store: Store, opened: Open) -> None:
    """Another owner is refused, and told by whom; the holder goes on."""
    with pytest.raises(LeaseHeld, match=OWNER):
        opened().acquire("another host", LEASE_S)
    store.renew()
    store.commit([new(signal())])
    assert len(store.signals()) == 1


def test_it_is_given_back(store: Store, opened: Open) -> None:
    """After a release the next one may write at once, and the former may not."""
    other = opened()
    store.release()
    other.acquire("another host", LEASE_S)
    other.commit([new(signal())])
    with pytest.raises(LeaseLost):
        store.commit([new(signal("b"))])
    store.release()
    other.renew()


def test_it_ends_by_itself(opened: Open) -> None:
    """A lease of no length has ended by the server's clock when the next one asks; the former holder,
    who has not noticed, cannot renew it."""
    first, second = opened(), opened()
    first.acquire("a host that stalls", 0.0)
    second.acquire("another host", LEASE_S)
    second.commit([new(signal())])
    with pytest.raises(LeaseLost, match="a host that stalls"):
        first.renew()
    with pytest.raises(LeaseHeld, match="another host"):
        first.acquire("a host that stalls", LEASE_S)


def test_it_is_renewed(opened: Open) -> None:
    """Renewing keeps it, also when it had ended and nobody took it."""
    first = opened()
    first.acquire("a host", 0.0)
    first.renew()
    first.commit([new(signal())])
    assert len(first.signals()) == 1


def test_an_owner_gets_its_own_back(store: Store, opened: Open) -> None:
    """An instance that crashed and starts again need not wait; what is left of the former one is out."""
    again = opened()
    again.acquire(OWNER, LEASE_S)
    again.commit([new(signal())])
    with pytest.raises(LeaseLost):
        store.renew()
    with pytest.raises(LeaseLost):
        store.commit([new(signal("b"))])
    assert [one.signal_id for one in again.signals()] == ["id-a"]


def test_a_release_that_comes_too_late(store: Store, opened: Open) -> None:
    """Who has lost the lease gives back nothing that is another's."""
    again = opened()
    again.acquire(OWNER, LEASE_S)
    store.release()
    with pytest.raises(LeaseHeld):
        opened().acquire("another host", LEASE_S)


def test_how_long_it_lasts(store: Store) -> None:
    """``left_s`` is never more than was granted, and a renewal fills it up."""
    left = store.left_s()
    assert LEASE_S - 60 < left <= LEASE_S
    later = store.left_s()
    assert later <= left
    store.renew()
    assert later < store.left_s() <= LEASE_S


def test_without_a_lease(opened: Open) -> None:
    """Reading needs none; writing, renewing and asking how long it lasts do."""
    store = opened()
    assert store.signals() == []
    with pytest.raises(LeaseLost):
        store.commit([new(signal())])
    with pytest.raises(LeaseLost):
        store.renew()
    with pytest.raises(LeaseLost):
        store.left_s()
    store.release()
    assert store.signals() == []


WRITES: dict[str, Callable[[Store], object]] = {
    "commit": lambda store: store.commit([new(signal("b"))]),
    "watermarks": lambda store: store.commit([], "test", "1Day", [Watermark("BTC/USD", T0, T0)]),
    "effects": lambda store: store.record_effects([effect(signal()).moved(EffectStatus.DONE)]),
    "start": lambda store: store.start_run(T0, {}, ""),
    "finish": lambda store: store.finish_run("20180301T000000Z-1", T0, {"signals": 1}),
    "expire": lambda store: store.expire({"id-closed": T0 + DAY}),
    "delete": lambda store: store.delete(["id-expired"]),
    "load": lambda store: store.load([Row("runs", "000001", {"number": 1})]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_every_write_is_fenced(opened: Open, write: Callable[[Store], object]) -> None:
    """Whoever has lost the lease without noticing changes nothing, whatever it tries."""
    former, holder = opened(), opened()
    former.acquire("a host that stalls", 0.0)
    holder.acquire("another host", LEASE_S)
    holder.commit([new(signal()), settled(stopped("closed")), settled(stopped("expired"))])
    holder.expire({"id-expired": T0})
    holder.start_run(T0, {}, "")
    before = list(holder.rows())
    with pytest.raises(LeaseLost):
        write(former)
    assert list(holder.rows()) == before
