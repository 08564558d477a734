"""A signal as it stood when something happened to it, told again from its events."""

from collections.abc import Iterable
from dataclasses import replace

from crypto_signals.domain.events import Event
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import Progress, Signal


def unlived(signal: Signal) -> Signal:
    """The signal before anything happened to it."""
    return replace(signal, progress=Progress(), version=0, announced_at=None, cancelled_at=None)


def after(signal: Signal, events: Iterable[Event]) -> Signal:
    """The signal after its first ``events``; how many bars it had seen is not told by them."""
    retold = unlived(signal)
    for event in events:
        retold = apply(retold, event)
    return retold
