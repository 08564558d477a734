"""What is told of a signal after its announcement: each line says what happened and what to do now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from crypto_signals.domain.events import FINAL_STATUS, TARGET_HITS, Event, EventType, StopKind
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import Direction, ExitReason
from crypto_signals.domain.wording import (
    bar_text,
    bar_word,
    one_line,
    price_text,
    share_words,
    signed,
)
from crypto_signals.notifications.announcement import (
    MAY_REPEAT,
    alt_text,
    arrow,
    at_next_open,
    short_footer,
    thread_name,
)
from crypto_signals.notifications.standing import exit_verb, position_line
from crypto_signals.notifications.texts import Colour, Field, Line, Message, Span, Strong

CLOSING = frozenset(FINAL_STATUS)


def follow_up(signal: Signal, events: Sequence[Event], *, may_repeat: bool = False) -> Message:
    """One message for ``events``, in their order. ``signal`` stands where they led to; that it tells
    what to do *now* is why events that came together are told together. Needs at least one event."""
    last = events[-1]
    said = tuple(line for event in events for line in _told(signal, event))
    return Message(
        title=f"{arrow(signal)} {one_line(signal.symbol)} {signal.direction.value}: {_headline(events)}",
        lines=(*said, *(((MAY_REPEAT,),) if may_repeat else ())),
        colour=_colour(last),
        fields=_now(signal, last),
        footer=short_footer(signal, last.ts),
        ts=last.ts,
        thread_name=thread_name(signal),
        alt=alt_text(signal),
    )


def note(signal: Signal, events: Sequence[Event], *, may_repeat: bool = False) -> Message:
    """Says in plain words what a refused follow-up would have told, so that its thread hides no event."""
    said = ", ".join(_headline_of(event) for event in events)
    return Message(
        title=f"{arrow(signal)} {one_line(signal.symbol)} {signal.direction.value}: an update is missing",
        lines=(
            (f"A message could not be shown in full. It told: {said}.",),
            (f"The details: sentinel signals show {signal.signal_id}",),
            *(((MAY_REPEAT,),) if may_repeat else ()),
        ),
        colour=Colour.GREY,
        footer=short_footer(signal, events[-1].ts),
        ts=events[-1].ts,
        thread_name=thread_name(signal),
        alt=alt_text(signal),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """A short is sold first and bought back later; ``behind`` is the losing side."""

    take_off: str
    behind: str
    still_in: str


_WORDS = {
    Direction.LONG: _Words("Take {} off", "below", "hold any, sell it"),
    Direction.SHORT: _Words("Buy {} back", "above", "are short, buy back"),
}

_HEADLINES = {
    EventType.CREATED: "found",
    EventType.ANNOUNCED: "announced",
    EventType.CANCELLED: "cancelled",
    EventType.ENTERED: "entered",
    EventType.TARGET_1_HIT: "target 1 hit",
    EventType.TARGET_2_HIT: "target 2 hit",
    EventType.TARGET_3_HIT: "target 3 hit",
    EventType.STOP_MOVED: "move the stop",
    EventType.REBASED: "prices adjusted",
    EventType.STRUCTURE_BROKEN: "pattern broken",
    EventType.TRAIL_HIT: "trailing stop hit",
    EventType.STOPPED: "stopped out",
    EventType.INVALIDATED: "out, the pattern broke",
    EventType.EXPIRED: "over",
}
_EXPIRED_HEADLINES = {
    ExitReason.TIME: "out of time",
    ExitReason.NO_DATA: "no more bars",
    ExitReason.MISSED: "missed, do not enter",
    ExitReason.NO_ENTRY: "not filled",
}
_STOPPED_HEADLINES = {ExitReason.BREAK_EVEN: "out at break-even", ExitReason.TP1_LOCK: "out at target 1"}
_STOP_NAMES = {
    StopKind.INITIAL: "as announced",
    StopKind.BREAK_EVEN: "break-even",
    StopKind.TP1_LOCK: "target 1",
    StopKind.TRAIL: "trailing",
}


def _headline(events: Sequence[Event]) -> str:
    """What matters in a title: how it ended, else the last thing that is not a mere stop move."""
    telling = [event for event in events if event.type is not EventType.STOP_MOVED] or list(events)
    last = telling[-1]
    result = "" if last.result_r is None else f", {signed(last.result_r)} R"
    return _headline_of(last) + result


def _headline_of(event: Event) -> str:
    if event.type is EventType.EXPIRED and event.reason in _EXPIRED_HEADLINES:
        return _EXPIRED_HEADLINES[event.reason]
    if event.type is EventType.STOPPED and event.reason in _STOPPED_HEADLINES:
        return _STOPPED_HEADLINES[event.reason]
    return _HEADLINES[event.type]


def _colour(event: Event) -> Colour:
    if event.type in CLOSING:
        return result_colour(event.result_r)
    if event.type is EventType.STRUCTURE_BROKEN:
        return Colour.GOLD
    if event.type in TARGET_HITS or event.type is EventType.STOP_MOVED:
        return Colour.GREEN
    return Colour.BLUE if event.type is EventType.ENTERED else Colour.GREY


def result_colour(result_r: float | None) -> Colour:
    if result_r is None:
        return Colour.GREY
    return Colour.GREEN if result_r > 0 else Colour.RED


def _told(signal: Signal, event: Event) -> tuple[Line, ...]:
    lines = [_SAID[event.type](signal, event)]
    if event.ambiguous:
        lines.append(("Stop and target lay in the same bar: the stop counts.",))
    if event.type in CLOSING:
        lines.append(result_line(event.result_r, event.fees_r))
    return tuple(lines)


def result_line(result_r: float | None, fees_r: float | None) -> Line:
    if result_r is None:
        return (Strong("Never entered"), ": no result.")
    fees = "" if fees_r is None else f" after {fees_r:.2f} R of fees"
    return (Strong(f"Closed: {signed(result_r)} R"), f"{fees}.")


def _price(signal: Signal, price: float | None) -> str:
    return "?" if price is None else price_text(signal.symbol, price)


def _bar(signal: Signal, ts: datetime) -> tuple[Span, ...]:
    """A day is said as a day; a moment within it in the reader's own time."""
    return (bar_text(ts, signal.timeframe),) if signal.timeframe.is_daily else (ts,)


