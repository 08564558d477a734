"""What is marked on a chart besides the bars: levels, the way of the stop, and the fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crypto_signals.domain.events import Event, EventType, StopKind
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.wording import signed
from crypto_signals.pictures.palette import Palette

Style = str
StopPath = list[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Tag:
    """A level of the plan, with its name."""

    name: str
    price: float
    colour: str
    style: Style


@dataclass(frozen=True, slots=True)
class Marker:
    """A fill: an arrow at its bar and price."""

    ts: datetime
    price: float
    text: str
    colour: str


def tags(signal: Signal, events: Sequence[Event], colours: Palette) -> list[Tag]:
    """The levels as announced, and where the stop stands now if it was moved."""
    plan = signal.plan
    found = [Tag(f"T{number}", price, colours.target, "-") for number, price in enumerate(plan.targets, 1)]
    found += [Tag("Entry", plan.entry, colours.entry, "-"), Tag("Stop", plan.stop, colours.stop, "-")]
    if plan.invalidation is not None:
        found.append(Tag("Invalid", plan.invalidation, colours.invalidation, "--"))
    path = stop_path(signal, events)
    if path and path[-1][1] != plan.stop and not signal.progress.closed:
        found.append(Tag("Stop now", path[-1][1], colours.stop, ":"))
    return found


def stop_path(signal: Signal, events: Sequence[Event]) -> StopPath:
    """From when on the stop stood where, up to the last bar that was looked at. Empty before the entry."""
    progress, plan = signal.progress, signal.plan
    if progress.entry_ts is None or progress.last_ts is None:
        return []
    moves = [(event.ts, event.stop) for event in events if event.type is EventType.STOP_MOVED]
    path: StopPath = [(progress.entry_ts, plan.stop)]
    path += [(ts, stop) for ts, stop in (moves or _proven_moves(signal)) if stop is not None]
    end = max(path[-1][0], progress.closed_at or progress.last_ts)
    return [*path, (end, path[-1][1])]


def _proven_moves(signal: Signal) -> list[tuple[datetime, float | None]]:
    """The moves that follow from the targets hit. Of a trail, only the last level is known."""
    progress, plan = signal.progress, signal.plan
    hits = progress.fills[: progress.targets_hit]
    levels = (progress.entry_fill, plan.targets[0])
    moves: list[tuple[datetime, float | None]] = [
        (fill.ts, level) for fill, level in zip(hits, levels, strict=False) if fill.ts != progress.closed_at
    ]
    if progress.stop_kind is StopKind.TRAIL and progress.last_ts is not None:
        moves.append((progress.last_ts, progress.stop))
    return moves


def markers(signal: Signal, colours: Palette) -> list[Marker]:
    """The entry and every exit; the last one carries the result."""
    progress = signal.progress
    if progress.entry_ts is None or progress.entry_fill is None:
        return []
    found = [Marker(progress.entry_ts, progress.entry_fill, "entry", colours.entry)]
    for number, fill in enumerate(progress.fills, 1):
        gains = signal.direction.side * (fill.price - progress.entry_fill) > 0
        last = number == len(progress.fills) and progress.closed
        text = f"T{number}" if number <= progress.targets_hit else "out"
        if last and progress.result_r is not None:
            text = f"{text}: {signed(progress.result_r)} R"
        colour = colours.target if gains else colours.stop
        found.append(Marker(fill.ts, fill.price, text, colour))
    return found
