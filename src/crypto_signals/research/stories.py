"""A trade of a backtest told as live would have told it: a signal with its events."""

from collections.abc import Iterator
from dataclasses import replace

from crypto_signals.analysis.panel import as_datetime
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.book import Book
from crypto_signals.engine.openings import Opener, Situation
from crypto_signals.research.backtest import Backtest, track_of
from crypto_signals.research.kernel_check import told_by_kernel
from crypto_signals.research.outcomes import rules_of
from crypto_signals.research.portfolio import Choice, Examined

RUN_ID = "backtest"


def story(result: Backtest, choice: Choice) -> tuple[Signal, tuple[Event, ...]]:
    """An announced choice as a signal that lived through the events which the backtest found."""
    one = result.examined[choice.series]
    signal = _opened(result, one, choice)
    happened = (Event(type=EventType.ANNOUNCED, ts=signal.created_at), *_events(result, one, choice))
    for event in happened:
        signal = apply(signal, event)
    seen = replace(
        signal.progress, last_ts=as_datetime(one.series.ts[-1]), last_close=float(one.series.close[-1])
    )
    return replace(signal, progress=seen), (Event(type=EventType.CREATED, ts=signal.created_at), *happened)


def _opened(result: Backtest, one: Examined, choice: Choice) -> Signal:
    """What the live engine makes of the same detector on the same bars, up to the signal's own."""
    test, bar = result.test, int(one.setups.plans["bar"][choice.row])
    entry = tuple(test.catalogue)[int(one.setups.detector[choice.row])]
    study = Study(one.series[: bar + 1])
    triggers = tuple(detect(study, [entry], bar))
    opener = Opener(test.strategy, Book(test.strategy, ()), test.catalogue, test.calendar, test.odds)
    judged = opener.judge(Situation(one.instrument, study, bar, triggers, None))
    (found,) = opener.open([judged], RUN_ID, as_datetime(one.known_at[bar]))
    return replace(found.signal, confirmed_by=choice.confirmed_by)


def _events(result: Backtest, one: Examined, choice: Choice) -> Iterator[Event]:
    """What happened to it, by the kernel, which may have looked into finer bars."""
    test = result.test
    track = track_of(Study(one.series), one.instrument.asset_class, test, result.newest_known)
    return told_by_kernel(one.series, track.events(one.setups.plans[choice.row], rules_of(test.strategy)))
