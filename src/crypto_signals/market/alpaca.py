"""Bars from Alpaca's market data: crypto without keys, stocks with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Panel, Series, as_ts64
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.errors import NoBars, SourceFailed, UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import History, SourceError, Wanted
from crypto_signals.market.alpaca_client import AlpacaClient, Keys
from crypto_signals.market.assets import Assets, nearest
from crypto_signals.market.cache import BarCache
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.coverage import unusual
from crypto_signals.market.fetching import CRYPTO_FEED, PATHS, BarKind, Fetched, Fetcher
from crypto_signals.market.pace import Pace
from crypto_signals.market.prepare import FIRST_LOOK_BARS, prepared
from crypto_signals.market.raw import RawBars
from crypto_signals.market.shelf import Shelf
from crypto_signals.market.universe import MEDIAN_BARS, Universe

SERVICE = "alpaca"
FEEDS = ("auto", "sip", "iex")
MOST_ADVISED = 20
_NO_KEYS = "stock bars need ALPACA_API_KEY and ALPACA_SECRET_KEY; set both, or switch equities off"
_FALLS_BACK = (
    "{}. Stock bars come from IEX instead: their volume is a few per cent of the tape's; "
    "ALPACA_DATA_FEED=iex asks for them at once"
)


class _Answer(NamedTuple):
    """What one history gave, with the feed of each symbol."""

    fetched: Fetched
    feeds: dict[str, str]
    warnings: list[str]


class AlpacaBars:
    """A `BarSource` over Alpaca. Stocks come from ``feed``: ``sip``, ``iex``, or ``auto``, which takes the
    consolidated tape and falls back to IEX, with a warning, where the plan withholds it.

    Stocks without keys are an error of each of them. With a ``cache``, only new bars are asked for. Raises
    ``UsageError`` for a feed that does not exist, and for an address that `AlpacaClient` refuses.
    ``first_wait_s``: the wait before a request is repeated. ``assets`` is what can be traded: all of it that
    is worth it, for the classes in ``everything_of``; and it names what a misspelt symbol may have meant.
    """

    def __init__(
        self,
        base_url: str,
        calendar: MarketCalendar,
        symbols: Sequence[str],
        *,
        keys: Keys | None = None,
        feed: str = "auto",
        first_wait_s: float = 0.5,
        pace: Pace | None = None,
        cache: BarCache | None = None,
        assets: Assets | None = None,
        everything_of: Collection[AssetClass] = (),
    ) -> None:
        if feed not in FEEDS:
            raise UsageError(f"ALPACA_DATA_FEED is {feed!r}; use one of {', '.join(FEEDS)}")
        self._client = AlpacaClient(base_url, keys, first_wait_s=first_wait_s, pace=pace)
        self._calendar = calendar
        self._symbols = tuple(symbols)
        self._has_keys = keys is not None
        self._feed = "sip" if feed == "auto" else feed
        self._may_fall_back = feed == "auto"
        self._cache, self._assets = cache, assets
        self._universe = Universe(assets) if assets and everything_of else None
        self._everything_of = everything_of

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()
        if self._assets is not None:
            self._assets.close()

    def instruments(self) -> Sequence[Instrument]:
        """The configured instruments, in their order. Raises ``NoBars`` if they cannot be selected."""
        symbols = list(self._symbols)
        if self._universe is not None:
            try:
                for kind in self._everything_of:
                    symbols += self._universe.symbols(kind, self._newest_days)
            except SourceFailed as error:
                raise NoBars(f"what can be traded cannot be selected: {error}") from None
        return [Instrument.of(symbol) for symbol in symbols]

    def history(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> History:
        """The bars known at ``now``: from ``since`` on, or the newest and 500 before it.

        Raises ``NoBars`` if Alpaca cannot be reached, or if every symbol failed.
        """
        requests, retries = self._client.requests, self._client.retries
        fetched, feeds, warnings = self._ask(wanted, timeframe, now)
        if fetched.unreachable is not None and not feeds:
            raise NoBars(
                f"Alpaca market data ({self._client.host}) cannot be reached: {fetched.unreachable}. "
                "Nothing was done; check the network, or name a bars file in BARS_URL."
            )
        found, problems = self._read(fetched, wanted, timeframe, now)
        errors = fetched.errors | self._advised(fetched)
        if wanted and len(errors) == len(wanted):
            symbol, error = next(iter(errors.items()))
            raise NoBars(f"Alpaca gave no bar of any of {len(wanted)} symbols; {symbol}: {error}")
        asked = frozenset(want.instrument.symbol for want in wanted)
        return History(
            Panel.of(found),
            {series.symbol: feeds[series.symbol] for series in found},
            tuple(problems),
            tuple(SourceError(symbol, SERVICE, error) for symbol, error in errors.items()),
            gone=asked - {series.symbol for series in found} - errors.keys(),
            requests=self._client.requests - requests,
            retries=self._client.retries - retries,
            warnings=(*warnings, *unusual(found, timeframe, self._calendar, now)),
            breakers={
                f"{SERVICE}_{want}": self._client.breaker(PATHS[want])
                for want in sorted({want.instrument.asset_class for want in wanted})
            },
        )

    def _ask(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> _Answer:
        answer = _Answer(Fetched(), {}, [])
        for kind in AssetClass:
            starts = self._starts(kind, wanted, timeframe, now)
            if kind is AssetClass.CRYPTO:
                self._fill(answer, BarKind(kind, timeframe, CRYPTO_FEED), starts, now)
            elif not self._has_keys:
                answer.fetched.errors.update(dict.fromkeys(starts, _NO_KEYS))
            else:
                self._fill_stocks(answer, timeframe, starts, now)
        return answer

    def _starts(
        self, kind: AssetClass, wanted: Iterable[Wanted], timeframe: Timeframe, now: datetime
    ) -> dict[str, datetime]:
        first_look = self._calendar.first_look(kind, timeframe, now, FIRST_LOOK_BARS)
        return {
            want.instrument.symbol: want.since or first_look
            for want in wanted
            if want.instrument.asset_class is kind
        }

    def _fill_stocks(
        self, answer: _Answer, timeframe: Timeframe, starts: Mapping[str, datetime], now: datetime
    ) -> None:
        kind = BarKind(AssetClass.EQUITY, timeframe, self._feed)
        self._fill(answer, kind, starts, now)
        refused = dict(answer.fetched.refused)
        answer.fetched.refused.clear()
        if refused and self._may_fall_back and self._feed != "iex":
            self._feed = "iex"
            answer.warnings.append(_FALLS_BACK.format(next(iter(refused.values()))))
            self._fill_stocks(answer, timeframe, {symbol: starts[symbol] for symbol in refused}, now)
        else:
            answer.fetched.errors.update(refused)

    def _fill(self, answer: _Answer, kind: BarKind, starts: Mapping[str, datetime], now: datetime) -> None:
        """Bars of one kind, from the cache as far as it has them."""
        if not starts:
            return
        fetcher = Fetcher(self._client, self._calendar, kind, now)
        shelf = Shelf(kind, self._cache.load(kind) if self._cache else {}, fetcher, self._calendar, now)
        filled = shelf.fill(starts)
        if self._cache is not None:
            if shelf.changed:
                self._cache.save(kind, shelf.kept)
            answer.warnings.extend(self._cache.said())
        answer.fetched.add(filled)
        answer.feeds.update(dict.fromkeys(filled.bars, kind.feed))

    def _read(
        self, fetched: Fetched, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime
    ) -> tuple[list[Series], list[BarProblem]]:
        found: list[Series] = []
        problems: list[BarProblem] = []
        for want in wanted:
            symbol = want.instrument.symbol
            if symbol in fetched.errors:
                continue
            try:
                raw = fetched.bars[symbol]
                series, its_problems = prepared(want.instrument, timeframe, raw, self._calendar, now)
                series = _cut(series, want.since)
                if not len(series) and self._is_due(want, timeframe, now):
                    fetched.unknown.add(symbol)
                    fetched.errors[symbol] = "Alpaca has no completed bars of it; check the symbol"
                    continue
            except SourceFailed as error:
                fetched.errors[symbol] = str(error)
                continue
            problems += its_problems if want.since else _shown(its_problems, series)
            if len(series):
                found.append(series)
        return found, problems

    def _is_due(self, want: Wanted, timeframe: Timeframe, now: datetime) -> bool:
        """Whether there has to be a bar: not while the bar of ``since`` itself is not known yet."""
        if want.since is None:
            return True
        since = np.array([as_ts64(want.since)])
        known_at = self._calendar.known_at(want.instrument.asset_class, timeframe, since)
        return bool(known_at[0] <= as_ts64(now))

    def _advised(self, fetched: Fetched) -> dict[str, str]:
        """The errors of symbols that nobody knows, with those that may have been meant."""
        advised: dict[str, str] = {}
        for symbol in sorted(fetched.unknown & fetched.errors.keys())[:MOST_ADVISED]:
            near = nearest(symbol, self._known(Instrument.of(symbol).asset_class, fetched))
            if near:
                advised[symbol] = f"{fetched.errors[symbol]}; the nearest known: {', '.join(near)}"
        return advised

    def _known(self, kind: AssetClass, fetched: Fetched) -> Sequence[str]:
        """What can be traded; without keys, or where the list cannot be had, what there are bars of."""
        if self._assets is not None:
            with suppress(SourceFailed):
                return self._assets.tradable(kind)
        return [symbol for symbol, bars in fetched.bars.items() if len(bars)]

    def _newest_days(self, kind: AssetClass, symbols: Sequence[str]) -> Mapping[str, RawBars]:
        """Daily bars to select by, of the feed that the plan allows."""
        if self._assets is None:
            return {}
        now, answer, day = self._assets.now, _Answer(Fetched(), {}, []), Timeframe("1Day")
        start = self._calendar.first_look(kind, day, now, MEDIAN_BARS)
        starts = dict.fromkeys(symbols, start)
        if kind is AssetClass.CRYPTO:
            self._fill(answer, BarKind(kind, day, CRYPTO_FEED), starts, now)
        else:
            self._fill_stocks(answer, day, starts, now)
        if symbols and not any(len(bars) for bars in answer.fetched.bars.values()):
            raise SourceFailed(next(iter(answer.fetched.errors.values()), "there are no daily bars"))
        return answer.fetched.bars


def _cut(series: Series, since: datetime | None) -> Series:
    if since is None:
        return series[max(0, len(series) - FIRST_LOOK_BARS) :]
    return series[int(np.searchsorted(series.ts, as_ts64(since))) :]


def _shown(problems: list[BarProblem], series: Series) -> list[BarProblem]:
    """The problems at or after the first bar that is given."""
    if not len(series):
        return problems
    first = series.ts[0]
    return [problem for problem in problems if problem.ts is None or as_ts64(problem.ts) >= first]
