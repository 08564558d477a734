"""A backtest put together: bars from files, a strategy of the configuration, and what is written of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Panel, Series, as_ts64
from crypto_signals.analysis.panel_pool import cores
from crypto_signals.app.bars import file_history, timeframe_of
from crypto_signals.app.rules import strategies_of
from crypto_signals.config import Configuration
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.events import Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import Role
from crypto_signals.engine.odds import NO_ODDS, Odds, disagreement
from crypto_signals.engine.ports import History, SourceError
from crypto_signals.home import private
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.quality import summarise
from crypto_signals.plugins import Plugins
from crypto_signals.research.account import Terms
from crypto_signals.research.backtest import Test, backtest
from crypto_signals.research.report import results
from crypto_signals.research.report.page import page
from crypto_signals.research.report.summary import Report, as_json, nothing_traded, report_of
from crypto_signals.research.sharing import Progress, nobody, over_series
from crypto_signals.research.stories import story
from crypto_signals.research.trade_table import TradeTable, plain_columns, trade_table

TRADES_FILE, REPORT_FILE, CHARTS = "trades.parquet", "report.html", "charts"
_MOST_NAMED = 3
_MANY_CHARTS = 4
"""From here on, more than one core is worth its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: days are whole, the first and the last one included; None: no limit. Without a
    ``strategy`` it is the first one of the configuration, on its own timeframe unless another is named."""

    bars: Sequence[Path]
    timeframe: str | None = None
    first_day: datetime | None = None
    last_day: datetime | None = None
    symbols: Sequence[str] | None = None
    strategy: str | None = None
    finer: Sequence[Path] = ()
    finer_timeframe: str = "1Hour"
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The bars up to the last day and the test of them; ``histories`` tell what was wrong in the files,
    ``notes`` what cannot come of the bars that are left."""

    panel: Panel
    test: Test
    histories: Sequence[History]
    notes: Sequence[str]

    @property
    def warnings(self) -> list[str]:
        """All that a reader of the results must know of the bars."""
        problems = [problem for history in self.histories for problem in history.problems]
        failed = [f"{error.symbol}: {error.error}" for error in self.errors]
        return [*failed, *self.notes, *summarise(problems)]

    @property
    def errors(self) -> list[SourceError]:
        return [error for history in self.histories for error in history.errors]


@dataclass(frozen=True, slots=True)
class Written:
    trades_file: Path
    report_file: Path


def prepare(
    configuration: Configuration, known: Plugins, wanted: Wanted, measured: Odds = NO_ODDS
) -> Prepared:
    """Reads the files and checks what is asked for. Raises ``UsageError``."""
    strategy = _strategy(strategies_of(configuration, known), wanted)
    history = file_history(wanted.bars, strategy.timeframe, wanted.symbols)
    panel = _panel(history.panel, strategy, wanted)
    since = None if wanted.first_day is None else as_ts64(wanted.first_day)
    _check_period(history.panel, panel, since)
    fine, finer = _finer(wanted, strategy, panel)
    test = Test(strategy, known.catalogue, MarketCalendar(), since, wanted.terms, fine, measured)
    notes = [
        *_too_short(panel, known.catalogue, strategy),
        *disagreement(measured, [strategy], known.catalogue.fingerprint),
        *_too_late(measured, test, panel),
    ]
    return Prepared(panel, test, [history, *finer], notes)


def measure(prepared: Prepared, progress: Progress = nobody) -> Report:
    """Runs the test."""
    result = backtest(prepared.panel, prepared.test, progress)
    return report_of(result, trade_table(result))


def write(
    report: Report, prepared: Prepared, folder: Path, charts: int, progress: Progress = nobody
) -> Written:
    """The trades file, a page with a chart for each of ``charts`` trades, and the page of the report.

    Raises ``UsageError`` for a folder that cannot be written.
    """
    from crypto_signals.warehouse.trades_file import write_trades  # noqa: PLC0415 - loads pyarrow

    written = Written(folder / TRADES_FILE, folder / REPORT_FILE)
    try:
        write_trades(written.trades_file, plain_columns(report.table))
        links = _draw(report, folder, charts, progress)
        _replace(written.report_file, page(report, links, prepared.warnings))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return written


