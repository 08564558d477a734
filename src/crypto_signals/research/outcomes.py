"""How plans ended on the bars of one series, by the outcome kernel."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.panel import Bools, Series, as_datetime
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import NO_DATA_SESSIONS
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, EntryType, ExitReason
from crypto_signals.engine.ports import Calendar
from crypto_signals.engine.track import is_unfed
from crypto_signals.research.outcome_kernel import ENTRIES, EVENT, OUTCOME, REASONS, RULES, Fine, walk

Plans: TypeAlias = npt.NDArray[Any]
"""PLAN[n]"""
Outcomes: TypeAlias = npt.NDArray[Any]
"""OUTCOME[n]"""

_DAY = timedelta(days=1)
NO_DATA = REASONS.index(ExitReason.NO_DATA)
MOST_EVENTS_A_BAR = 6
"""An entry, three targets, a broken structure, a moved stop."""
NO_FINE: Fine = ((np.empty(0), np.empty(0), np.empty(0)), np.empty(0, np.int64))


def rules_of(strategy: Strategy) -> Any:
    """What the strategy says of every trade (a row of RULES)."""
    rules = np.zeros(1, RULES)
    row = rules[0]
    row["entry_type"] = ENTRIES.index(EntryType(strategy.entry))
    row["valid_bars"], row["max_bars"] = strategy.valid_bars, strategy.max_bars
    row["fractions"] = strategy.fractions
    row["left"] = [sum(strategy.fractions[hit:]) for hit in range(3)]
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The bars of one series with what outcomes need besides: where what was open had ended for want of
    bars (``pauses``, bool[bars]; ``ended``: after the last one), and finer bars where there are any."""

    study: Study
    pauses: Bools
    ended: bool
    fine: Fine = NO_FINE

    @classmethod
    def of(
        cls, study: Study, kind: AssetClass, calendar: Calendar, now: np.datetime64, fine: Fine = NO_FINE
    ) -> "Track":
        """``now`` is when the newest bar of all series became known: what no bar was known of by then for ten
        sessions has ended."""
        ts = study.series.ts
        pauses = np.zeros(len(ts), np.bool_)
        for bar in np.flatnonzero(np.diff(ts) > np.timedelta64(NO_DATA_SESSIONS, "D")).tolist():
            pauses[bar + 1] = _has_paused(ts[bar], ts[bar + 1], kind, calendar)
        ended = len(ts) > 0 and is_unfed(kind, as_datetime(ts[-1]), calendar, as_datetime(now))
        return cls(study, pauses, ended, fine)

    def outcomes(self, plans: Plans, rules: Any) -> Outcomes:
        """How each plan ended (OUTCOME[n])."""
        return self._walked(plans, rules, np.zeros(0, EVENT))[0]

    def events(self, plan: Any, rules: Any) -> npt.NDArray[Any]:
        """Everything that happened to one plan (a row of PLAN), in order (EVENT[m])."""
        bars = min(len(self.study) - int(plan["bar"]), int(rules["valid_bars"]) + int(rules["max_bars"]) + 1)
        log = np.zeros(bars * MOST_EVENTS_A_BAR, EVENT)
        return log[: self._walked(np.array([plan]), rules, log)[1]]

    def _walked(self, plans: Plans, rules: Any, log: npt.NDArray[Any]) -> tuple[Outcomes, int]:
        found = blank(len(plans))
        series = self.study.series
        prices = (series.open, series.high, series.low, series.close)
        trails = (self.study.trail(1), self.study.trail(-1))
        events, _ = walk(plans, found, prices, trails, self.pauses, self.ended, rules, self.fine, log)
        return found, events


def blank(count: int) -> Outcomes:
    """Outcomes of plans that no bar has touched."""
    found = np.zeros(count, OUTCOME)
    for name in ("entry_bar", "exit_bar", "closed_bar", "reason", "fill_bar"):
        found[name] = -1
    for name in ("entry_fill", "stop", "told", "r", "fees_r", "best", "worst", "fill_price"):
        found[name] = np.nan
    return found


def is_trade(outcomes: Outcomes) -> Bools:
    """Which were entered and have ended."""
    return np.asarray((outcomes["entry_bar"] >= 0) & (outcomes["reason"] >= 0))


def is_open(outcomes: Outcomes) -> Bools:
    """Which have not ended, entered or not."""
    return np.asarray(outcomes["reason"] < 0)


def finer(series: Series, inside: Series, timeframe: Timeframe) -> Fine:
    """The bars of ``inside`` that lie in each bar of ``series``: from its stamp, for as long as it lasts."""
    last = series.ts[-1:] + np.timedelta64(timeframe.span)
    starts = np.searchsorted(inside.ts, np.append(series.ts, last)).astype(np.int64)
    return (inside.open, inside.high, inside.low), starts


def _has_paused(last: np.datetime64, ts: np.datetime64, kind: AssetClass, calendar: Calendar) -> bool:
    """Whether ``ts`` lies after the tenth session without a bar since ``last``."""
    tenth = calendar.session_after(kind, as_datetime(last), NO_DATA_SESSIONS)
    return as_datetime(ts) >= tenth + _DAY
