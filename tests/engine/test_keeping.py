"""What is over goes to the warehouse, then is deleted in its time; what is open, owed or damaged never is."""

import datetime as dt
from collections.abc import Callable

import pytest

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.engine.keeping import Keeper, Lifetimes
from crypto_signals.warehouse.duckdb import DuckDbWarehouse

from .world import BTC, ETH, LTC, World, bars, day, flat, pattern

Build = Callable[..., World]
D = 60
LIFETIMES = Lifetimes(signal=dt.timedelta(days=30), shadow=dt.timedelta(days=7))


def ended(world: Build) -> World:
    """BTC stopped out on day D + 2, a shadow of ETH closed on that day too; LTC is still open."""
    market = {
        symbol: bars(D + 9, {D + 2: flat(85.0)} if symbol != LTC else None) for symbol in (BTC, ETH, LTC)
    }
    made = world(
        market,
        pattern("hit", {BTC: [day(D)], LTC: [day(D)]}),
        pattern("gated", {ETH: [day(D)]}, gates=("neckline",), neckline=150.0),
    )
    made.each(D - 1, D + 4)
    return made


def keeper(world: World) -> Keeper:
    return Keeper(world.store, lambda: warehouse(world), LIFETIMES)


def warehouse(world: World) -> DuckDbWarehouse:
    return DuckDbWarehouse(world.folder / "warehouse.duckdb")


def kept(world: World) -> list[object]:
    """The symbols of the signals in the warehouse, each of which has its outcome and its events."""
    asked = (
        "SELECT symbol FROM signals JOIN outcomes USING (signal_id) "
        "WHERE signal_id IN (SELECT signal_id FROM events) ORDER BY symbol"
    )
    return [row["symbol"] for row in warehouse(world).ask(asked).rows]


def test_what_is_at_rest_is_kept_once(world: Build) -> None:
    """The closed ones go to the warehouse with their story, the open one does not, and none a second time."""
    w = ended(world)
    assert list(keeper(w).archived()) == [2]
    assert kept(w) == [BTC, ETH]
    assert list(keeper(w).archived()) == []


def test_what_is_owed_is_not_at_rest(world: Build) -> None:
    """A closed signal of which people are still owed news is kept back."""
    w = ended(world)
    btc = next(signal for signal in w.signals() if signal.symbol == BTC)
    last = w.effects(btc.signal_id)[-1]
    w.store.record_effects([last.moved(last.status.OWED)])
    assert list(keeper(w).archived()) == [1]
    assert kept(w) == [ETH]


def test_each_kind_has_its_own_time(world: Build) -> None:
    """Shadows go after a week, signals after a month, from the bar that closed them; open ones never."""
    w = ended(world)
    list(keeper(w).archived())
    symbols = []
    for days in (8, 10, 31, 33, 4000):
        list(keeper(w).cleaned(day(D + days)))
        symbols.append(sorted(signal.symbol for signal in w.signals()))
    assert symbols == [[BTC, ETH, LTC], [BTC, LTC], [BTC, LTC], [LTC], [LTC]]


def test_nothing_is_deleted_that_was_not_kept(world: Build) -> None:
    """However old it is: without a mark that it is in the warehouse, a signal stays."""
    w = ended(world)
    assert list(keeper(w).cleaned(day(D + 4000))) == []
    assert len(w.signals()) == 3


def test_a_warehouse_that_cannot_be_written_deletes_nothing(world: Build) -> None:
    """The mark comes after the warehouse; a failure in between leaves everything where it was."""
    w = ended(world)
    (w.folder / "warehouse.duckdb").write_text("in the way")
    with pytest.raises(StoreUnusable, match="Nothing was deleted"):
        list(keeper(w).archived())
    assert len(w.store.at_rest(10)) == 2


def test_cut_off_between_warehouse_and_mark(world: Build) -> None:
    """It is kept again, under the same id, and then marked: it is there once, and never not at all."""
    w = ended(world)
    warehouse(w).keep(w.store.at_rest(10))
    assert list(keeper(w).archived()) == [2]
    assert kept(w) == [BTC, ETH]


def test_a_dry_run_counts_what_would_be_done(world: Build) -> None:
    """Also those that would be kept first and deleted at once; and it does none of it."""
    w = ended(world)
    assert keeper(w).prospects(day(D + 4)) == {"archived": 2, "deleted": 0}
    assert keeper(w).prospects(day(D + 10)) == {"archived": 2, "deleted": 1}
    assert keeper(w).prospects(day(D + 4000)) == {"archived": 2, "deleted": 2}
    assert len(w.store.at_rest(10)) == 2
