"""The rules of a signal's life over arrays: what `domain.lifecycle` says, for many plans at once.

A differential test holds both equal, event by event and bit for bit, so the operations and their order are
those of the lifecycle. Beyond it, a bar in which stop and target both lie may be looked into with finer bars.
"""

from typing import Any, Protocol, TypeAlias

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.compile_cache import njit
from crypto_signals.domain.events import EventType, StopKind
from crypto_signals.domain.lifecycle import TRAIL_STEP_WORTH_TELLING
from crypto_signals.domain.vocabulary import EntryType, ExitReason

EVENTS = tuple(EventType)
REASONS = tuple(ExitReason)
STOP_KINDS = tuple(StopKind)
ENTRIES = tuple(EntryType)

PLAN = np.dtype(
    [
        ("bar", "i8"), ("side", "f8"), ("entry", "f8"), ("stop", "f8"), ("targets", "f8", 3),
        ("invalidation", "f8"), ("cost_rate", "f8"),
    ],
    align=True,
)  # fmt: skip
"""The signal's bar, +1 or -1, and its levels; ``invalidation`` NaN: none."""

RULES = np.dtype(
    [
        ("entry_type", "i8"),
        ("valid_bars", "i8"),
        ("max_bars", "i8"),
        ("fractions", "f8", 3),
        ("left", "f8", 3),
    ],
    align=True,
)
"""``left[h]`` is the part of the position that is open after h targets."""

OUTCOME = np.dtype(
    [
        ("entry_bar", "i8"), ("exit_bar", "i8"), ("closed_bar", "i8"), ("reason", "i8"), ("hit", "i8"),
        ("fills", "i8"), ("stop_kind", "i8"), ("broken", "?"), ("ambiguous", "?"), ("drilled", "?"),
        ("entry_fill", "f8"), ("stop", "f8"), ("told", "f8"), ("r", "f8"), ("fees_r", "f8"),
        ("best", "f8"), ("worst", "f8"), ("fill_bar", "i8", 3), ("fill_price", "f8", 3),
        ("fill_fraction", "f8", 3),
    ],
    align=True,
)  # fmt: skip
"""How far a plan has come. Bars and ``reason`` are -1 where there are none yet; ``closed_bar`` is the bar at
whose close the end was known: the one of the exit, or the first after a pause in the data."""

EVENT = np.dtype(
    [
        ("type", "i8"), ("bar", "i8"), ("price", "f8"), ("fraction", "f8"), ("stop", "f8"),
        ("stop_kind", "i8"), ("reason", "i8"), ("ambiguous", "?"), ("quiet", "?"), ("r", "f8"),
        ("fees_r", "f8"),
    ],
    align=True,
)  # fmt: skip

_ENTERED = EVENTS.index(EventType.ENTERED)
_TARGET_1 = EVENTS.index(EventType.TARGET_1_HIT)
_STOP_MOVED = EVENTS.index(EventType.STOP_MOVED)
_BROKEN = EVENTS.index(EventType.STRUCTURE_BROKEN)
_TRAIL_HIT = EVENTS.index(EventType.TRAIL_HIT)
_STOPPED = EVENTS.index(EventType.STOPPED)
_INVALIDATED = EVENTS.index(EventType.INVALIDATED)
_EXPIRED = EVENTS.index(EventType.EXPIRED)
_TARGET_3 = REASONS.index(ExitReason.TARGET_3)
_TRAIL = REASONS.index(ExitReason.TRAIL)
_STOP = REASONS.index(ExitReason.STOP)
_BREAK_EVEN = REASONS.index(ExitReason.BREAK_EVEN)
_TP1_LOCK = REASONS.index(ExitReason.TP1_LOCK)
_STRUCTURE = REASONS.index(ExitReason.STRUCTURE)
_TIME = REASONS.index(ExitReason.TIME)
_NO_DATA = REASONS.index(ExitReason.NO_DATA)
_MISSED = REASONS.index(ExitReason.MISSED)
_NO_ENTRY = REASONS.index(ExitReason.NO_ENTRY)
_INITIAL = STOP_KINDS.index(StopKind.INITIAL)
_AT_BREAK_EVEN = STOP_KINDS.index(StopKind.BREAK_EVEN)
_AT_TP1 = STOP_KINDS.index(StopKind.TP1_LOCK)
_AT_TRAIL = STOP_KINDS.index(StopKind.TRAIL)
_MARKET = ENTRIES.index(EntryType.MARKET)
_LIMIT = ENTRIES.index(EntryType.LIMIT)
_STEP = TRAIL_STEP_WORTH_TELLING


