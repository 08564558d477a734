"""What people are told besides the story of each signal, in words."""

from datetime import timedelta

from crypto_signals.domain.notices import Heartbeat, NeedsAPerson, Notice, RefusedSetups, Week
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.wording import bar_text, counted, one_line, setup_words, signed
from crypto_signals.notifications.follow_ups import result_colour
from crypto_signals.notifications.standing import gate_words, status_words
from crypto_signals.notifications.texts import Colour, Line, Message, Strong

LISTED = 40
"""So many lines of a list are shown; the store has the rest."""
_FOOTER = "Crypto Sentinel"


def notice_message(notice: Notice) -> Message:
    """What a notice says."""
    match notice:
        case Heartbeat():
            return _message(notice, _heartbeat_title(notice), _heartbeat(notice), Colour.GREY)
        case Week():
            return _week(notice)
        case RefusedSetups():
            return _refused(notice)
        case NeedsAPerson():
            return _message(notice, "Something needs you", _needs(notice), Colour.GOLD)


def _message(notice: Notice, title: str, lines: tuple[Line, ...], colour: Colour) -> Message:
    return Message(
        title=title,
        lines=lines,
        colour=colour,
        footer=_FOOTER,
        ts=notice.ts,
        thread_name=f"{title} · {notice.ts:%Y-%m-%d}",
        alt="",
    )


def _heartbeat_title(beat: Heartbeat) -> str:
    return f"{counted(beat.symbols_processed, 'symbol')} scanned, {counted(beat.signals, 'signal')}"


def _heartbeat(beat: Heartbeat) -> tuple[Line, ...]:
    missing = beat.symbols_total - beat.symbols_processed
    refused, still = counted(beat.shadow_signals, "setup"), counted(beat.open_signals, "signal")
    lines: list[Line] = [(f"{refused} refused by a gate; {still} open.",)]
    if missing > 0:
        lines.append((Strong(f"{counted(missing, 'symbol')} not scanned"), ". See: sentinel health"))
    return tuple(lines)


def _week(week: Week) -> Message:
    results = [s for s in week.closed if s.progress.result_r is not None]
    total = sum(s.progress.result_r or 0.0 for s in results)
    first = week.ts - timedelta(days=7)
    title = f"Week of {first:%Y-%m-%d}: {signed(total)} R, {counted(len(week.closed), 'signal')} closed"
    if not results:
        nothing: Line = ("No trade ended in this week.",)
        return _message(week, title, (nothing,), Colour.GREY)
    ranked = sorted(results, key=_result, reverse=True)
    won = sum(_result(s) > 0 for s in results)
    lines: list[Line] = [(f"{won} of {len(results)} ended above zero, after fees.",)]
    lines.append((Strong("Best"), f": {_ended(ranked[0])}"))
    if len(ranked) > 1:
        lines.append((Strong("Worst"), f": {_ended(ranked[-1])}"))
    return _message(week, title, tuple(lines), result_colour(total))


def _result(signal: Signal) -> float:
    return signal.progress.result_r or 0.0


def _ended(signal: Signal) -> str:
    words = status_words(signal, signal.progress.status)
    return f"{setup_words(signal)}, {signed(_result(signal))} R ({words})."


def _refused(refused: RefusedSetups) -> Message:
    lines: list[Line] = [
        (Strong(f"{setup_words(s)}, {bar_text(s.bar_ts, s.timeframe)}"), f": {_said_no(s)}.")
        for s in refused.signals[:LISTED]
    ]
    if (more := len(refused.signals) - LISTED) > 0:
        lines.append((f"And {more} more: sentinel signals list",))
    title = f"{counted(len(refused.signals), 'setup')} refused by a gate"
    return _message(refused, title, tuple(lines), Colour.GREY)


def _said_no(signal: Signal) -> str:
    return "; ".join(gate_words(gate) for gate in signal.failed_gates)


def _needs(trouble: NeedsAPerson) -> tuple[Line, ...]:
    lines: list[Line] = []
    if trouble.dead:
        lines.append((f"Discord refused {counted(trouble.dead, 'message')} for good: sentinel signals list",))
    lines += [(f"{one_line(name)} takes nothing any more: sentinel health",) for name in trouble.paused]
    lines += [(f"{one_line(reason)}",) for reason in trouble.unreadable[:LISTED]]
    return tuple(lines)
