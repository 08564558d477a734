"""Bars from files, shown as they became known: for demos, rehearsals and tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import Panel, Series, as_ts64
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.errors import NoBars, SourceFailed
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.engine.ports import History, SourceError, Wanted
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.files import read_bars
from crypto_signals.market.prepare import FIRST_LOOK_BARS, prepared
from crypto_signals.market.quality import summarise

FEED = "file"
MOST_REASONS = 3


@dataclass(slots=True)
class _Timed:
    """One instrument's bars on one timeframe with the times at which they are known, and its problems.

    ``told`` are the rows of the problems that were already reported.
    """

    series: Series
    known: NDArray[np.datetime64]
    problems: list[BarProblem]
    problem_ts: NDArray[np.datetime64]
    problem_known: NDArray[np.datetime64]
    told: set[int] = field(default_factory=set)


class FileBars:
    """A `BarSource` over Parquet and CSV files, read once; ``symbols`` limits what is configured.

    Raises ``UsageError`` for a file that cannot be used. A problem is reported once per process, with the
    first history that reaches its bar. A symbol whose bars do not fit the timeframe is an error of its own.
    """

    def __init__(
        self, paths: Iterable[Path], calendar: MarketCalendar, symbols: Sequence[str] | None = None
    ) -> None:
        self._calendar = calendar
        self._raw = read_bars(paths)
        self._symbols = tuple(self._raw if symbols is None else symbols)
        self._timed: dict[tuple[str, Timeframe], _Timed] = {}

    def limit_to(self, symbols: Sequence[str]) -> None:
        """Configures these symbols, whether the files hold them or not."""
        self._symbols = tuple(symbols)

    def instruments(self) -> Sequence[Instrument]:
        """The configured instruments, also those of which the files hold nothing."""
        return [Instrument.of(symbol) for symbol in self._symbols]

    def history(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> History:
        """The bars known at ``now``: from ``since`` on, or the newest and 500 before it.

        Raises ``NoBars`` if none of ``wanted`` has any bar yet, whatever its ``since``.
        """
        found: list[Series] = []
        problems: list[BarProblem] = []
        errors: list[SourceError] = []
        any_known, moment = False, as_ts64(now)
        for want in wanted:
            try:
                timed = self._lookup(want.instrument, timeframe)
            except SourceFailed as error:
                errors.append(SourceError(want.instrument.symbol, FEED, str(error)))
                continue
            end = int(np.searchsorted(timed.known, moment, side="right"))
            any_known |= end > 0
            series = _from(timed.series, want.since, end)
            problems += _news(timed, series, moment)
            if len(series):
                found.append(series)
        if wanted and not any_known:
            reasons = _reasons(errors, problems)
            raise NoBars(f"the bars files hold no valid {timeframe} bar that is known by now{reasons}")
        feeds = {series.symbol: FEED for series in found}
        gone = frozenset(want.instrument.symbol for want in wanted) - self._raw.keys()
        return History(Panel.of(found), feeds, tuple(problems), tuple(errors), gone)

    def close(self) -> None:
        """Nothing is held open."""

    def _lookup(self, instrument: Instrument, timeframe: Timeframe) -> _Timed:
        key = (instrument.symbol, timeframe)
        if key not in self._timed:
            self._timed[key] = self._prepare(instrument, timeframe)
        return self._timed[key]

    def _prepare(self, instrument: Instrument, timeframe: Timeframe) -> _Timed:
        raw = self._raw.get(instrument.symbol)
        if raw is None:
            near = get_close_matches(instrument.symbol, self._raw, n=3, cutoff=0.4) or sorted(self._raw)[:3]
            raise SourceFailed(f"is not in the bars files; the nearest they hold: {', '.join(near)}")
        series, problems = prepared(instrument, timeframe, raw, self._calendar)
        if not len(series) and not problems:
            raise SourceFailed(
                "none of its bars opens within regular trading hours, as no daily bar does; "
                "set the timeframe that the bars have"
            )
        stamps = [np.datetime64("NaT") if row.ts is None else as_ts64(row.ts) for row in problems]
        problem_ts = np.array(stamps, "datetime64[us]")
        kind = instrument.asset_class
        return _Timed(
            series,
            self._calendar.known_at(kind, timeframe, series.ts),
            problems,
            problem_ts,
            self._calendar.known_at(kind, timeframe, problem_ts) if problems else problem_ts,
        )


def _from(series: Series, since: datetime | None, end: int) -> Series:
    """The bars before row ``end``: from ``since`` on, or as many as a first look takes."""
    if since is None:
        start = max(0, end - FIRST_LOOK_BARS)
    else:
        start = min(end, int(np.searchsorted(series.ts, as_ts64(since))))
    return series if end - start == len(series) else series[start:end]


def _reasons(errors: Iterable[SourceError], problems: Iterable[BarProblem]) -> str:
    """Why there is no bar: the first few, and how many more."""
    said = [*(f"{error.symbol}: {error.error}" for error in errors), *summarise(problems)]
    if len(said) > MOST_REASONS:
        said[MOST_REASONS:] = [f"and {len(said) - MOST_REASONS} more"]
    return f": {'; '.join(said)}" if said else ""


def _news(timed: _Timed, shown: Series, now: np.datetime64) -> list[BarProblem]:
    """The problems not told before that lie at or after the first bar shown; and rows without a stamp."""
    if not timed.problems:
        return []
    within = np.isnat(timed.problem_ts) | (timed.problem_known <= now)
    if len(shown):
        within &= np.isnat(timed.problem_ts) | (timed.problem_ts >= shown.ts[0])
    rows = [row for row in np.flatnonzero(within).tolist() if row not in timed.told]
    timed.told.update(rows)
    return [timed.problems[row] for row in rows]