def _entered(signal: Signal, event: Event) -> Line:
    plan = signal.plan
    first = f"{exit_verb(signal)} {share_words(plan.fractions[0])} at {_price(signal, plan.targets[0])}"
    return (
        Strong(f"In at {_price(signal, event.price)}"),
        " (bar ",
        *_bar(signal, event.ts),
        f"). Keep the stop at {_price(signal, event.stop)}. Next: {first}.",
    )


def _target(signal: Signal, event: Event) -> Line:
    number, words = TARGET_HITS.index(event.type) + 1, _WORDS[signal.direction]
    price = _price(signal, event.price)
    part = share_words(event.fraction or 0.0)
    if number == 2:
        part = f"{part} of the first size"
    if number == 3 or part == "all":
        part = "the rest"
    return (
        Strong(f"Target {number} hit"),
        " (bar ",
        *_bar(signal, event.ts),
        f"). {words.take_off.format(part)} at {price}.",
    )


def _stop_moved(signal: Signal, event: Event) -> Line:
    kind = _STOP_NAMES[event.stop_kind or StopKind.INITIAL]
    return (Strong(f"Move the stop to {_price(signal, event.stop)}"), f" ({kind}).")


def _rebased(signal: Signal, event: Event) -> Line:
    plan = signal.plan
    stop = plan.stop if signal.progress.stop is None else signal.progress.stop
    targets = ", ".join(_price(signal, target) for target in plan.targets)
    return (
        Strong("Split: prices count anew"),
        f", {event.factor or 1.0:.4g} times what they were. The stop is now {_price(signal, stop)}, ",
        f"the targets {targets}. Replace your orders; the result in R stays the same.",
    )