class PlanRow(Protocol):
    """A row of PLAN."""

    bar: int
    side: float
    entry: float
    stop: float
    targets: Floats
    invalidation: float
    cost_rate: float


class RulesRow(Protocol):
    """A row of RULES."""

    entry_type: int
    valid_bars: int
    max_bars: int
    fractions: Floats
    left: Floats


class State(Protocol):
    """A row of OUTCOME."""

    entry_bar: int
    exit_bar: int
    closed_bar: int
    reason: int
    hit: int
    fills: int
    stop_kind: int
    broken: bool
    ambiguous: bool
    drilled: bool
    entry_fill: float
    stop: float
    told: float
    r: float
    fees_r: float
    best: float
    worst: float
    fill_bar: Ints
    fill_price: Floats
    fill_fraction: Floats


Log: TypeAlias = Any
"""EVENT[m]: numpy has no type for the rows of its structured arrays."""
Prices: TypeAlias = tuple[Floats, Floats, Floats, Floats]
Fine: TypeAlias = tuple[tuple[Floats, Floats, Floats], Ints]
"""Open, high and low of finer bars, and where those of each bar begin."""


@njit(cache=True, nogil=True, error_model="numpy")
def walk(
    plans: Any,
    outcomes: Any,
    prices: Prices,
    trails: tuple[Floats, Floats],
    pauses: Bools,
    ended: bool,
    rules: RulesRow,
    fine: Fine,
    log: Log,
) -> tuple[int, int]:
    """Follows each of ``plans`` (PLAN[n]) to its end or the last bar, into ``outcomes`` (OUTCOME[n], blank).

    ``prices`` are open, high, low and close (float64[bars]), ``trails`` the chandelier exits of longs and
    shorts; ``pauses`` (bool[bars]) marks the first bar after so long a pause that what was open had ended
    with the data, ``ended`` whether the last bar is followed by such a pause. ``fine`` are the prices of
    finer bars and where those of each bar begin (int64[bars + 1]; empty: none are known).
    ``log`` (EVENT[m]) receives the first m events; gives how many there were, and how many bars were walked.
    """
    events, bars_walked = 0, 0
    bars = len(prices[0])
    for i in range(len(plans)):
        plan, state = plans[i], outcomes[i]
        trail = trails[0] if plan.side > 0 else trails[1]
        for bar in range(plan.bar + 1, bars):
            bars_walked += 1
            if pauses[bar]:
                events = _without_data(plan, state, rules, prices[3][bar - 1], bar, log, events)
            else:
                events = _advance(plan, state, rules, bar, prices, trail[bar], fine, log, events)
            if state.reason >= 0:
                break
        if ended and state.reason < 0:
            events = _without_data(plan, state, rules, prices[3][bars - 1], bars, log, events)
    return events, bars_walked


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(
    plan: PlanRow,
    state: State,
    rules: RulesRow,
    bar: int,
    prices: Prices,
    trail: float,
    fine: Fine,
    log: Log,
    events: int,
) -> int:
    """One bar over one plan: entry or open, inside, targets, close."""
    side = plan.side
    opened, close = prices[0][bar], prices[3][bar]
    worst, best = (prices[2][bar], prices[1][bar]) if side > 0 else (prices[1][bar], prices[2][bar])
    scores = True
    if state.entry_bar < 0:
        events = _enter(plan, state, rules, bar, opened, worst, best, log, events)
        scores = rules.entry_type == _MARKET
    else:
        events = _at_open(plan, state, rules, bar, opened, log, events)
    if state.entry_bar < 0 or state.reason >= 0:
        return events
    if side * (worst - state.stop) <= 0:
        events = _touched(plan, state, rules, bar, best, fine, scores, log, events)
    if scores and state.reason < 0:
        events = _targets(plan, state, rules, bar, best, False, log, events)
    if state.reason >= 0:
        return events
    _excursion(state, side, worst)
    _excursion(state, side, best)
    return _at_close(plan, state, rules, bar, close, trail, log, events)


