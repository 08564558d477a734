"""What holds for every plan on every sequence of bars, and equality with the second reading."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto_signals.domain.events import FINAL_STATUS, EventType
from crypto_signals.domain.lifecycle import advance, apply, step
from crypto_signals.domain.signals import Plan
from crypto_signals.domain.vocabulary import Direction, EntryType, ExitReason

from .reference import walk
from .stories import (
    Ohlc,
    Trails,
    bar,
    flip,
    flipped_bar,
    flipped_trails,
    mirrored,
    play,
    signal,
)

STEADY = settings(deadline=None, derandomize=True, max_examples=200, database=None)
TICK = 0.5  # coarse, so that prices often meet levels; a power of two, so that mirrors are exact
Choose = Callable[[int, int], int]
ENDINGS = [
    *((reason.value, False) for reason in ExitReason if reason not in {"no_data", "undeliverable"}),
    *((reason, True) for reason in ("stop", "break_even", "tp1_lock", "trail")),
]


@dataclass(frozen=True)
class Story:
    plan: Plan
    bars: list[Ohlc]
    trails: Trails


def make_plan(choose: Choose) -> Plan:
    """A trade from 100 with levels on the grid; one in two is short."""
    first = 100 + choose(2, 16) * TICK
    second = first + choose(1, 12) * TICK
    entry_type = list(EntryType)[choose(0, 2)]
    plan = Plan(
        direction=Direction.LONG,
        entry=100.0,
        stop=100 - choose(2, 20) * TICK,
        targets=(first, second, second + choose(1, 12) * TICK),
        invalidation=100 - choose(0, 20) * TICK if choose(0, 1) else None,
        entry_type=entry_type,
        valid_bars=1 if entry_type is EntryType.MARKET else 3,
        max_bars=(60, 2, 5, 1)[choose(0, 3)],
        fractions=((0.5, 0.25, 0.25), (0.25, 0.25, 0.5), (0.125, 0.75, 0.125))[choose(0, 2)],
        cost_rate=(0.0, 0.0025, 0.01)[choose(0, 2)],
    )
    return mirrored(plan) if choose(0, 1) else plan


def make_story(choose: Choose, most_bars: int) -> Story:
    """A plan, bars that wander with gaps and a drift, and a trail that comes and goes."""
    plan = make_plan(choose)
    drift, away = choose(-3, 4) * plan.direction.side, choose(-8, 8)
    close, bars, trails = 100 + away * TICK, [], {}
    for index in range(choose(1, most_bars)):
        open_ = close + max(0, abs(gap := choose(-9, 9)) - 5) * math.copysign(TICK, gap)
        close = open_ + (choose(-8, 8) + drift) * TICK
        bars.append(
            (open_, max(open_, close) + choose(0, 6) * TICK, min(open_, close) - choose(0, 6) * TICK, close)
        )
        distance = choose(-2, 16)
        known = close - plan.direction.side * distance * TICK
        trails[index] = {14: None, 15: math.nan, 16: None}.get(distance, known)
    return Story(plan, bars, trails)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    return make_story(lambda low, high: draw(st.integers(low, high)), most_bars=14)


def sample(count: int) -> Iterator[Story]:
    """Many stories, quickly and always the same."""
    chance = random.Random(20180301)  # noqa: S311 - a sample, not a secret
    return (make_story(chance.randint, most_bars=24) for _ in range(count))


def reference(story: Story) -> dict:
    """The second reading of the story."""
    plan = story.plan
    told = {
        "direction": str(plan.direction),
        "entry": plan.entry,
        "stop": plan.stop,
        "targets": plan.targets,
        "invalidation": plan.invalidation,
        "entry_type": str(plan.entry_type),
        "fractions": plan.fractions,
        "max_bars": plan.max_bars,
        "valid_bars": plan.valid_bars,
        "cost": plan.cost_rate,
    }
    trails = [story.trails[index] for index in range(len(story.bars))]
    return walk(told, story.bars, trails)


def assert_equals_reference(story: Story) -> tuple[str | None, bool]:
    """The lifecycle and the second reading agree on every event and on the outcome; gives the ending."""
    expected = reference(story)
    played = play(signal(story.plan), story.bars, story.trails)
    progress = played.signal.progress
    assert played.lines == expected["events"]
    assert progress.status.value == expected["status"]
    assert progress.exit_reason == expected["exit_reason"]
    assert progress.ambiguous == expected["ambiguous"]
    assert progress.result_r == pytest.approx(expected["result_r"], abs=1e-12)
    assert progress.fees_r == pytest.approx(expected["fees_r"], abs=1e-12)
    if progress.entry_fill is not None and not progress.closed:
        assert progress.stop == expected["stop"]
    return expected["exit_reason"], expected["ambiguous"]


@settings(STEADY, max_examples=500)
@given(stories())
def test_the_lifecycle_equals_the_second_reading(story: Story) -> None:
    """Two programs written from the same page agree."""
    assert_equals_reference(story)


def test_a_large_sample_equals_the_second_reading_and_reaches_every_ending() -> None:
    """The agreement is not for want of cases: every ending of every side and entry type occurs."""
    endings = Counter()
    for story in sample(12_000):
        reason, ambiguous = assert_equals_reference(story)
        endings[story.plan.direction, story.plan.entry_type, reason, ambiguous] += 1
    missing = [
        (side, kind, reason, ambiguous)
        for side in Direction
        for kind in EntryType
        for reason, ambiguous in ENDINGS
        if not endings[side, kind, reason, ambiguous]
    ]
    assert missing == [(side, EntryType.MARKET, "no_entry", False) for side in Direction]


@STEADY
@given(stories())
def test_the_fold_of_the_events_is_the_progress(story: Story) -> None:
    """Who stores only the events can tell the progress from them, up to the count of bars."""
    start = signal(story.plan)
    played = play(start, story.bars, story.trails)
    folded = start
    for event in played.events:
        folded = apply(folded, event)
    stepped = played.signal
    counted = {
        name: getattr(stepped.progress, name) for name in ("bars_seen", "last_ts", "last_close", "entry_bar")
    }
    assert replace(folded.progress, **counted) == stepped.progress
    assert folded.version == stepped.version == len(played.events)


@STEADY
@given(stories())
def test_advance_gives_the_events_of_step(story: Story) -> None:
    """Asking what a bar would do and letting it happen are the same."""
    current = signal(story.plan)
    for index, ohlc in enumerate(story.bars):
        today, trail = bar(index, ohlc), story.trails[index]
        expected = advance(current, today, trail)
        current, events = step(current, today, trail)
        assert events == expected


@STEADY
@given(stories())
def test_a_short_is_a_long_in_the_mirror(story: Story) -> None:
    """A long on prices p and a short on prices 2c - p have the same events and the same R before costs."""
    plan = replace(story.plan, cost_rate=0.0)
    here = play(signal(plan), story.bars, story.trails)
    bars = [flipped_bar(ohlc) for ohlc in story.bars]
    there = play(signal(mirrored(plan)), bars, flipped_trails(story.trails))
    expected = [
        (what, index, None if price is None else flip(price), fraction, reason)
        for what, index, price, fraction, reason in here.lines
    ]
    assert there.lines == expected
    assert there.signal.progress.status is here.signal.progress.status
    assert there.signal.progress.result_r == here.signal.progress.result_r
    assert there.signal.progress.ambiguous is here.signal.progress.ambiguous


@STEADY
@given(stories())
def test_an_entered_trade_ends_whole(story: Story) -> None:
    """What was entered leaves completely, what was not entered leaves nothing and has no result."""
    progress = play(signal(story.plan), story.bars, story.trails).signal.progress
    filled = sum(fill.fraction for fill in progress.fills)
    if progress.entry_fill is None:
        assert (filled, progress.result_r, progress.fees_r) == (0, None, None)
    elif progress.closed:
        assert filled == 1.0
        assert progress.result_r is not None
        assert progress.fees_r is not None
    else:
        assert filled == sum(story.plan.fractions[: progress.targets_hit]) < 1.0
        assert progress.result_r is None


@STEADY
@given(stories())
def test_the_stop_never_moves_backwards(story: Story) -> None:
    """From the announced stop on, each stop is at least as good as the one before."""
    side = story.plan.direction.side
    stops = [stop for stop in play(signal(story.plan), story.bars, story.trails).stops if stop is not None]
    steps = zip([story.plan.stop, *stops], stops, strict=False)
    assert all(side * (after - before) >= 0 for before, after in steps)


@STEADY
@given(stories())
def test_a_signal_ends_once(story: Story) -> None:
    """At most one event ends a signal, and it is the last one."""
    events = play(signal(story.plan), story.bars, story.trails).events
    ends = [index for index, event in enumerate(events) if event.type in FINAL_STATUS]
    assert ends in ([], [len(events) - 1])


@STEADY
@given(stories())
def test_statuses_only_go_forwards(story: Story) -> None:
    """WAITING, ACTIVE, TP1_HIT, TP2_HIT are passed in order, each at most once, entered first."""
    types = [event.type for event in play(signal(story.plan), story.bars, story.trails).events]
    order = [EventType.ENTERED, EventType.TARGET_1_HIT, EventType.TARGET_2_HIT, EventType.TARGET_3_HIT]
    passed = [kind for kind in types if kind in order]
    assert passed == order[: len(passed)]
    if types and types[0] is not EventType.ENTERED:
        assert types == [EventType.EXPIRED]


@STEADY
@given(stories(), st.integers(0, 14))
def test_later_bars_change_nothing_earlier(story: Story, cut: int) -> None:
    """What is said after some bars is still said after all bars."""
    whole = play(signal(story.plan), story.bars, story.trails)
    prefix = play(signal(story.plan), story.bars[:cut], story.trails)
    assert prefix.by_bar == whole.by_bar[:cut]
    assert prefix.stops == whole.stops[:cut]


@STEADY
@given(stories())
def test_the_announcement_does_not_move_the_market(story: Story) -> None:
    """Announced or not: the events and the progress are the same."""
    told = play(signal(story.plan), story.bars, story.trails)
    untold = play(signal(story.plan, announced_at=None), story.bars, story.trails)
    assert untold.by_bar == told.by_bar
    assert untold.signal.progress == told.signal.progress


@STEADY
@given(stories())
def test_a_closed_signal_stands_still(story: Story) -> None:
    """Once closed, the same bars again give no event and leave the signal as it is."""
    played = play(signal(story.plan), story.bars, story.trails)
    assume(played.signal.progress.closed)
    again = play(played.signal, story.bars, story.trails)
    assert again.events == []
    assert again.signal == played.signal
