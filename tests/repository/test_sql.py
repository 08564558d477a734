"""The SQLite store: what is committed is there, whole, and nothing else."""

import datetime as dt
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, event, inspect
from sqlalchemy.pool import NullPool

from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.errors import StoreUnusable, UsageError, VersionConflict
from crypto_signals.domain.events import Effect, Event, EventType, StopKind
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Fill, GateResult, Plan, Progress, Signal
from crypto_signals.domain.vocabulary import (
    AssetClass,
    Conviction,
    Direction,
    EffectKind,
    EffectStatus,
    EntryType,
    ExitReason,
    Family,
    Status,
)
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository import tables
from crypto_signals.repository.schema import HEAD
from crypto_signals.repository.sql import SqlStore, open_store

T0 = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PLAN = Plan(direction=Direction.LONG, entry=0.1 + 0.2, stop=0.1, targets=(1 / 3, 2 / 3, 1e-17 + 1))
Open = Callable[[], SqlStore]


def signal(name: str = "a", **changes: object) -> Signal:
    made = Signal(
        signal_id=f"id-{name}",
        symbol="BTC/USD",
        asset_class=AssetClass.CRYPTO,
        timeframe=Timeframe("1Day"),
        strategy="test",
        strategy_version="v",
        run_id="run",
        detector="hit",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=T0,
        plan=PLAN,
        valid_until=T0 + DAY,
        created_at=T0 + DAY,
        version=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


CREATED = Event(type=EventType.CREATED, ts=T0)


def effect(of: Signal, seq: int = 1, **changes: object) -> Effect:
    made = Effect(key=f"{of.signal_id}/{seq}", signal_id=of.signal_id, seq=seq, kind=EffectKind.ANNOUNCE)
    return replace(made, **changes)  # type: ignore[arg-type]


def new(of: Signal) -> Saved:
    return Saved(of, 0, (CREATED,), (effect(of),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "sentinel.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens the store at ``path``, as often as asked; all are closed at the end."""
    stores: list[SqlStore] = []

    def build() -> SqlStore:
        stores.append(open_store(f"sqlite:///{path}"))
        return stores[-1]

    yield build
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Open) -> SqlStore:
    return opened()


# ------------------------------------------------------------------- durability


def test_it_is_a_synced_write_ahead_log(store: SqlStore, path: Path) -> None:
    """WAL with synchronous=FULL and foreign keys, on the connection that writes."""
    store.commit([new(signal())])
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()
    for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")):
        assert store._connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
        store._connection.rollback()


def test_a_place_without_a_write_ahead_log_is_refused(tmp_path: Path) -> None:
    """The pragmas are asserted: where SQLite does not keep them (here: in memory) the store is refused."""
    from crypto_signals.repository.sql import _durable  # noqa: PLC0415

    engine = create_engine("sqlite://", poolclass=NullPool)
    event.listen(engine, "connect", _durable)
    with pytest.raises(StoreUnusable, match=r"journal_mode=wal"):
        engine.connect()
    engine.dispose()
    assert not list(tmp_path.iterdir())


def test_what_was_committed_is_there_after_a_restart(opened: Open) -> None:
    """Close, open: the same signals, events, effects and watermarks."""
    first = opened()
    one = signal(plan=PLAN)
    mark = Watermark("BTC/USD", T0 - DAY, T0)
    first.commit([new(one)], "test", "1Day", [mark])
    before = first.signal(one.signal_id)
    first.close()
    again = opened()
    assert again.signal(one.signal_id) == before == (one, (CREATED,), (effect(one),))
    assert again.watermarks("test", "1Day") == {"BTC/USD": mark}


def test_a_second_reader_sees_only_what_is_committed(store: SqlStore, path: Path) -> None:
    """Another connection sees the signal after the commit and not before."""
    plain = sqlite3.connect(path)
    assert plain.execute("SELECT count(*) FROM signals").fetchone() == (0,)
    store.commit([new(signal())])
    assert plain.execute("SELECT count(*) FROM signals").fetchone() == (1,)
    plain.close()


# ------------------------------------------------------------------- one transaction


def nothing_stored(store: SqlStore) -> bool:
    return not (store.signals() or store.undelivered() or store.watermarks("test", "1Day"))


def test_a_commit_is_whole_or_nothing(store: SqlStore) -> None:
    """A failing effect takes back the signal, its events and the watermark."""
    bad = replace(effect(signal()), seq=None)  # type: ignore[arg-type]
    with pytest.raises(StoreUnusable):
        store.commit(
            [new(signal("b")), Saved(signal(), 0, (CREATED,), (bad,))],
            "test",
            "1Day",
            [Watermark("BTC/USD", T0, T0)],
        )
    assert nothing_stored(store)
    store.commit([new(signal())])
    assert len(store.signals()) == 1


def test_a_failing_watermark_takes_back_the_signals(store: SqlStore) -> None:
    """What was consumed and what it caused are stored together."""
    with pytest.raises(StoreUnusable):
        store.commit([new(signal())], "test", "1Day", [Watermark("BTC/USD", None, T0)])  # type: ignore[arg-type]
    assert nothing_stored(store)


def test_an_effect_of_nobody_is_refused(store: SqlStore) -> None:
    """Foreign keys hold: an effect belongs to a stored signal."""
    stray = replace(effect(signal()), signal_id="nobody")
    with pytest.raises(StoreUnusable):
        store.commit([Saved(signal(), 0, (CREATED,), (stray,))])
    assert nothing_stored(store)


def test_an_interrupt_takes_everything_back(store: SqlStore) -> None:
    """A KeyboardInterrupt in the middle of a commit leaves nothing half-written."""

    def saves() -> Iterator[Saved]:
        yield new(signal())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.commit(saves(), "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    assert nothing_stored(store)


def test_an_id_is_stored_once(store: SqlStore) -> None:
    """P4: a second signal with the same id is a VersionConflict, and changes nothing."""
    store.commit([new(signal())])
    with pytest.raises(VersionConflict):
        store.commit([new(signal("b")), new(signal(symbol="ETH/USD"))])
    assert [one.symbol for one in store.signals()] == ["BTC/USD"]


def test_a_stale_version_is_refused(store: SqlStore) -> None:
    """An update of a version that is no longer there is a VersionConflict, and changes nothing."""
    one = signal()
    store.commit([new(one)])
    entered = Event(type=EventType.ENTERED, ts=T0 + DAY, price=1.0)
    second = replace(one, version=2)
    store.commit([Saved(second, 1, (entered,))])
    with pytest.raises(VersionConflict):
        store.commit([Saved(replace(one, version=2, run_id="other"), 1, (entered,))])
    assert store.signal(one.signal_id) == (second, (CREATED, entered), (effect(one),))


def test_an_unknown_signal_cannot_be_updated(store: SqlStore) -> None:
    """An update of what is not there is a VersionConflict; reading it is a KeyError."""
    with pytest.raises(VersionConflict):
        store.commit([Saved(signal(version=2), 1)])
    with pytest.raises(KeyError):
        store.signal("nobody")


def test_events_are_never_overwritten(store: SqlStore) -> None:
    """Events are append-only: a number that is taken is refused."""
    one = signal()
    store.commit([new(one)])
    with pytest.raises((StoreUnusable, VersionConflict)):
        store.commit([Saved(one, 1, (Event(type=EventType.ENTERED, ts=T0),))])
    assert store.signal(one.signal_id)[1] == (CREATED,)


# ------------------------------------------------------------------- round trip

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.datetimes(
    dt.datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
).map(lambda moment: moment.replace(fold=0))


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | values


def tuples(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=3).map(tuple)


plans = st.builds(
    Plan,
    direction=st.sampled_from(Direction),
    entry=numbers,
    stop=numbers,
    targets=st.tuples(numbers, numbers, numbers),
    invalidation=maybe(numbers),
    entry_type=st.sampled_from(EntryType),
    valid_bars=st.integers(1, 50),
    max_bars=st.integers(1, 1000),
    fractions=st.tuples(numbers, numbers, numbers),
    cost_rate=numbers,
)
progresses = st.builds(
    Progress,
    status=st.sampled_from(Status),
    bars_seen=st.integers(0, 1000),
    last_ts=maybe(times),
    last_close=maybe(numbers),
    entry_ts=maybe(times),
    entry_fill=maybe(numbers),
    entry_bar=maybe(st.integers(0, 100)),
    stop=maybe(numbers),
    stop_kind=st.sampled_from(StopKind),
    told_stop=maybe(numbers),
    targets_hit=st.integers(0, 3),
    structure_broken=st.booleans(),
    fills=tuples(st.builds(Fill, times, numbers, numbers)),
    closed_at=maybe(times),
    exit_reason=maybe(st.sampled_from(ExitReason)),
    result_r=maybe(numbers),
    fees_r=maybe(numbers),
    ambiguous=st.booleans(),
)
signals = st.builds(
    Signal,
    signal_id=st.just("fresh"),
    symbol=texts,
    asset_class=st.sampled_from(AssetClass),
    timeframe=st.sampled_from(["1Day", "5Min", "1Hour"]).map(Timeframe),
    strategy=texts,
    strategy_version=texts,
    run_id=texts,
    detector=texts,
    family=st.sampled_from(Family),
    conviction=st.sampled_from(Conviction),
    bar_ts=times,
    plan=plans,
    valid_until=times,
    created_at=times,
    late_bars=st.integers(0, 1000),
    confirmed_by=tuples(texts),
    context=tuples(texts),
    anchors=tuples(st.builds(Anchor, times, numbers, texts)),
    gates=tuples(st.builds(GateResult, texts, st.booleans(), maybe(numbers), maybe(numbers), texts)),
    confluence=st.dictionaries(texts, maybe(numbers), max_size=4),
    feed=maybe(texts),
    version=st.just(1),
    progress=progresses,
    announced_at=maybe(times),
    thread_id=maybe(texts),
    cancelled_at=maybe(times),
)
events = st.builds(
    Event,
    type=st.sampled_from(EventType),
    ts=times,
    price=maybe(numbers),
    fraction=maybe(numbers),
    stop=maybe(numbers),
    stop_kind=maybe(st.sampled_from(StopKind)),
    reason=maybe(st.sampled_from(ExitReason)),
    ambiguous=st.booleans(),
    quiet=st.booleans(),
    result_r=maybe(numbers),
    fees_r=maybe(numbers),
    thread_id=maybe(texts),
    detail=maybe(texts),
)


def effects(of: str) -> st.SearchStrategy[Effect]:
    return st.builds(
        Effect,
        key=st.just(f"{of}/1"),
        signal_id=st.just(of),
        seq=st.just(1),
        kind=st.sampled_from(EffectKind),
        status=st.sampled_from(EffectStatus),
        attempts=st.integers(0, 1000),
        attempted_at=maybe(times),
        done_at=maybe(times),
        message_id=maybe(texts),
        error=maybe(texts),
    )


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), one=signals, happened=events)
def test_every_field_comes_back(store: SqlStore, data: st.DataObject, one: Signal, happened: Event) -> None:
    """Signal, event and effect come back equal in every field, floats bit for bit, in their own types."""
    one = replace(one, signal_id=str(uuid4()))
    owed = data.draw(effects(one.signal_id))
    store.commit([Saved(one, 0, (happened,), (owed,))])
    back, (again,), (effect_back,) = store.signal(one.signal_id)
    for mine, its in ((one, back), (happened, again), (owed, effect_back)):
        assert its == mine
        assert repr_of(its) == repr_of(mine)


def repr_of(thing: object) -> str:
    """A text in which -0.0 differs from 0.0, an enum from its value, and zones do not count."""
    return (
        repr([(f.name, getattr(thing, f.name)) for f in fields(thing)])
        .replace(  # type: ignore[arg-type]
            "TzInfo(0)", "datetime.timezone.utc"
        )
        .replace("TzInfo(UTC)", "datetime.timezone.utc")
    )


def test_journalled_outcomes_come_back(store: SqlStore) -> None:
    """An outcome that is recorded replaces the effect, and nothing else."""
    one, other = signal(), signal("b")
    store.commit([new(one), new(other)])
    sent = effect(one, status=EffectStatus.DONE, attempts=3, done_at=T0, message_id="m", error="é…漢")
    store.record_effects([sent])
    assert store.signal(one.signal_id)[2] == (sent,)
    assert store.undelivered() == [effect(other)]


def test_recording_what_is_not_there_is_noticed(store: SqlStore) -> None:
    """An outcome of an effect that does not exist does not vanish without a word."""
    with pytest.raises(VersionConflict):
        store.record_effects([effect(signal())])


# ------------------------------------------------------------------- order, book, runs


def test_signals_come_in_order(store: SqlStore) -> None:
    """By bar, symbol, detector and direction, however they were stored."""
    short = replace(PLAN, direction=Direction.SHORT)
    ordered = [
        signal("9"),
        signal("8", plan=short),
        signal("7", detector="zit"),
        signal("6", symbol="ETH/USD"),
        signal("5", bar_ts=T0 + dt.timedelta(microseconds=1)),
        signal("4", bar_ts=T0 + DAY),
    ]
    store.commit([new(one) for one in reversed(ordered)])
    assert store.signals() == ordered


def test_undelivered_come_in_order(store: SqlStore) -> None:
    """By creation of their signals, then by event; only owed, claimed and unknown ones."""
    early, late = signal("z", created_at=T0), signal("a", created_at=T0 + DAY)
    statuses = (EffectStatus.UNKNOWN, EffectStatus.CLAIMED, EffectStatus.OWED)
    finished = (EffectStatus.DONE, EffectStatus.DEAD, EffectStatus.SUPERSEDED)
    mine = [effect(early, seq, status=status) for seq, status in enumerate((*statuses, *finished), 9)]
    store.commit([new(late), Saved(early, 0, (CREATED,), tuple(reversed(mine)))])
    assert store.undelivered() == [*mine[:3], effect(late)]


def test_the_book(store: SqlStore) -> None:
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
    assert {one.signal_id for one in found} == {"id-open", "id-edge", "id-new"}


def test_watermarks_are_a_strategys_own(store: SqlStore) -> None:
    """By strategy, timeframe and symbol; a later mark replaces the earlier one."""
    first, later = Watermark("BTC/USD", T0, T0), Watermark("BTC/USD", T0, T0 + DAY)
    store.commit([], "test", "1Day", [first])
    store.commit([], "test", "1Day", [later])
    store.commit([], "other", "1Day", [first])
    assert store.watermarks("test", "1Day") == {"BTC/USD": later}
    assert store.watermarks("other", "1Day") == {"BTC/USD": first}
    assert store.watermarks("test", "1Hour") == {}


def test_runs_are_numbered(opened: Open) -> None:
    """Two runs at one moment have two ids; the count goes on after a restart."""
    store = opened()
    ids = [store.start_run(T0, {"test": "v"}, "hash") for _ in range(2)]
    store.finish_run(ids[0], T0 + DAY, {"signals": 1})
    store.close()
    ids.append(opened().start_run(T0, {}, ""))
    assert ids == ["20180301T000000Z-1", "20180301T000000Z-2", "20180301T000000Z-3"]


def test_ten_thousand_signals(store: SqlStore) -> None:
    """The book stays quick with ten thousand closed signals (the figures are printed, not asserted)."""
    closed = Progress(status=Status.STOPPED, closed_at=T0)
    started = time.perf_counter()
    store.commit(
        new(signal(str(n), bar_ts=T0 + n % 300 * DAY, progress=replace(closed, closed_at=T0 + n % 300 * DAY)))
        for n in range(10_000)
    )
    stored = time.perf_counter()
    found = store.book("test", "1Day", T0 + 290 * DAY)
    done = time.perf_counter()
    print(f"10,000 signals stored in {stored - started:.2f} s, book of {len(found)} in {done - stored:.3f} s")
    assert 300 < len(found) < 400


# ------------------------------------------------------------------- what is no store


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "postgresql://host/db", "sqlite:///"])
def test_an_address_that_names_no_store(url: str) -> None:
    """A bad STORE_URL is a usage error that says so."""
    with pytest.raises(UsageError, match="STORE_URL"):
        open_store(url)


