"""Whatever is stored comes back as it was, field by field, bit for bit, in whatever script it is written."""

import datetime as dt
from dataclasses import fields, replace
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto_signals.domain.anchors import Anchor
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
from crypto_signals.engine.ports import Saved, Store
from repository.samples import CREATED, effect, signal

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
"""Texts that stand in a column of their own: PostgreSQL's hold no NUL."""
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
    symbol=words,
    asset_class=st.sampled_from(AssetClass),
    timeframe=st.sampled_from(["1Day", "5Min", "1Hour"]).map(Timeframe),
    strategy=words,
    strategy_version=texts,
    run_id=texts,
    detector=words,
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
        claimed_by=maybe(words),
        settles_at=maybe(times),
        message_id=maybe(words),
        error=maybe(words),
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), one=signals, happened=events)
def test_every_field_comes_back(store: Store, data: st.DataObject, one: Signal, happened: Event) -> None:
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


def test_an_error_text_of_a_service(store: Store) -> None:
    """What another program said may hold what no database takes: it is stored all the same, readably."""
    said = "refused: \0\ud800 漢字 🚀 \u202e"
    one = signal()
    store.commit([Saved(one, 0, (CREATED,), (effect(one, error=said),))])
    (back,) = store.undelivered()
    assert back.error == "refused: ?? 漢字 🚀 \u202e"
    store.record_effects([back.moved(EffectStatus.DEAD, error=said * 500)])
    assert store.signal(one.signal_id)[2][0].error == "refused: ?? 漢字 🚀 \u202e" * 500
