"""The status card: the announcement, edited to say at a glance how the signal stands, or how it ended."""

from dataclasses import replace

from crypto_signals.domain.events import Event
from crypto_signals.domain.lifecycle import result_r
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.wording import bar_text, signed
from crypto_signals.notifications.announcement import MAY_REPEAT, announcement
from crypto_signals.notifications.follow_ups import result_colour, result_line
from crypto_signals.notifications.standing import position_line, status_words
from crypto_signals.notifications.texts import Colour, Line, Message


def card(signal: Signal, last: Event, *, may_repeat: bool = False) -> Message:
    """Shows what was told up to ``last``; so it says the same whenever it is made. What to do at first is
    over, and gives way to what is so now; the levels, the reasons and the picture stay."""
    told = announcement(signal)
    return replace(
        told,
        title=f"{told.title} · {_headline(signal)}",
        lines=(*_state(signal), _as_of(signal, last), *(((MAY_REPEAT,),) if may_repeat else ())),
        colour=_colour(signal),
    )


def _headline(signal: Signal) -> str:
    words, result = status_words(signal, signal.progress.status), signal.progress.result_r
    if signal.progress.closed:
        return words if result is None else f"{signed(result)} R, {words}"
    return f"{words}, {signed(so_far)} R so far" if (so_far := _so_far_r(signal)) is not None else words


def _so_far_r(signal: Signal) -> float | None:
    """What the closed parts have brought, after the fees so far; ``None`` before the first of them."""
    progress = signal.progress
    if progress.entry_fill is None or not progress.fills:
        return None
    return result_r(signal.plan, progress.entry_fill, progress.fills)[0]


def _state(signal: Signal) -> tuple[Line, ...]:
    progress = signal.progress
    if progress.closed:
        return (result_line(progress.result_r, progress.fees_r),)
    if progress.told_stop is None:
        return ()
    return (position_line(signal, progress.told_stop),)


def _as_of(signal: Signal, last: Event) -> Line:
    return (f"Last changed by the bar of {bar_text(last.ts, signal.timeframe)}.",)


def _colour(signal: Signal) -> Colour:
    progress = signal.progress
    if progress.closed:
        return result_colour(progress.result_r)
    return Colour.GREEN if progress.targets_hit else Colour.BLUE