def test_a_password_in_the_address_is_not_shown() -> None:
    """P7: an address that is refused is not quoted with its password."""
    with pytest.raises(UsageError) as caught:
        open_store("postgresql://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database(path: Path, opened: Open) -> None:
    """Something else at the store's place is left alone, and the message says what to do."""
    path.parent.mkdir()
    path.write_text("precious notes\n" * 500)
    with pytest.raises(StoreUnusable, match=r"not a database.*(move it away|STORE_URL)"):
        opened()
    assert path.read_text().startswith("precious notes")


def test_a_damaged_database(path: Path, opened: Open) -> None:
    """A torn file is reported as such when it is read."""
    store = opened()
    store.commit(new(signal(str(n))) for n in range(300))
    store.close()
    whole = bytearray(path.read_bytes())
    whole[8192 : len(whole) - 4096] = b"\x5a" * (len(whole) - 4096 - 8192)
    path.write_bytes(whole)
    with pytest.raises(StoreUnusable, match=r"damaged|malformed"):
        opened().signals()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A store below a file is a clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="folder"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'below' / 'sentinel.db'}")


def test_a_folder_at_the_place_of_the_file(tmp_path: Path) -> None:
    """A folder is no database file."""
    with pytest.raises(StoreUnusable, match="unable to open"):
        open_store(f"sqlite:///{tmp_path}")


