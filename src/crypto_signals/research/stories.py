"""A trade of a backtest told as live would have told it: a signal with its events."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from crypto_signals.analysis.panel import Series, as_datetime
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.book import Book
from crypto_signals.engine.openings import Opener, Situation
from crypto_signals.research.backtest import Backtest, track_of
from crypto_signals.research.outcome_kernel import EVENT, EVENTS, REASONS, STOP_KINDS
from crypto_signals.research.outcomes import rules_of
from crypto_signals.research.portfolio import Choice, Examined

RUN_ID = "backtest"
_MOVES_A_BAR = 4


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
    opener = Opener(test.strategy, Book(test.strategy, ()), test.catalogue, test.calendar)
    judged = opener.judge(Situation(one.instrument, study, bar, triggers, None))
    (found,) = opener.open([judged], RUN_ID, as_datetime(one.known_at[bar]))
    return found.signal


def _events(result: Backtest, one: Examined, choice: Choice) -> Iterator[Event]:
    """What happened to it, by the kernel, which may have looked into finer bars."""
    test = result.test
    track = track_of(Study(one.series), one.instrument.asset_class, test, result.end)
    log = np.zeros(_MOVES_A_BAR * (test.strategy.max_bars + test.strategy.valid_bars), EVENT)
    track.outcomes(one.setups.plans[choice.row : choice.row + 1], rules_of(test.strategy), log)
    return told(one.series, log[log["type"] != EVENTS.index(EventType.CREATED)])


def told(series: Series, log: Any) -> Iterator[Event]:
    """Events of the kernel (EVENT[m]) in the lifecycle's own words."""
    for row in log:
        yield Event(
            type=EVENTS[row["type"]],
            ts=as_datetime(series.ts[row["bar"]]),
            price=_known(row["price"]),
            fraction=_known(row["fraction"]),
            stop=_known(row["stop"]),
            stop_kind=None if row["stop_kind"] < 0 else STOP_KINDS[row["stop_kind"]],
            reason=None if row["reason"] < 0 else REASONS[row["reason"]],
            ambiguous=bool(row["ambiguous"]),
            quiet=bool(row["quiet"]),
            result_r=_known(row["r"]),
            fees_r=_known(row["fees_r"]),
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