@njit(cache=True, nogil=True, error_model="numpy")
def _enter(
    plan: PlanRow,
    state: State,
    rules: RulesRow,
    bar: int,
    opened: float,
    worst: float,
    best: float,
    log: Log,
    events: int,
) -> int:
    side = plan.side
    if side * (opened - plan.stop) <= 0 or side * (opened - plan.targets[0]) >= 0:
        state.reason, state.exit_bar, state.closed_bar = _MISSED, bar, bar
        return _note(log, events, _EXPIRED, bar, opened, np.nan, np.nan, -1, _MISSED)
    price = np.nan
    if rules.entry_type == _MARKET:
        price = opened
    elif rules.entry_type == _LIMIT:
        if side * (worst - plan.entry) <= 0:
            price = opened if side * (opened - plan.entry) <= 0 else plan.entry
    elif side * (best - plan.entry) >= 0:
        price = opened if side * (opened - plan.entry) >= 0 else plan.entry
    if not np.isnan(price):
        state.entry_bar, state.entry_fill = bar, price
        state.stop, state.told, state.stop_kind = plan.stop, plan.stop, _INITIAL
        state.best, state.worst = price, price
        return _note(log, events, _ENTERED, bar, price, np.nan, plan.stop, -1, -1)
    if bar - plan.bar >= rules.valid_bars:
        state.reason, state.exit_bar, state.closed_bar = _NO_ENTRY, bar, bar
        return _note(log, events, _EXPIRED, bar, np.nan, np.nan, np.nan, -1, _NO_ENTRY)
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _at_open(
    plan: PlanRow, state: State, rules: RulesRow, bar: int, opened: float, log: Log, events: int
) -> int:
    _excursion(state, plan.side, opened)
    if state.broken:
        return _exit(plan, state, rules, _INVALIDATED, bar, opened, _STRUCTURE, False, log, events)
    if plan.side * (opened - state.stop) <= 0:
        return _stopped(plan, state, rules, bar, opened, False, log, events)
    return _targets(plan, state, rules, bar, opened, True, log, events)


@njit(cache=True, nogil=True, error_model="numpy")
def _touched(
    plan: PlanRow,
    state: State,
    rules: RulesRow,
    bar: int,
    best: float,
    fine: Fine,
    scores: bool,
    log: Log,
    events: int,
) -> int:
    """The stop lies in this bar: it counts, unless finer bars show that a target came first."""
    both = plan.side * (best - plan.targets[state.hit]) >= 0
    if both and scores and len(fine[1]):
        events = _look_into(plan, state, rules, bar, fine, log, events)
        if state.reason >= 0:
            return events
        both = plan.side * (best - plan.targets[state.hit]) >= 0
    return _stopped(plan, state, rules, bar, state.stop, both, log, events)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_into(
    plan: PlanRow, state: State, rules: RulesRow, bar: int, fine: Fine, log: Log, events: int
) -> int:
    """The finer bars of this one in their order, each by the rules for open, stop and targets."""
    (opens, highs, lows), starts = fine
    for part in range(starts[bar], starts[bar + 1]):
        state.drilled = True
        worst, best = (lows[part], highs[part]) if plan.side > 0 else (highs[part], lows[part])
        if part > starts[bar]:
            events = _at_open(plan, state, rules, bar, opens[part], log, events)
        if state.reason < 0 and plan.side * (worst - state.stop) <= 0:
            both = plan.side * (best - plan.targets[state.hit]) >= 0
            events = _stopped(plan, state, rules, bar, state.stop, both, log, events)
        if state.reason < 0:
            events = _targets(plan, state, rules, bar, best, False, log, events)
        if state.reason >= 0:
            break
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _targets(
    plan: PlanRow, state: State, rules: RulesRow, bar: int, price: float, at_open: bool, log: Log, events: int
) -> int:
    while state.reason < 0 and plan.side * (price - plan.targets[state.hit]) >= 0:
        hit = state.hit
        fill = price if at_open else plan.targets[hit]
        if hit == 2:
            events = _exit(plan, state, rules, _TARGET_1 + 2, bar, fill, _TARGET_3, False, log, events)
        else:
            _fill(state, bar, fill, rules.fractions[hit])
            _excursion(state, plan.side, fill)
            share = rules.fractions[hit]
            events = _note(log, events, _TARGET_1 + hit, bar, fill, share, np.nan, -1, -1)
        state.hit = hit + 1
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _at_close(
    plan: PlanRow, state: State, rules: RulesRow, bar: int, close: float, trail: float, log: Log, events: int
) -> int:
    if bar - state.entry_bar + 1 >= rules.max_bars:
        return _exit(plan, state, rules, _EXPIRED, bar, close, _TIME, False, log, events)
    if not state.broken and plan.side * (close - plan.invalidation) < 0:
        state.broken = True
        events = _note(log, events, _BROKEN, bar, plan.invalidation, np.nan, np.nan, -1, -1)
    return _move_stop(plan, state, bar, trail, log, events)


