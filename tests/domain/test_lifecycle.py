"""Every rule of "Bar by bar", as a story of a long and as its mirror image, a short.

The trade: entry 100, stop 90 (R is 10), targets 110, 120 and 130, half, a quarter and a quarter.
``BAR_0`` is the quiet bar of a market entry at 100 that the later bars build on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import nan

import pytest

from crypto_signals.domain.events import EventType
from crypto_signals.domain.lifecycle import advance, rebased, without_data
from crypto_signals.domain.signals import Plan
from crypto_signals.domain.vocabulary import EntryType

from .stories import (
    LONG,
    Ohlc,
    Played,
    Trails,
    at,
    bar,
    flip,
    flipped_bar,
    flipped_trails,
    mirrored,
    play,
    signal,
)

BAR_0 = (100.0, 105.0, 95.0, 102.0)
QUIET = (102.0, 105.0, 101.0, 103.0)
LIMIT = replace(LONG, entry_type=EntryType.LIMIT, valid_bars=3)
STOP = replace(LONG, entry_type=EntryType.STOP, valid_bars=3)
BASED = replace(LONG, invalidation=95.0)
ABOVE = (103.0, 105.0, 101.0, 104.0)
BELOW = (97.0, 99.0, 96.0, 98.0)

TO_TARGET_1 = (105.0, 112.0, 103.0, 111.0)
TO_TARGET_2 = (115.0, 122.0, 113.0, 121.0)

Line = tuple[object, ...]


def entered(index: int = 0, price: float = 100.0) -> Line:
    return "entered", index, price, None, None


def target(number: int, index: int, price: float | None = None) -> Line:
    level = LONG.targets[number - 1] if price is None else price
    reason = "target_3" if number == 3 else None
    return f"target_{number}_hit", index, level, LONG.fractions[number - 1], reason


def moved(index: int, stop: float, kind: str) -> Line:
    return "stop_moved", index, stop, None, kind


def ended(what: str, index: int, price: float, fraction: float, reason: str) -> Line:
    return what, index, price, fraction, reason


def expired(index: int, reason: str) -> Line:
    return "expired", index, None, None, reason


def broken(index: int) -> Line:
    return "structure_broken", index, None, None, None


@dataclass
class Case:
    """``says`` is what must hold; ``r`` is the result before costs, ``None`` while open or never entered."""

    name: str
    says: str
    bars: list[Ohlc]
    events: list[Line]
    status: str
    reason: str | None = None
    r: float | None = None
    plan: Plan = LONG
    trails: Trails = field(default_factory=dict)
    ambiguous: bool = False


START = [entered()]
AFTER_1 = [entered(), target(1, 1), moved(1, 100.0, "break_even")]
AFTER_2 = [*AFTER_1, target(2, 2), moved(2, 110.0, "tp1_lock")]
TRAILED = [*AFTER_1, target(2, 2), moved(2, 115.0, "trail")]
ONE = [BAR_0, TO_TARGET_1]
TWO = [BAR_0, TO_TARGET_1, TO_TARGET_2]


def entry_cases() -> Iterator[Case]:
    """Rule 1."""
    yield Case(
        "market_at_next_open",
        "a market entry fills at the next bar's open, wherever the signal bar closed",
        [(101.0, 105.0, 97.0, 104.0)],
        [entered(0, 101.0)],
        "ACTIVE",
    )
    for name, open_ in (
        ("at_stop", 90.0),
        ("past_stop", 85.0),
        ("at_target_1", 110.0),
        ("past_target_1", 115.0),
    ):
        for kind, plan in (("market", LONG), ("limit", LIMIT), ("stop", STOP)):
            yield Case(
                f"{kind}_missed_{name}",
                "an open at or beyond the stop or target 1 is no entry: the chance is missed",
                [(open_, open_ + 10, open_ - 10, open_), BAR_0],
                [expired(0, "missed")],
                "EXPIRED",
                "missed",
                plan=plan,
            )
    for open_ in (90.5, 109.5):
        yield Case(
            f"market_just_inside_{open_:.0f}",
            "an open inside stop and target 1 is an entry, however close to them",
            [(open_, open_ + 0.25, open_ - 0.25, open_)],
            [entered(0, open_)],
            "ACTIVE",
        )
    for name, ohlc, price in (
        ("through_the_level", (103.0, 104.0, 99.0, 101.0), 100.0),
        ("at_the_touch", (103.0, 104.0, 100.0, 101.0), 100.0),
        ("at_a_better_open", (97.0, 104.0, 96.0, 101.0), 97.0),
        ("open_on_the_level", (100.0, 104.0, 96.0, 101.0), 100.0),
    ):
        yield Case(
            f"limit_{name}",
            "a limit entry fills at its level, or better at the open",
            [ohlc],
            [entered(0, price)],
            "ACTIVE",
            plan=LIMIT,
        )
    for name, ohlc, price in (
        ("through_the_level", (98.0, 102.0, 97.0, 99.0), 100.0),
        ("at_the_touch", (98.0, 100.0, 97.0, 99.0), 100.0),
        ("at_a_worse_open", (104.0, 106.0, 97.0, 99.0), 104.0),
        ("open_on_the_level", (100.0, 106.0, 97.0, 99.0), 100.0),
    ):
        yield Case(
            f"stop_entry_{name}",
            "a stop entry fills at its level, or worse at the open",
            [ohlc],
            [entered(0, price)],
            "ACTIVE",
            plan=STOP,
        )
    for kind, plan, wait, fill in (
        ("limit", LIMIT, ABOVE, (103.0, 104.0, 99.0, 101.0)),
        ("stop_entry", STOP, BELOW, (98.0, 102.0, 97.0, 99.0)),
    ):
        yield Case(
            f"{kind}_waits",
            "an entry order waits while its level is not reached",
            [wait, wait],
            [],
            "WAITING",
            plan=plan,
        )
        yield Case(
            f"{kind}_fills_on_bar_3",
            "an entry order is still valid on the third bar",
            [wait, wait, fill],
            [entered(2)],
            "ACTIVE",
            plan=plan,
        )
        yield Case(
            f"{kind}_not_filled_in_time",
            "after the third completed bar without a fill the signal expires, and stays so",
            [wait, wait, wait, fill],
            [expired(2, "no_entry")],
            "EXPIRED",
            "no_entry",
            plan=plan,
        )
        yield Case(
            f"{kind}_missed_on_bar_3",
            "each open at which the entry still waits can miss it",
            [wait, wait, (111.0, 112.0, 99.0, 111.0)],
            [expired(2, "missed")],
            "EXPIRED",
            "missed",
            plan=plan,
        )
    yield Case(
        "waiting_ignores_structure",
        "a close beyond the invalidation before the entry changes nothing",
        [(97.0, 98.0, 93.0, 94.0), (98.0, 102.0, 97.0, 99.0)],
        [entered(1)],
        "ACTIVE",
        plan=replace(STOP, invalidation=95.0),
    )


def entry_bar_cases() -> Iterator[Case]:
    """Rule 4: what the bar of the entry may score."""
    yield Case(
        "market_entry_bar_scores_targets",
        "a market-entry bar scores targets normally",
        [(100.0, 121.0, 98.0, 120.0)],
        [entered(), target(1, 0), target(2, 0), moved(0, 110.0, "tp1_lock")],
        "TP2_HIT",
    )
    yield Case(
        "market_entry_bar_scores_stop",
        "a market-entry bar scores the stop",
        [(100.0, 104.0, 88.0, 95.0)],
        [entered(), ended("stopped", 0, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
    )
    yield Case(
        "market_entry_bar_with_both",
        "stop and target in the market-entry bar: the stop counts, ambiguous",
        [(100.0, 110.0, 90.0, 95.0)],
        [entered(), ended("stopped", 0, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
        ambiguous=True,
    )
    for kind, plan, open_ in (
        ("limit", LIMIT, 103.0),
        ("limit_at_open", LIMIT, 100.0),
        ("stop_entry", STOP, 97.0),
    ):
        yield Case(
            f"{kind}_bar_scores_no_target",
            "the bar of a limit or stop entry scores no target; the next bar does",
            [(open_, 131.0, 96.0, 108.0), (109.0, 111.0, 105.0, 107.0)],
            [entered(), target(1, 1), moved(1, 100.0, "break_even")],
            "TP1_HIT",
            plan=plan,
        )
        yield Case(
            f"{kind}_bar_scores_stop",
            "the bar of a limit or stop entry scores the stop",
            [(open_, 104.0, 90.0, 95.0)],
            [entered(), ended("stopped", 0, 90.0, 1.0, "stop")],
            "STOPPED",
            "stop",
            -1.0,
            plan=plan,
        )
        yield Case(
            f"{kind}_bar_with_both",
            "stop and target in the bar of a limit or stop entry: the stop counts, ambiguous",
            [(open_, 111.0, 89.0, 95.0)],
            [entered(), ended("stopped", 0, 90.0, 1.0, "stop")],
            "STOPPED",
            "stop",
            -1.0,
            plan=plan,
            ambiguous=True,
        )
    yield Case(
        "limit_entry_bar_closes_beyond_structure",
        "the close of the entry bar counts for the structure",
        [(103.0, 104.0, 92.0, 94.0), (96.0, 99.0, 95.0, 98.0)],
        [entered(), broken(0), ended("invalidated", 1, 96.0, 1.0, "structure")],
        "INVALIDATED",
        "structure",
        -0.4,
        plan=replace(LIMIT, invalidation=95.0),
    )


def open_cases() -> Iterator[Case]:
    """Rule 2."""
    for name, ohlc in (("all_below", (80.0, 85.0, 79.0, 84.0)), ("then_rallies", (80.0, 125.0, 79.0, 112.0))):
        yield Case(
            f"gap_past_stop_{name}",
            "an open beyond the stop exits everything at the open, whatever comes later in the bar",
            [BAR_0, ohlc],
            [*START, ended("stopped", 1, 80.0, 1.0, "stop")],
            "STOPPED",
            "stop",
            -2.0,
        )
    yield Case(
        "gap_past_target_1",
        "an open beyond target 1 fills its part at the open",
        [BAR_0, (112.0, 115.0, 111.0, 114.0)],
        [*START, target(1, 1, 112.0), moved(1, 100.0, "break_even")],
        "TP1_HIT",
    )
    yield Case(
        "gap_past_target_2",
        "an open beyond two targets fills both parts at the open; one move, to target 1",
        [BAR_0, (123.0, 125.0, 121.0, 124.0)],
        [*START, target(1, 1, 123.0), target(2, 1, 123.0), moved(1, 110.0, "tp1_lock")],
        "TP2_HIT",
    )
    yield Case(
        "gap_past_target_3",
        "an open beyond three targets fills everything at the open",
        [BAR_0, (135.0, 140.0, 80.0, 85.0)],
        [*START, target(1, 1, 135.0), target(2, 1, 135.0), target(3, 1, 135.0)],
        "TP3_HIT",
        "target_3",
        3.5,
    )
    yield Case(
        "gap_past_target_1_then_target_2",
        "after the open's targets, the others fill inside the bar at their levels",
        [BAR_0, (112.0, 121.0, 111.0, 118.0)],
        [*START, target(1, 1, 112.0), target(2, 1), moved(1, 110.0, "tp1_lock")],
        "TP2_HIT",
    )
    yield Case(
        "gap_past_target_1_then_stop",
        "after a target at the open the stop is still the one that stood at the open",
        [BAR_0, (112.0, 113.0, 89.0, 95.0)],
        [*START, target(1, 1, 112.0), ended("stopped", 1, 90.0, 0.5, "stop")],
        "STOPPED",
        "stop",
        0.1,
    )
    yield Case(
        "gap_past_target_1_then_both",
        "only targets untouched by the open make a stopped bar ambiguous",
        [BAR_0, (112.0, 120.0, 90.0, 95.0)],
        [*START, target(1, 1, 112.0), ended("stopped", 1, 90.0, 0.5, "stop")],
        "STOPPED",
        "stop",
        0.1,
        ambiguous=True,
    )
    yield Case(
        "gap_past_break_even",
        "a moved stop is gapped like any other, and keeps its reason",
        [*ONE, (95.0, 99.0, 94.0, 98.0)],
        [*AFTER_1, ended("stopped", 2, 95.0, 0.5, "break_even")],
        "STOPPED",
        "break_even",
        0.25,
    )
    yield Case(
        "gap_past_target_3_after_target_2",
        "the runner fills at an open beyond target 3",
        [*TWO, (134.0, 135.0, 109.0, 110.0)],
        [*AFTER_2, target(3, 3, 134.0)],
        "TP3_HIT",
        "target_3",
        1.85,
    )


def inside_cases() -> Iterator[Case]:
    """Rules 3 and 4."""
    yield Case(
        "stop_touched",
        "a low at the stop exits everything at the stop",
        [BAR_0, (101.0, 104.0, 90.0, 99.0)],
        [*START, ended("stopped", 1, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
    )
    yield Case(
        "stop_not_touched",
        "a low above the stop is nothing",
        [BAR_0, (101.0, 104.0, 90.25, 99.0)],
        START,
        "ACTIVE",
    )
    yield Case(
        "stop_and_target_1",
        "an untouched target in the range of the stopped bar: the stop counts, ambiguous",
        [BAR_0, (101.0, 110.0, 90.0, 109.0)],
        [*START, ended("stopped", 1, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
        ambiguous=True,
    )
    yield Case(
        "break_even_and_target_2",
        "the moved stop is tested against the next untouched target",
        [*ONE, (111.0, 120.0, 100.0, 119.0)],
        [*AFTER_1, ended("stopped", 2, 100.0, 0.5, "break_even")],
        "STOPPED",
        "break_even",
        0.5,
        ambiguous=True,
    )
    yield Case(
        "break_even_and_target_1_again",
        "a target touched before does not make a stopped bar ambiguous",
        [*ONE, (105.0, 119.0, 99.0, 104.0)],
        [*AFTER_1, ended("stopped", 2, 100.0, 0.5, "break_even")],
        "STOPPED",
        "break_even",
        0.5,
    )
    yield Case(
        "trail_and_target_3",
        "the trail and target 3 in one bar: the trail counts, ambiguous",
        [*TWO, (121.0, 130.0, 115.0, 129.0)],
        [*TRAILED, ended("trail_hit", 3, 115.0, 0.25, "trail")],
        "TP3_HIT",
        "trail",
        1.375,
        trails={2: 115.0},
        ambiguous=True,
    )
    yield Case(
        "target_touched",
        "a high at the target fills its part at the target",
        [BAR_0, (105.0, 110.0, 103.0, 104.0)],
        AFTER_1,
        "TP1_HIT",
    )
    yield Case(
        "target_not_touched",
        "a high below the target is nothing",
        [BAR_0, (105.0, 109.75, 103.0, 104.0)],
        START,
        "ACTIVE",
    )
    yield Case(
        "three_targets_in_one_bar",
        "targets 1 to 3 may fall in one bar, each at its level",
        [BAR_0, (105.0, 130.0, 103.0, 129.0)],
        [*START, target(1, 1), target(2, 1), target(3, 1)],
        "TP3_HIT",
        "target_3",
        1.75,
    )
    yield Case(
        "a_target_a_bar",
        "targets on three bars, with a stop move after the first and the second",
        [*TWO, (123.0, 131.0, 122.0, 130.0)],
        [*AFTER_2, target(3, 3)],
        "TP3_HIT",
        "target_3",
        1.75,
    )


def stop_move_cases() -> Iterator[Case]:
    """Rule 5, the stop moves, and rule 6, what a moved stop is called."""
    yield Case(
        "break_even_from_the_next_bar",
        "the bar that touches target 1 may trade below the entry; from the next bar the entry is the stop",
        [BAR_0, (105.0, 111.0, 99.0, 100.5), (101.0, 102.0, 99.0, 101.0)],
        [*AFTER_1, ended("stopped", 2, 100.0, 0.5, "break_even")],
        "STOPPED",
        "break_even",
        0.5,
    )
    yield Case(
        "break_even_is_the_fill",
        "break-even is where the trade was entered, not where it was announced",
        [(104.0, 105.0, 103.0, 104.0), TO_TARGET_1, (106.0, 107.0, 103.0, 105.0)],
        [
            entered(0, 104.0),
            target(1, 1),
            moved(1, 104.0, "break_even"),
            ended("stopped", 2, 104.0, 0.5, "break_even"),
        ],
        "STOPPED",
        "break_even",
        0.3,
    )
    yield Case(
        "target_1_lock",
        "after target 2 the stop is target 1, from the next bar on",
        [*TWO, (115.0, 116.0, 110.0, 112.0)],
        [*AFTER_2, ended("stopped", 3, 110.0, 0.25, "tp1_lock")],
        "STOPPED",
        "tp1_lock",
        1.25,
    )
    yield Case(
        "bar_of_target_2_keeps_its_stop",
        "the bar that touches target 2 may trade below target 1",
        [*ONE, (112.0, 121.0, 101.0, 118.0)],
        AFTER_2,
        "TP2_HIT",
    )
    for name, level in (("unknown", None), ("nan", nan), ("below_target_1", 108.0), ("at_target_1", 110.0)):
        yield Case(
            f"trail_{name}_leaves_the_lock",
            "a trail that is not known or not above the stop moves nothing",
            [*TWO, (121.0, 124.0, 119.0, 123.0)],
            AFTER_2,
            "TP2_HIT",
            trails={2: level, 3: level},
        )
    yield Case(
        "trail_before_target_2",
        "the trail belongs to the runner: before target 2 it moves nothing",
        ONE,
        AFTER_1,
        "TP1_HIT",
        trails={0: 99.0, 1: 104.0},
    )
    yield Case(
        "trail_on_the_bar_of_target_2",
        "the higher of target 1 and the trail is the stop after target 2",
        TWO,
        TRAILED,
        "TP2_HIT",
        trails={2: 115.0},
    )
    yield Case(
        "trail_after_the_lock",
        "the lock becomes a trail when the trail passes it",
        [*TWO, (121.0, 124.0, 119.0, 123.0)],
        [*AFTER_2, moved(3, 112.0, "trail")],
        "TP2_HIT",
        trails={2: 108.0, 3: 112.0},
    )
    yield Case(
        "trail_never_backwards",
        "a lower trail, or the same, leaves the stop where it is",
        [*TWO, (121.0, 124.0, 119.0, 123.0), (121.0, 124.0, 119.0, 123.0), (121.0, 124.0, 115.0, 123.0)],
        [*TRAILED, ended("trail_hit", 5, 115.0, 0.25, "trail")],
        "TP3_HIT",
        "trail",
        1.375,
        trails={2: 115.0, 3: 112.0, 4: 115.0},
    )
    yield Case(
        "trail_not_by_the_same_bar",
        "a trail decided at a close does not stop the bar that it was decided on",
        [*TWO, (121.0, 128.0, 116.0, 127.0), (121.0, 128.0, 120.0, 127.0)],
        [*TRAILED, moved(3, 120.0, "trail"), ended("trail_hit", 4, 120.0, 0.25, "trail")],
        "TP3_HIT",
        "trail",
        1.5,
        trails={2: 115.0, 3: 120.0},
    )
    yield Case(
        "trail_above_the_close",
        "a trail above the price exits at the next open",
        [*TWO, (122.0, 129.0, 121.0, 128.0)],
        [*AFTER_1, target(2, 2), moved(2, 125.0, "trail"), ended("trail_hit", 3, 122.0, 0.25, "trail")],
        "TP3_HIT",
        "trail",
        1.55,
        trails={2: 125.0},
    )


def structure_cases() -> Iterator[Case]:
    """Rule 5, the structure, and its precedence."""
    break_ = (97.0, 98.0, 93.0, 94.0)
    for name, ohlc, price, r in (
        ("inside", (96.0, 99.0, 95.0, 98.0), 96.0, -0.4),
        ("past_the_stop", (85.0, 99.0, 84.0, 98.0), 85.0, -1.5),
        ("past_target_1", (115.0, 122.0, 84.0, 98.0), 115.0, 1.5),
        ("past_target_3", (135.0, 136.0, 84.0, 98.0), 135.0, 3.5),
    ):
        yield Case(
            f"structure_open_{name}",
            "a close beyond the invalidation exits at the next open, before stop and targets",
            [BAR_0, break_, ohlc],
            [*START, broken(1), ended("invalidated", 2, price, 1.0, "structure")],
            "INVALIDATED",
            "structure",
            r,
            plan=BASED,
        )
    for name, ohlc in (
        ("close_on_it", (97.0, 98.0, 93.0, 95.0)),
        ("wick_through_it", (97.0, 98.0, 92.0, 96.0)),
    ):
        yield Case(
            f"structure_holds_{name}",
            "only a close beyond the invalidation breaks the structure",
            [BAR_0, ohlc, QUIET],
            START,
            "ACTIVE",
            plan=BASED,
        )
    yield Case(
        "no_structure",
        "a plan without an invalidation has no structure to break",
        [BAR_0, break_, QUIET],
        START,
        "ACTIVE",
    )
    yield Case(
        "structure_on_the_entry_bar",
        "the entry bar's close can break the structure",
        [(100.0, 101.0, 93.0, 94.0), QUIET],
        [*START, broken(0), ended("invalidated", 1, 102.0, 1.0, "structure")],
        "INVALIDATED",
        "structure",
        0.2,
        plan=BASED,
    )
    yield Case(
        "stop_before_the_close",
        "a bar that meets the stop has no close left to break the structure",
        [BAR_0, (97.0, 98.0, 89.0, 94.0), QUIET],
        [*START, ended("stopped", 1, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
        plan=BASED,
    )
    yield Case(
        "target_1_and_structure",
        "what is left after target 1 exits at the next open",
        [BAR_0, (97.0, 111.0, 93.0, 94.0), (96.0, 97.0, 95.0, 96.0)],
        [
            *START,
            target(1, 1),
            broken(1),
            moved(1, 100.0, "break_even"),
            ended("invalidated", 2, 96.0, 0.5, "structure"),
        ],
        "INVALIDATED",
        "structure",
        0.3,
        plan=BASED,
    )


def time_cases() -> Iterator[Case]:
    """Rule 6, the time exit."""
    yield Case("bar_59", "59 bars in the trade are not too many", [BAR_0] + [QUIET] * 58, START, "ACTIVE")
    yield Case(
        "bar_60",
        "the trade ends at the close of bar 60, the entry bar being bar 1",
        [BAR_0] + [QUIET] * 60,
        [*START, ended("expired", 59, 103.0, 1.0, "time")],
        "EXPIRED",
        "time",
        0.3,
    )
    yield Case(
        "bar_60_after_waiting",
        "bars spent waiting for the entry do not count",
        [ABOVE, ABOVE, BAR_0] + [QUIET] * 60,
        [entered(2), ended("expired", 61, 103.0, 1.0, "time")],
        "EXPIRED",
        "time",
        0.3,
        plan=LIMIT,
    )
    yield Case(
        "bar_60_after_target_1",
        "what is left exits at bar 60's close",
        [*ONE] + [QUIET] * 58,
        [*AFTER_1, ended("expired", 59, 103.0, 0.5, "time")],
        "EXPIRED",
        "time",
        0.65,
    )
    yield Case(
        "bar_60_meets_the_stop",
        "the stop comes before the close of bar 60",
        [BAR_0] + [QUIET] * 58 + [(101.0, 103.0, 89.0, 102.0)],
        [*START, ended("stopped", 59, 90.0, 1.0, "stop")],
        "STOPPED",
        "stop",
        -1.0,
    )
    yield Case(
        "bar_60_touches_target_1",
        "a target in bar 60 fills before the rest exits at its close",
        [BAR_0] + [QUIET] * 58 + [(105.0, 111.0, 103.0, 106.0)],
        [*START, target(1, 59), ended("expired", 59, 106.0, 0.5, "time")],
        "EXPIRED",
        "time",
        0.8,
    )
    yield Case(
        "bar_60_breaks_the_structure",
        "at bar 60's close there is no next open to wait for",
        [BAR_0] + [QUIET] * 58 + [(97.0, 98.0, 93.0, 94.0)],
        [*START, ended("expired", 59, 94.0, 1.0, "time")],
        "EXPIRED",
        "time",
        -0.6,
        plan=BASED,
    )
    yield Case(
        "structure_at_the_open_of_bar_60",
        "a pending structure exit comes before the time exit",
        [BAR_0] + [QUIET] * 57 + [(97.0, 98.0, 93.0, 94.0), QUIET],
        [*START, broken(58), ended("invalidated", 59, 102.0, 1.0, "structure")],
        "INVALIDATED",
        "structure",
        0.2,
        plan=BASED,
    )
    yield Case(
        "one_bar_trade",
        "with one bar allowed the entry bar's close is the exit",
        [BAR_0],
        [*START, ended("expired", 0, 102.0, 1.0, "time")],
        "EXPIRED",
        "time",
        0.2,
        plan=replace(LONG, max_bars=1),
    )


CASES = [
    *entry_cases(),
    *entry_bar_cases(),
    *open_cases(),
    *inside_cases(),
    *stop_move_cases(),
    *structure_cases(),
    *time_cases(),
]


def check(case: Case, played: Played, events: list[Line]) -> None:
    progress = played.signal.progress
    assert played.lines == events, case.says
    assert played.signal.status.value == case.status, case.says
    assert played.signal.exit_reason == case.reason, case.says
    assert progress.result_r == pytest.approx(case.r, abs=1e-12), case.says
    assert progress.ambiguous is case.ambiguous, case.says


def flipped_line(line: Line) -> Line:
    what, index, price, fraction, reason = line
    return what, index, None if price is None else flip(price), fraction, reason  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_long(case: Case) -> None:
    """A long does what the case says."""
    check(case, play(signal(case.plan), case.bars, case.trails), case.events)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_short(case: Case) -> None:
    """A short in the mirror does the same, with every price mirrored."""
    bars = [flipped_bar(ohlc) for ohlc in case.bars]
    played = play(signal(mirrored(case.plan)), bars, flipped_trails(case.trails))
    check(case, played, [flipped_line(line) for line in case.events])


@pytest.mark.parametrize("plan", [LONG, mirrored(LONG)], ids=["long", "short"])
@pytest.mark.parametrize(
    ("level", "high", "ended"),
    [
        pytest.param(90.0, 110.0, (-1.0, "stop", False), id="stop"),
        pytest.param(110.0, 111.0, (0.0, "stop", False), id="target_1"),
    ],
)
def test_an_open_exactly_on_a_level_is_at_it(
    plan: Plan, level: float, high: float, ended: tuple[float, str, bool]
) -> None:
    """An order that rests exactly where a bar opens is filled at the open: the stop at once and without
    doubt, a target before the rest of the bar reaches the stop."""
    bars = [BAR_0, (level, high, 90.0, 95.0)]
    if plan.direction is not LONG.direction:
        bars = [flipped_bar(ohlc) for ohlc in bars]
    progress = play(signal(plan), bars).signal.progress
    assert (progress.result_r, progress.exit_reason, progress.ambiguous) == ended


@pytest.mark.parametrize("case", [case for case in CASES if case.reason], ids=lambda case: case.name)
def test_a_closed_signal_has_no_more_events(case: Case) -> None:
    """After its end neither a wild bar nor the lack of bars changes a signal."""
    closed = play(signal(case.plan), case.bars, case.trails).signal
    assert advance(closed, bar(99, (100.0, 200.0, 1.0, 100.0)), 99.0) == ()
    assert play(closed, [(100.0, 200.0, 1.0, 100.0)]).signal == closed
    assert without_data(closed, at(99)) == (closed, ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_created_is_treated_as_waiting(case: Case) -> None:
    """A signal that was not announced yet has the same events: the market does not wait for Discord."""
    stored = signal(case.plan, announced_at=None)
    assert stored.status.value == "CREATED"
    assert play(stored, case.bars, case.trails).lines == case.events


@pytest.mark.parametrize("plan", [LONG, mirrored(LONG)], ids=["long", "short"])
def test_no_data_exits_an_open_trade_at_the_last_close(plan: Plan) -> None:
    """An entered trade without bars ends at the last close with what is left."""
    bars = [BAR_0, TO_TARGET_1] if plan is LONG else [flipped_bar(BAR_0), flipped_bar(TO_TARGET_1)]
    ended, events = without_data(play(signal(plan), bars).signal, at(12))
    (event,) = events
    assert (event.type, event.reason, event.ts) == (EventType.EXPIRED, "no_data", at(12))
    assert (event.price, event.fraction) == (bars[-1][3], 0.5)
    assert (ended.status, ended.exit_reason) == ("EXPIRED", "no_data")
    assert ended.progress.result_r == pytest.approx(0.5 * 1.0 + 0.5 * 1.1)


@pytest.mark.parametrize("plan", [LONG, mirrored(LONG)], ids=["long", "short"])
def test_new_units_change_prices_and_no_result(plan: Plan) -> None:
    """An open signal counts its prices anew, at that moment, as one event; a closed one stays as it is."""
    bars = [BAR_0, TO_TARGET_1] if plan is LONG else [flipped_bar(BAR_0), flipped_bar(TO_TARGET_1)]
    before = play(signal(plan), bars).signal
    after, (event,) = rebased(before, 0.25, at(12))
    assert (event.type, event.ts, event.factor) == (EventType.REBASED, at(12), 0.25)
    assert (after.plan.stop, after.plan.risk) == (0.25 * plan.stop, 0.25 * plan.risk)
    assert after.progress.entry_fill == 0.25 * (before.progress.entry_fill or nan)
    assert after.version == before.version + 1
    closed, _ = without_data(before, at(12))
    assert rebased(closed, 0.25, at(13)) == (closed, ())


@pytest.mark.parametrize("bars", [[], [ABOVE]], ids=["no_bar_at_all", "waited_one_bar"])
def test_no_data_before_the_entry_has_no_result(bars: list[Ohlc]) -> None:
    """A signal that was never entered expires without price and result."""
    ended, (event,) = without_data(play(signal(LIMIT), bars).signal, at(12))
    assert (event.price, event.fraction) == (None, None)
    assert (ended.status, ended.exit_reason) == ("EXPIRED", "no_data")
    assert (ended.progress.result_r, ended.progress.fees_r) == (None, None)


TO_LOCK = [(102.0, 105.0, 101.0, 104.0), TO_TARGET_1, TO_TARGET_2, (115.0, 116.0, 109.0, 112.0)]


@pytest.mark.parametrize(
    ("plan", "traded"),
    [
        (LONG, 102 + 0.5 * 110 + 0.25 * 120 + 0.25 * 110),
        (mirrored(LONG), 98 + 0.5 * 90 + 0.25 * 80 + 0.25 * 90),
    ],
    ids=["long", "short"],
)
def test_result_is_net_of_the_costs_of_every_fill(plan: Plan, traded: float) -> None:
    """Costs are paid on the entry and on each part that left, in R; fills stay market prices."""
    bars = TO_LOCK if plan is LONG else [flipped_bar(ohlc) for ohlc in TO_LOCK]
    progress = play(signal(replace(plan, cost_rate=0.001)), bars).signal.progress
    gross = 0.5 * 0.8 + 0.25 * 1.8 + 0.25 * 0.8
    assert progress.fees_r == pytest.approx(0.001 * traded / 10, abs=1e-12)
    assert progress.result_r == pytest.approx(gross - 0.001 * traded / 10, abs=1e-12)
    assert progress.exit_reason == "tp1_lock"


def test_the_result_stands_on_the_event_that_ends_the_trade() -> None:
    """Only the last event carries result and fees, the same ones as the signal."""
    played = play(signal(replace(LONG, cost_rate=0.001)), TO_LOCK)
    *before, last = played.events
    assert all(event.result_r is None and event.fees_r is None for event in before)
    assert (last.result_r, last.fees_r) == (played.signal.progress.result_r, played.signal.progress.fees_r)


@pytest.mark.parametrize("fill", [92.0, 98.0, 104.0, 108.0])
def test_r_is_the_announced_distance(fill: float) -> None:
    """One R is |entry - stop| as announced, wherever the entry filled and however the stop moved."""
    played = play(signal(), [(fill, fill + 1, fill - 1, fill), (fill, fill, 89.0, 89.0)])
    assert played.signal.plan.risk == 10.0
    assert played.signal.progress.result_r == pytest.approx((90.0 - fill) / 10.0)


def test_the_plan_never_changes() -> None:
    """Moving the stop leaves the announced levels as they were."""
    played = play(signal(), TWO, {2: 115.0})
    assert played.signal.progress.stop == 115.0
    assert played.signal.plan == LONG


def test_each_status_in_turn() -> None:
    """WAITING, ACTIVE, TP1_HIT, TP2_HIT and TP3_HIT follow one another."""
    bars = [ABOVE, BAR_0, TO_TARGET_1, TO_TARGET_2, (123.0, 131.0, 122.0, 130.0)]
    seen = [play(signal(LIMIT), bars[:count]).signal.status.value for count in range(len(bars) + 1)]
    assert seen == ["WAITING", "WAITING", "ACTIVE", "TP1_HIT", "TP2_HIT", "TP3_HIT"]


def test_a_signal_remembers_when_and_how_it_went() -> None:
    """The bars of its entry, of its last bar and of its end, and how many targets were hit, stand on it."""
    bars = [ABOVE, BAR_0, TO_TARGET_1, TO_TARGET_2]
    going = play(signal(LIMIT), bars).signal.progress
    assert (going.entry_ts, going.last_ts, going.closed_at) == (at(1), at(3), None)
    over = play(signal(LIMIT), [*bars, (123.0, 131.0, 122.0, 130.0)]).signal.progress
    assert (over.entry_ts, over.last_ts, over.closed_at) == (at(1), at(4), at(4))
    assert (going.targets_hit, over.targets_hit) == (2, 3)
    assert play(signal(), [*TO_LOCK]).signal.progress.targets_hit == 2


def test_people_are_told_at_which_price_it_was_missed_or_broke() -> None:
    """The open that lay past the stop or target 1; the level that the close fell through."""
    (missed,) = play(signal(), [(111.0, 112.0, 110.0, 111.0)]).events
    assert (missed.reason, missed.price) == ("missed", 111.0)
    _, fell = play(signal(BASED), [BAR_0, (96.0, 97.0, 93.0, 94.0)]).events
    assert (fell.type, fell.price) == (EventType.STRUCTURE_BROKEN, 95.0)


def test_a_trail_that_moved_by_one_per_cent_is_told() -> None:
    """A step is worth telling from one per cent of the last one told on."""
    quiet = (121.0, 123.0, 118.0, 122.0)
    for level, is_quiet in ((113.625, False), (113.6, True)):
        last = play(signal(), [*TWO, quiet], {2: 112.5, 3: level}).events[-1]
        assert (last.type, last.stop, last.quiet) == (EventType.STOP_MOVED, level, is_quiet)
