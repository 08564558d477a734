"""What is read: the book, the order of things, watermarks, runs."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Progress
from crypto_signals.domain.vocabulary import Direction, EffectStatus, Status
from crypto_signals.engine.ports import Saved, Store, Watermark
from repository.samples import CREATED, DAY, PLAN, T0, effect, new, signal


def test_signals_come_in_order(store: Store) -> None:
    """By bar, symbol, detector and direction, however they were stored; letters by their code points, in
    whatever language the server sorts."""
    short = replace(PLAN, direction=Direction.SHORT)
    ordered = [
        signal("9"),
        signal("8", plan=short),
        signal("7", detector="zit"),
        signal("6", symbol="BTC-USD", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("5", symbol="BTC/USD", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("4", symbol="BTCA", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("3", symbol="ETH/USD", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("2", symbol="aave", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("1", symbol="Äpfel", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("0", bar_ts=T0 + DAY),
    ]
    store.commit([new(one) for one in reversed(ordered)])
    assert store.signals() == ordered
    assert store.book("test", "1Day", T0) == ordered


def test_undelivered_come_in_order(store: Store) -> None:
    """By creation of their signals, then by event; only owed, claimed and unknown ones."""
    early, late = signal("z", created_at=T0), signal("a", created_at=T0 + DAY)
    statuses = (EffectStatus.UNKNOWN, EffectStatus.CLAIMED, EffectStatus.OWED)
    finished = (EffectStatus.DONE, EffectStatus.DEAD, EffectStatus.SUPERSEDED)
    mine = [effect(early, seq, status=status) for seq, status in enumerate((*statuses, *finished), 9)]
    store.commit([new(late), Saved(early, 0, (CREATED,), tuple(reversed(mine)))])
    assert store.undelivered() == [*mine[:3], effect(late)]
    assert store.signal("id-z")[2] == tuple(mine)


def test_the_book(store: Store) -> None:
    """Open signals, and those created or closed not before ``since``, of one strategy and timeframe."""
    closed = Progress(status=Status.STOPPED, closed_at=T0 + 5 * DAY)
    rows = {
        "open": signal("open", bar_ts=T0 - 900 * DAY),
        "edge": signal("edge", bar_ts=T0 - 99 * DAY, progress=closed),
        "old": signal("old", bar_ts=T0 - 99 * DAY, progress=replace(closed, closed_at=T0 + 4 * DAY)),
        "new": signal("new", bar_ts=T0 + 5 * DAY, progress=closed),
        "other": signal("other", strategy="other"),
        "hours": signal("hours", timeframe=Timeframe("1Hour")),
    }
    store.commit([new(one) for one in rows.values()])
    found = store.book("test", "1Day", T0 + 5 * DAY)
    assert [one.signal_id for one in found] == ["id-open", "id-edge", "id-new"]


def test_watermarks_are_a_strategys_own(store: Store) -> None:
    """By strategy, timeframe and symbol; a later mark replaces the earlier one."""
    first, later = Watermark("BTC/USD", T0, T0), Watermark("BTC/USD", T0, T0 + DAY)
    store.commit([], "test", "1Day", [first])
    store.commit([], "test", "1Day", [later])
    store.commit([], "other", "1Day", [first])
    assert store.watermarks("test", "1Day") == {"BTC/USD": later}
    assert store.watermarks("other", "1Day") == {"BTC/USD": first}
    assert store.watermarks("test", "1Hour") == {}


def test_runs_are_numbered(store: Store, restarted: Callable[[Store], Store]) -> None:
    """Two runs at one moment have two ids; the count goes on after a restart."""
    ids = [store.start_run(T0, {"test": "v"}, "hash") for _ in range(2)]
    store.finish_run(ids[0], T0 + DAY, {"signals": 1})
    ids.append(restarted(store).start_run(T0, {}, ""))
    assert ids == ["20180301T000000Z-1", "20180301T000000Z-2", "20180301T000000Z-3"]


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
@pytest.mark.timeout(1800)
def test_many_signals(store: Store, count: int) -> None:
    """The book stays quick with many closed signals (the figures are printed, not asserted)."""

    def saves() -> Iterator[Saved]:
        for n in range(count):
            bar = T0 + n % 300 * DAY
            yield new(signal(str(n), bar_ts=bar, progress=Progress(status=Status.STOPPED, closed_at=bar)))

    started = time.perf_counter()
    store.commit(saves())  # type: ignore[arg-type]
    stored = time.perf_counter()
    found = store.book("test", "1Day", T0 + 290 * DAY)
    done = time.perf_counter()
    print(
        f"{count} signals stored in {stored - started:.2f} s, book of {len(found)} in {done - stored:.3f} s"
    )
    assert len(found) == sum(n % 300 >= 290 for n in range(count))