@njit(cache=True, nogil=True, error_model="numpy")
def _move_stop(plan: PlanRow, state: State, bar: int, trail: float, log: Log, events: int) -> int:
    side, stop, kind = plan.side, state.stop, state.stop_kind
    if state.hit == 1 and side * (state.entry_fill - stop) > 0:
        stop, kind = state.entry_fill, _AT_BREAK_EVEN
    if state.hit == 2:
        if side * (plan.targets[0] - stop) > 0:
            stop, kind = plan.targets[0], _AT_TP1
        if side * (trail - stop) > 0:
            stop, kind = trail, _AT_TRAIL
    if stop == state.stop:
        return events
    step = abs(stop - state.told) / state.told
    quiet = kind == _AT_TRAIL and state.stop_kind == _AT_TRAIL and step < _STEP
    state.stop, state.stop_kind = stop, kind
    if not quiet:
        state.told = stop
    at = events
    events = _note(log, events, _STOP_MOVED, bar, np.nan, np.nan, stop, kind, -1)
    if at < len(log):
        log[at].quiet = quiet
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _stopped(
    plan: PlanRow,
    state: State,
    rules: RulesRow,
    bar: int,
    price: float,
    ambiguous: bool,
    log: Log,
    events: int,
) -> int:
    reason, kind = _STOP, _STOPPED
    if state.stop_kind == _AT_BREAK_EVEN:
        reason = _BREAK_EVEN
    elif state.stop_kind == _AT_TP1:
        reason = _TP1_LOCK
    elif state.stop_kind == _AT_TRAIL:
        reason, kind = _TRAIL, _TRAIL_HIT
    return _exit(plan, state, rules, kind, bar, price, reason, ambiguous, log, events)


@njit(cache=True, nogil=True, error_model="numpy")
def _without_data(
    plan: PlanRow, state: State, rules: RulesRow, last_close: float, bar: int, log: Log, events: int
) -> int:
    """Ends a plan before ``bar``, at the last close if it was entered."""
    if state.entry_bar < 0:
        state.reason, state.exit_bar, state.closed_bar = _NO_DATA, bar - 1, bar
        return _note(log, events, _EXPIRED, bar - 1, np.nan, np.nan, np.nan, -1, _NO_DATA)
    events = _exit(plan, state, rules, _EXPIRED, bar - 1, last_close, _NO_DATA, False, log, events)
    state.closed_bar = bar
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _exit(
    plan: PlanRow,
    state: State,
    rules: RulesRow,
    kind: int,
    bar: int,
    price: float,
    reason: int,
    ambiguous: bool,
    log: Log,
    events: int,
) -> int:
    """Ends a trade at ``price`` with all that is left."""
    left = rules.left[state.hit]
    _fill(state, bar, price, left)
    _excursion(state, plan.side, price)
    risk = abs(plan.entry - plan.stop)
    gross, traded = 0.0, state.entry_fill
    for part in range(state.fills):
        share, at = state.fill_fraction[part], state.fill_price[part]
        gross += share * (at - state.entry_fill) * plan.side / risk
        traded += share * at
    state.fees_r = plan.cost_rate * traded / risk
    state.r = gross - state.fees_r
    state.reason, state.exit_bar, state.closed_bar, state.ambiguous = reason, bar, bar, ambiguous
    at = events
    events = _note(log, events, kind, bar, price, left, np.nan, -1, reason)
    if at < len(log):
        log[at].ambiguous, log[at].r, log[at].fees_r = ambiguous, state.r, state.fees_r
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(state: State, bar: int, price: float, fraction: float) -> None:
    part = state.fills
    state.fill_bar[part], state.fill_price[part], state.fill_fraction[part] = bar, price, fraction
    state.fills = part + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _excursion(state: State, side: float, price: float) -> None:
    """The best and the worst price that the open trade has seen."""
    if side * (price - state.best) > 0:
        state.best = price
    if side * (price - state.worst) < 0:
        state.worst = price


@njit(cache=True, nogil=True, error_model="numpy")
def _note(
    log: Log,
    events: int,
    kind: int,
    bar: int,
    price: float,
    fraction: float,
    stop: float,
    stop_kind: int,
    reason: int,
) -> int:
    if events < len(log):
        row = log[events]
        row.type, row.bar, row.price, row.fraction, row.stop = kind, bar, price, fraction, stop
        row.stop_kind, row.reason, row.ambiguous, row.quiet = stop_kind, reason, False, False
        row.r, row.fees_r = np.nan, np.nan
    return events + 1
