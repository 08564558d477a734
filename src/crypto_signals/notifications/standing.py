"""How a signal stands, or how it ended, in a few words: the same in a table, in a thread and on its card."""

from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.vocabulary import Direction, ExitReason, Status
from crypto_signals.domain.wording import one_line, price_text, share_words
from crypto_signals.notifications.announcement import at_next_open
from crypto_signals.notifications.texts import Line

_STATUS_WORDS = {
    Status.CREATED: "not announced yet",
    Status.WAITING: "waiting for the entry",
    Status.ACTIVE: "open",
    Status.TP1_HIT: "open, target 1 hit",
    Status.TP2_HIT: "open, target 2 hit",
    Status.CANCELLED: "cancelled",
}
_REASON_WORDS = {
    ExitReason.TRAIL: "trailing stop",
    ExitReason.STOP: "stopped",
    ExitReason.TP1_LOCK: "stop at target 1",
    ExitReason.STRUCTURE: "pattern broke",
    ExitReason.TIME: "time is up",
    ExitReason.NO_DATA: "no more bars",
    ExitReason.NO_ENTRY: "not filled",
}


def status_words(signal: Signal, status: Status) -> str:
    """How it stands or ended, with the reason where the status alone does not tell."""
    progress = signal.progress
    if progress.closed and progress.exit_reason is not None and status is not Status.CANCELLED:
        reason = _REASON_WORDS.get(progress.exit_reason, progress.exit_reason.value.replace("_", " "))
        return f"{reason}, ambiguous bar" if progress.ambiguous else reason
    return _STATUS_WORDS.get(status, status.value.lower())


def exit_verb(signal: Signal) -> str:
    """How one gets out of the trade."""
    return "sell" if signal.direction is Direction.LONG else "buy back"


def position_line(signal: Signal, stop: float) -> Line:
    """What is still open, and the levels at which it ends."""
    progress, plan = signal.progress, signal.plan
    left = share_words(sum(plan.fractions[progress.targets_hit :]))
    size = "Everything is open" if left == "all" else f"{left[0].upper()}{left[1:]} is still open"
    if progress.structure_broken:
        return (f"{size}; {exit_verb(signal)} it {at_next_open(signal)}.",)
    level = price_text(signal.symbol, plan.targets[progress.targets_hit])
    return (f"{size}, stop {price_text(signal.symbol, stop)}, next target {level}.",)


def gate_words(gate: GateResult) -> str:
    """What the gate says of itself, else its numbers."""
    name = one_line(gate.gate.replace("_", " "))
    if gate.detail:
        return one_line(gate.detail)
    numbers = [
        f"{label} {value:g}"
        for label, value in (("", gate.value), ("asked for", gate.limit))
        if value is not None
    ]
    return f"{name}: {', '.join(number.strip() for number in numbers)}" if numbers else name
