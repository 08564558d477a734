"""Times to live: given once to what is over, and only what is over is ever deleted."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from crypto_signals.domain.errors import SentinelError
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus
from crypto_signals.engine.ports import Saved, Store, Story
from repository.backends import Backend
from repository.samples import CREATED, DAY, HOUR, STOPPED, T0, effect, new, settled, signal, stopped


def at_rest(store: Store, limit: int = 100) -> list[str]:
    return [story.signal.signal_id for story in store.at_rest(limit)]


def expiries(store: Store) -> dict[tuple[str, str], object]:
    """The time to live of every row that can have one, as it travels."""
    kinds = ("signals", "events", "effects")
    return {(row.table, row.key): row.fields["expire_at"] for row in store.rows() if row.table in kinds}


def test_what_is_at_rest(store: Store) -> None:
    """Closed signals that owe nothing, the oldest first, whole; as many as asked for."""
    old, newer = stopped("z", T0 - DAY), stopped("a", T0)
    dead = stopped("dead", T0 + HOUR)
    superseded = stopped("superseded", T0 + 2 * HOUR)
    store.commit(
        [
            settled(newer),
            settled(old),
            settled(superseded, EffectStatus.SUPERSEDED),
            settled(dead, EffectStatus.DEAD),
            new(signal("open")),
            settled(stopped("owes", T0 - 9 * DAY), EffectStatus.OWED),
            settled(stopped("claimed", T0 - 9 * DAY), EffectStatus.CLAIMED),
            settled(stopped("unknown", T0 - 9 * DAY), EffectStatus.UNKNOWN),
        ]
    )
    assert at_rest(store) == ["id-z", "id-a", "id-dead", "id-superseded"]
    assert at_rest(store, 2) == ["id-z", "id-a"]
    done = effect(old, status=EffectStatus.DONE)
    assert store.at_rest(1) == [Story(old, (CREATED, STOPPED), (done,))]


def test_what_never_owed_anything_is_at_rest(store: Store) -> None:
    """A shadow signal has no effects; it too comes to its end."""
    store.commit([Saved(stopped("shadow"), 0, (CREATED, STOPPED))])
    assert at_rest(store) == ["id-shadow"]


def test_one_debt_among_many_effects_counts(store: Store) -> None:
    """A signal is at rest when the last of its effects is settled, and not before."""
    one = stopped("a")
    done = effect(one, status=EffectStatus.DONE)
    owed = effect(one, 2, kind=EffectKind.FOLLOW_UP)
    store.commit([Saved(one, 0, (CREATED, STOPPED), (done, owed))])
    assert at_rest(store) == []
    store.record_effects([owed.moved(EffectStatus.DONE)])
    assert at_rest(store) == ["id-a"]


def test_a_time_to_live_is_given_to_all_of_a_signal(store: Store) -> None:
    """The signal, its events and its effects get one and the same; nothing else gets any. No other write
    sets it."""
    store.commit([settled(stopped("a")), settled(stopped("b")), new(signal("open"))])
    assert set(expiries(store).values()) == {None}
    store.expire({"id-a": T0 + 90 * DAY})
    given = {key for key, value in expiries(store).items() if value is not None}
    assert given == {
        ("signals", "id-a"),
        ("events", "id-a/000001"),
        ("events", "id-a/000002"),
        ("effects", "id-a/1"),
    }
    assert {expiries(store)[key] for key in given} == {"2018-05-30T00:00:00.000000Z"}
    assert at_rest(store) == ["id-b"]
    assert store.signal("id-a")[0] == stopped("a")


def test_what_has_expired(store: Store, restarted: Callable[[Store], Store]) -> None:
    """Those whose time has come, to the microsecond, the oldest first; also after a restart."""
    store.commit([settled(stopped(name)) for name in "abc"] + [settled(stopped("never"))])
    store.expire({"id-b": T0, "id-c": T0 + DAY, "id-a": T0 + 2 * DAY})
    again = restarted(store)
    moment = dt.timedelta(microseconds=1)
    assert again.expired(T0 - moment) == []
    assert again.expired(T0) == ["id-b"]
    assert again.expired(T0 + 2 * DAY - moment) == ["id-b", "id-c"]
    assert again.expired(T0 + 900 * DAY) == ["id-b", "id-c", "id-a"]


def test_what_has_expired_is_deleted_whole(store: Store) -> None:
    """Signal, events and effects go; the others stay as they are; a second time changes nothing."""
    store.commit([settled(stopped("a")), settled(stopped("b")), new(signal("open"))])
    store.expire({"id-a": T0})
    rest = [row for row in store.rows() if "id-a" not in row.key]
    store.delete(["id-a"])
    store.delete(["id-a", "nobody"])
    assert list(store.rows()) == rest
    assert store.expired(T0 + DAY) == []
    with pytest.raises(KeyError):
        store.signal("id-a")


def test_only_what_has_a_time_to_live_is_deleted(store: Store) -> None:
    """Whatever ids are handed in: what is open, or owes something, or was not archived, stays."""
    store.commit([settled(stopped("a")), new(signal("open")), settled(stopped("owes"), EffectStatus.OWED)])
    before = list(store.rows())
    store.delete(["id-a", "id-open", "id-owes"])
    assert list(store.rows()) == before


@pytest.mark.parametrize("name", ["open", "owes", "nobody"])
def test_what_is_not_over_gets_no_time_to_live(store: Store, name: str) -> None:
    """A time to live for what is open, owes something or is not there is refused, with all that was asked
    for it: nothing of that signal is changed."""
    store.commit([new(signal("open")), settled(stopped("owes"), EffectStatus.UNKNOWN)])
    before = list(store.rows())
    with pytest.raises(SentinelError, match=f"id-{name}"):
        store.expire({f"id-{name}": T0})
    assert list(store.rows()) == before


@pytest.mark.parametrize(
    ("table", "key"), [("signals", "id-bad"), ("events", "id-bad/000002"), ("effects", "id-bad/1")]
)
def test_what_cannot_be_read_is_kept(store: Store, backend: Backend, table: str, key: str) -> None:
    """A damaged row is archived by nobody, and one that was damaged later is deleted by nobody; neither
    stands in the way of the others, and both are reported."""
    bad = stopped("bad", T0 - 9 * DAY)
    store.commit([settled(bad), settled(stopped("good"))])
    backend.damage(table, key)
    assert at_rest(store, 1) == ["id-good"]
    assert [one.signal_id for one in store.unreadable()] == ["id-bad"]
    store.commit([settled(replace(stopped("later"), version=2))])
    store.expire({"id-good": T0, "id-later": T0})
    backend.damage(table, key.replace("bad", "later"))
    assert store.expired(T0 + DAY) == ["id-good"]
    assert {one.signal_id for one in store.unreadable()} == {"id-bad", "id-later"}
    before = len(list(store.rows()))
    store.delete(store.expired(T0 + DAY))
    assert len(list(store.rows())) == before - 4


def test_many_at_once(store: Store) -> None:
    """More than any store writes in one transaction."""
    names = [f"{n:04d}" for n in range(600)]
    store.commit([settled(stopped(name)) for name in names])
    ids = at_rest(store, 1000)
    assert ids == [f"id-{name}" for name in names]
    store.expire(dict.fromkeys(ids, T0))
    assert sorted(store.expired(T0)) == ids
    store.delete(ids)
    assert list(store.rows()) == []