# ------------------------------------------------------------------- locked


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short busy timeout: the real one is five seconds."""
    monkeypatch.setattr("crypto_signals.repository.sql.BUSY_TIMEOUT_MS", 300)


HOLD = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
c.execute("ROLLBACK")
"""


@pytest.mark.usefixtures("quick")
def test_a_locked_database(opened: Open, path: Path) -> None:
    """Held by another process: an error within the busy timeout that says so, nothing half-written, and
    the same store works again afterwards."""
    store = opened()
    store.commit([new(signal())])
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        started = time.monotonic()
        with pytest.raises(StoreUnusable, match=r"locked.*[Aa]nother program"):
            store.commit([new(signal("b"))])
        with pytest.raises(StoreUnusable, match="locked"):
            store.record_effects([effect(signal(), status=EffectStatus.DONE)])
        assert time.monotonic() - started < 5
        other.communicate()
    assert [one.signal_id for one in store.signals()] == ["id-a"]
    assert store.undelivered() == [effect(signal())]
    store.commit([new(signal("b"))])
    assert len(store.signals()) == 2


@pytest.mark.usefixtures("quick")
def test_a_new_store_that_is_locked(opened: Open, path: Path) -> None:
    """A store without tables whose lock another holds cannot be made now; nothing is half-made."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=wal")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnusable, match="locked"):
        opened()
    other.execute("ROLLBACK")
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    other.close()
    assert opened().signals() == []


@pytest.mark.usefixtures("quick")
def test_reading_goes_on_while_another_writes(opened: Open, path: Path) -> None:
    """A write-ahead log is there so that `signals list` reads while a run writes."""
    store = opened()
    store.commit([new(signal())])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert len(store.signals()) == 1
        assert len(opened().signals()) == 1
    finally:
        writer.execute("ROLLBACK")
        writer.close()


# ------------------------------------------------------------------- full disk


def test_a_full_disk(store: SqlStore) -> None:
    """ "A full disk: a clear error, nothing half-written"; once there is space all goes on."""
    one = signal()
    store.commit([new(one)], "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    pages = store._connection.exec_driver_sql("PRAGMA page_count").scalar()
    store._connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    store._connection.rollback()
    with pytest.raises(StoreUnusable, match=r"full.*[Ff]ree some space"):
        store.commit(
            (new(signal(f"more {n}")) for n in range(200)),
            "test",
            "1Day",
            [Watermark("BTC/USD", T0, T0 + DAY)],
        )
    assert store.signals() == [one]
    assert store.undelivered() == [effect(one)]
    assert store.watermarks("test", "1Day")["BTC/USD"].seen_ts == T0
    store._connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store._connection.rollback()
    store.commit(new(signal(f"more {n}")) for n in range(200))
    assert len(store.signals()) == 201


FILL = """
import resource, sys
sys.path.insert(0, {tests!r})
from repository.test_sql import new, signal
from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.repository.sql import open_store
try:
    store = open_store("sqlite:///" + sys.argv[1])
    size = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    for batch in range(1000):
        store.commit(new(signal(f"{{batch}}-{{n}}")) for n in range(10))
        print(batch, flush=True)
