"""One bad apple: a damaged row is kept and reported, and the others go on."""

from collections.abc import Callable

import pytest

from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.engine.ports import Store, Watermark
from repository.backends import Backend
from repository.samples import DAY, T0, effect, new, signal, stopped


def rows_of(store: Store, name: str) -> list[object]:
    return [row for row in store.rows() if row.key.startswith(name)]


@pytest.fixture
def three(store: Store) -> Store:
    store.commit([new(signal("a")), new(signal("bad", symbol="ETH/USD")), new(signal("c"))])
    return store


def test_a_damaged_signal(three: Store, backend: Backend) -> None:
    """The book and the list go on without it; it is named with its symbol, and that it is open."""
    backend.damage("signals", "id-bad")
    kept = rows_of(three, "id-bad")
    assert [one.signal_id for one in three.signals()] == ["id-a", "id-c"]
    assert [one.signal_id for one in three.book("test", "1Day", T0)] == ["id-a", "id-c"]
    with pytest.raises(UnreadableRow, match="id-bad"):
        three.signal("id-bad")
    (noted,) = three.unreadable()
    assert (noted.signal_id, noted.symbol, noted.is_open) == ("id-bad", "ETH/USD", True)
    assert "id-bad" in noted.reason
    assert rows_of(three, "id-bad") == kept


def test_what_a_damaged_signal_owes_is_still_listed(three: Store, backend: Backend) -> None:
    """Its effects can be read, so they are; who acts on them finds that the signal cannot."""
    backend.damage("signals", "id-bad")
    assert {one.signal_id for one in three.undelivered()} == {"id-a", "id-bad", "id-c"}


def test_a_damaged_event(three: Store, backend: Backend) -> None:
    """The signal stays in the book; its story cannot be read."""
    backend.damage("events", "id-bad/000001")
    assert len(three.signals()) == 3
    with pytest.raises(UnreadableRow, match="id-bad"):
        three.signal("id-bad")
    assert three.signal("id-a")[0] == signal("a")


def test_a_damaged_effect(three: Store, backend: Backend) -> None:
    """It is owed by nobody until it is mended, and reported; the other effects are delivered."""
    backend.damage("effects", "id-bad/1")
    kept = rows_of(three, "id-bad")
    assert three.undelivered() == [effect(signal("a")), effect(signal("c"))]
    assert [one.signal_id for one in three.unreadable()] == ["id-bad"]
    with pytest.raises(UnreadableRow, match="id-bad"):
        three.signal("id-bad")
    assert len(three.signals()) == 3
    assert rows_of(three, "id-bad") == kept


def test_a_damaged_watermark(store: Store, backend: Backend) -> None:
    """A mark that cannot be read is reported with its symbol, which opens nothing in this run; the other
    symbols go on. The next mark takes its place."""
    good = Watermark("AAPL", T0, T0)
    store.commit([], "test", "1Day", [good, Watermark("BTC/USD", T0, T0 + DAY)])
    backend.damage("watermarks", "test/1Day/BTC/USD")
    assert store.watermarks("test", "1Day") == {"AAPL": good}
    (noted,) = store.unreadable()
    assert noted.symbol == "BTC/USD"
    assert noted.is_open
    assert "watermark" in noted.reason
    store.commit([], "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    assert store.watermarks("test", "1Day")["BTC/USD"].seen_ts == T0


def test_a_closed_one_is_said_to_be_closed(store: Store, backend: Backend) -> None:
    """What is closed takes up no place."""
    store.commit([new(stopped("bad"))])
    backend.damage("signals", "id-bad")
    assert store.signals() == []
    assert [one.is_open for one in store.unreadable()] == [False]


def test_it_is_found_again_after_a_restart(
    three: Store, backend: Backend, restarted: Callable[[Store], Store]
) -> None:
    """Nothing is remembered of a damaged row but the row."""
    backend.damage("signals", "id-bad")
    again = restarted(three)
    assert again.unreadable() == []
    assert len(again.signals()) == 2
    assert len(again.unreadable()) == 1