def folder_for(configuration: Configuration, out: Path | None) -> Path:
    """Where the files go; made if it is not there. Raises ``UsageError``."""
    folder = (out or configuration.settings.sentinel_home / "backtest").absolute()
    try:
        if out is None:
            private(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def summary(report: Report, prepared: Prepared, written: Written) -> dict[str, Any]:
    """What scripts get: the figures, what was noted, and where the files are."""
    return {
        **as_json(report),
        "notes": [*nothing_traded(report), *prepared.warnings],
        "errors": [asdict(error) for error in prepared.errors],
        "trades_file": str(written.trades_file),
        "report_file": str(written.report_file),
    }


def _strategy(strategies: Sequence[Strategy], wanted: Wanted) -> Strategy:
    by_name = {strategy.name: strategy for strategy in strategies}
    if wanted.strategy is None:
        chosen = strategies[0]
    elif wanted.strategy in by_name:
        chosen = by_name[wanted.strategy]
    else:
        near = get_close_matches(wanted.strategy, by_name, n=1, cutoff=0.0)[0]
        raise UsageError(
            f"--strategy {wanted.strategy}: there is no such strategy; the nearest known one is {near}"
        )
    if wanted.timeframe is None:
        return chosen
    return chosen.model_copy(update={"timeframe": timeframe_of(wanted.timeframe).name})


def _panel(panel: Panel, strategy: Strategy, wanted: Wanted) -> Panel:
    """The bars up to the last day, of the symbols that are asked for, or that the strategy trades."""
    symbols = strategy.symbols if wanted.symbols is None else None
    chosen = [series for series in panel if symbols is None or series.symbol in symbols]
    if not chosen:
        raise UsageError(
            f"strategy {strategy.name} trades {_named(symbols or ())}, of which the bars files hold nothing; "
            "name others with --symbol"
        )
    return Panel.of(_up_to(series, wanted.last_day) for series in chosen)


def _up_to(series: Series, last_day: datetime | None) -> Series:
    if last_day is None:
        return series
    return series[: int(np.searchsorted(series.ts, as_ts64(last_day + timedelta(days=1))))]


def _check_period(every: Panel, panel: Panel, since: np.datetime64 | None) -> None:
    last = max((series.ts[-1] for series in panel if len(series)), default=None)
    if last is None or (since is not None and last < since):
        first, end = (str(day.astype("datetime64[D]")) for day in (every.ts.min(), every.ts.max()))
        raise UsageError(
            f"there is no bar between --from and --to: the bars files hold bars from {first} to {end}"
        )


def _finer(
    wanted: Wanted, strategy: Strategy, panel: Panel
) -> tuple[Mapping[str, Series], Sequence[History]]:
    """The finer bars by symbol, and the history that they come from."""
    if not wanted.finer:
        return {}, ()
    timeframe = timeframe_of(wanted.finer_timeframe)
    if timeframe.span >= timeframe_of(strategy.timeframe).span:
        raise UsageError(
            f"--finer-timeframe {timeframe}: must be shorter than the bars themselves, {strategy.timeframe}"
        )
    history = file_history(wanted.finer, timeframe.name)
    known = {series.symbol: _up_to(series, wanted.last_day) for series in history.panel}
    return {symbol: known[symbol] for symbol in panel.symbols if symbol in known}, (history,)


def _too_short(panel: Panel, catalogue: Catalogue, strategy: Strategy) -> list[str]:
    """Which symbols have fewer bars than any detector needs that may open a signal."""
    needs = min((entry.warm_up_bars for entry in catalogue if _may_open(strategy, entry)), default=0) + 1
    short = [f"{series.symbol} ({len(series)})" for series in panel if 0 < len(series) < needs]
    if not short:
        return []
    return [f"too few bars to open anything, which takes {needs}: {_named(short)}"]


def _too_late(measured: Odds, test: Test, panel: Panel) -> list[str]:
    """Which setups are tested without odds, as the evidence reaches beyond them."""
    newest = max((row.until for row in measured.rows), default=None)
    first = panel.ts.min() if test.since is None else test.since
    if newest is None or as_ts64(newest) < first:
        return []
    return [f"the evidence reaches to {newest:%Y-%m-%d}: setups up to then are tested without odds"]


def _may_open(strategy: Strategy, entry: Detector) -> bool:
    if strategy.triggers is not None:
        return entry.name in strategy.triggers
    return entry.role is Role.TRIGGER


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def worth_drawing(table: TradeTable, most: int) -> list[int]:
    """The rows of trades whose charts tell most: in turn the newest, the best and the worst."""
    rows = results.ended(table)
    by_r = rows[np.argsort(table["r"][rows], kind="stable")]
    in_turn = zip_longest(rows[::-1].tolist(), by_r[::-1].tolist(), by_r.tolist())
    return list(dict.fromkeys(chain.from_iterable(in_turn)))[:most]


def _draw(report: Report, folder: Path, charts: int, progress: Progress) -> dict[int, str]:
    """The pages of the trades worth drawing, with their links by row."""
    from crypto_signals.app.live import draw  # noqa: PLC0415
    from crypto_signals.notifications.pages import PageEntry, write_threads  # noqa: PLC0415

    (folder / CHARTS).mkdir(exist_ok=True)
    rows, result = worth_drawing(report.table, charts), report.result
    choices = [result.choices[row] for row in rows]

    def entry(told: tuple[Signal, tuple[Event, ...], Series]) -> PageEntry:
        signal, events, bars = told
        pictures = [draw(signal, bars, events, dark=dark) for dark in (True, False)]
        return PageEntry(signal, events, *pictures)

    stories = [(*story(result, choice), result.examined[choice.series].series) for choice in choices]
    entries = over_series(entry, stories, progress, cores() if len(rows) >= _MANY_CHARTS else 1)
    pages = write_threads(folder / CHARTS, entries, (f"../{REPORT_FILE}", "Backtest"))
    return {row: path.relative_to(folder).as_posix() for row, path in zip(rows, pages, strict=True)}


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"the folder {folder} cannot be written: {error.strerror}. Choose another with --out.")