def _structure_broken(signal: Signal, event: Event) -> Line:
    words = _WORDS[signal.direction]
    return (
        Strong("Pattern broken"),
        f": the {bar_word(signal.timeframe)} close of ",
        *_bar(signal, event.ts),
        f" is {words.behind} {_price(signal, event.price)}. ",
        f"{exit_verb(signal).capitalize()} everything {at_next_open(signal)}.",
    )


def _stopped(signal: Signal, event: Event) -> Line:
    words = _WORDS[signal.direction]
    what = "Trailing stop hit" if event.type is EventType.TRAIL_HIT else "Stopped"
    at = {ExitReason.BREAK_EVEN: " at break-even", ExitReason.TP1_LOCK: " at target 1"}
    where = at.get(event.reason, "") if event.reason else ""
    return (
        Strong(f"{what}{where}"),
        ": everything out at ",
        f"{_price(signal, event.price)} (bar ",
        *_bar(signal, event.ts),
        f"){_gap(signal, event)}. {_must_be_flat(words)}",
    )


def _gap(signal: Signal, event: Event) -> str:
    """An exit beyond the announced stop is an open beyond it: say so, it costs more than 1 R."""
    stop = signal.plan.stop
    if event.reason is not ExitReason.STOP or event.price is None or event.price == stop:
        return ""
    return f", an open beyond the stop at {_price(signal, stop)}"


def _must_be_flat(words: _Words) -> str:
    return f"If you still {words.still_in} now."


def _invalidated(signal: Signal, event: Event) -> Line:
    return (
        Strong("Out on the broken pattern"),
        f": everything at the open, {_price(signal, event.price)} (bar ",
        *_bar(signal, event.ts),
        f"). {_must_be_flat(_WORDS[signal.direction])}",
    )


def _expired(signal: Signal, event: Event) -> Line:
    price = _price(signal, event.price)
    match event.reason:
        case ExitReason.MISSED:
            what = f": it opened at {price}, at or past the stop or target 1. Do not enter, do not chase it."
            return (Strong("Missed"), what)
        case ExitReason.NO_ENTRY:
            return (Strong("Not filled in time"), ": cancel the entry order.")
        case ExitReason.NO_DATA if event.price is None:
            return (Strong("No bars for 10 sessions"), ": cancel the entry order.")
        case ExitReason.NO_DATA:
            rest = f": counted as closed at the last close, {price}. See if it still trades and get out."
            return (Strong("No bars for 10 sessions"), rest)
        case _:
            bars = f"Time is up after {signal.plan.max_bars} bars"
            return (Strong(bars), f": {exit_verb(signal)} everything now. Counted at the close, {price}.")


def _cancelled(_: Signal, event: Event) -> Line:
    why = f" ({one_line(event.detail)})" if event.detail else ""
    return (Strong("Cancelled"), f"{why}: do not act on it.")


def _created(signal: Signal, _: Event) -> Line:
    return (Strong("Found"), " on the bar ", *_bar(signal, signal.bar_ts), ".")


def _announced(_: Signal, event: Event) -> Line:
    return (Strong("Announced"), " ", event.ts, ".")


_SAID: dict[EventType, Callable[[Signal, Event], Line]] = {
    EventType.CREATED: _created,
    EventType.ANNOUNCED: _announced,
    EventType.CANCELLED: _cancelled,
    EventType.ENTERED: _entered,
    EventType.TARGET_1_HIT: _target,
    EventType.TARGET_2_HIT: _target,
    EventType.TARGET_3_HIT: _target,
    EventType.STOP_MOVED: _stop_moved,
    EventType.REBASED: _rebased,
    EventType.STRUCTURE_BROKEN: _structure_broken,
    EventType.TRAIL_HIT: _stopped,
    EventType.STOPPED: _stopped,
    EventType.INVALIDATED: _invalidated,
    EventType.EXPIRED: _expired,
}


def _now(signal: Signal, last: Event) -> tuple[Field, ...]:
    """Where the trade stands, so that nobody has to add up several lines."""
    progress = signal.progress
    if last.type in CLOSING or progress.closed or progress.entry_fill is None or progress.stop is None:
        return ()
    return (Field("Now", (position_line(signal, progress.stop),)),)