except StoreUnusable as error:
    print("unusable:", error, flush=True)
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_file_that_may_not_grow(opened: Open, path: Path) -> None:
    """The same against the real file system: every commit that was acknowledged is there, whole, and no
    part of another."""
    opened().close()
    program = textwrap.dedent(FILL).format(tests=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", program, str(path), "300000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    *acknowledged, last = done.stdout.splitlines()
    assert done.returncode == 3, done.stderr
    assert "nothing was half-written" in last
    assert acknowledged
    found = {one.signal_id for one in opened().signals()}
    assert found == {f"id-{batch}-{n}" for batch in range(len(acknowledged)) for n in range(10)}


def test_a_full_disk_at_the_first_opening(path: Path, opened: Open) -> None:
    """A store that cannot be made leaves nothing that a later opening would stumble over."""
    path.parent.mkdir()
    program = textwrap.dedent(
        """
        import resource, sys
        from crypto_signals.domain.errors import StoreUnusable
        from crypto_signals.repository.sql import open_store
        import alembic.command, alembic.config  # so that no bytecode is written below the limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        try:
            open_store("sqlite:///" + sys.argv[1])
        except StoreUnusable as error:
            print("unusable:", error)
            sys.exit(3)
        """
    )
    for size in (100, 20_000, 40_000):
        command = [sys.executable, "-c", program, str(path), str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3, (size, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    store = opened()
    store.commit([new(signal())])
    assert len(store.signals()) == 1


# ------------------------------------------------------------------- migrations


def shape(source: MetaData | Path) -> dict[str, object]:
    """Tables, columns, types, keys and indexes, comparable."""
    engine = create_engine("sqlite://" if isinstance(source, MetaData) else f"sqlite:///{source}")
    with engine.begin() as connection:
        if isinstance(source, MetaData):
            source.create_all(connection)
        found = inspect(connection)
        return {
            name: (
                [
                    (c["name"], str(c["type"]), c["nullable"], c["primary_key"], c["default"])
                    for c in found.get_columns(name)
                ],
                sorted((i["name"], tuple(i["column_names"]), i["unique"]) for i in found.get_indexes(name)),
                found.get_pk_constraint(name)["constrained_columns"],
                sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(name)),
                sorted(
                    (tuple(k["constrained_columns"]), k["referred_table"], tuple(k["referred_columns"]))
                    for k in found.get_foreign_keys(name)
                ),
            )
            for name in found.get_table_names()
            if name != "alembic_version"
        }


def test_the_migrations_make_the_tables_of_the_program(store: SqlStore, path: Path) -> None:
    """What the steps build from nothing equals what `tables.py` declares."""
    assert store.signals() == []
    assert shape(path) == shape(tables.metadata)


def test_migrating_twice_changes_nothing(opened: Open, path: Path) -> None:
    """The second opening finds its schema."""
    opened().close()
    before = path.read_bytes()
    opened().close()
    assert path.read_bytes() == before
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    plain.close()


def test_the_head_is_the_newest_step() -> None:
    """`HEAD` names the last file of the migrations."""
    steps = Path(tables.__file__).parent / "migrations" / "versions"
    newest = max(step.name for step in steps.glob("r*.py"))
    assert newest.startswith(f"r{HEAD}_")


def test_a_newer_schema_is_refused(opened: Open, path: Path) -> None:
    """A store written by a newer program is left alone, with what to do."""
    opened().close()
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE alembic_version SET version_num = '0099'")
    plain.close()
    with pytest.raises(StoreUnusable, match=r"0099.*newer version.*Update"):
        opened()


def test_a_step_that_was_interrupted_is_taken_back(path: Path, opened: Open) -> None:
    """A migration and its record share a transaction: half-made tables are not left behind."""
    path.parent.mkdir()
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    statements = [0]

    def interrupt(*_args: object) -> None:
        statements[0] += 1
        if statements[0] == 12:
            raise KeyboardInterrupt

    from crypto_signals.repository.sql import _durable  # noqa: PLC0415

    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(engine, "before_cursor_execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        SqlStore(engine, "test")
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    plain.close()
    assert opened().signals() == []
