"""Bars from Alpaca's market data: crypto without keys, stocks with them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from crypto_signals.analysis.panel import Panel, Series, as_ts64
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.errors import NoBars, SourceFailed, UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import History, SourceError, Wait, Wanted
from crypto_signals.market.alpaca_client import (
    AlpacaClient,
    Keys,
    NotEntitled,
    NotUnderstood,
    Rows,
    Unreachable,
    waited,
)
from crypto_signals.market.calendars import CRYPTO_GRACE, EQUITY_GRACE, MarketCalendar
from crypto_signals.market.prepare import FIRST_LOOK_BARS, prepared
from crypto_signals.market.raw import RawBars

SERVICE = "alpaca"
CRYPTO_FEED = "us"
FEEDS = ("auto", "sip", "iex")
BATCH_SYMBOLS = 100
_CRYPTO_PATH = f"/v1beta3/crypto/{CRYPTO_FEED}/bars"
_STOCKS_PATH = "/v2/stocks/bars"
_FIELDS = ("o", "h", "l", "c", "v")
_NO_KEYS = "stock bars need ALPACA_API_KEY and ALPACA_SECRET_KEY; set both, or switch equities off"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Answer:
    """What the batches of one history gave, with the feed of each symbol."""

    rows: Rows = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    unreachable: str | None = None


class AlpacaBars:
    """A `BarSource` over Alpaca. Stocks come from ``feed``: ``sip``, ``iex``, or ``auto``, which takes the
    consolidated tape and falls back to IEX, with a warning, where the plan withholds it.

    Stocks without keys are an error of each of them. Raises ``UsageError`` for a feed that does not exist,
    and for an address that `AlpacaClient` refuses. ``first_wait_s``: the wait before a request is repeated.
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
        wait: Wait = waited,
    ) -> None:
        if feed not in FEEDS:
            raise UsageError(f"ALPACA_DATA_FEED is {feed!r}; use one of {', '.join(FEEDS)}")
        self._client = AlpacaClient(base_url, keys, first_wait_s=first_wait_s, wait=wait)
        self._calendar = calendar
        self._symbols = tuple(symbols)
        self._has_keys = keys is not None
        self._feed = "sip" if feed == "auto" else feed
        self._may_fall_back = feed == "auto"

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def instruments(self) -> Sequence[Instrument]:
        """The configured instruments, in their order."""
        return [Instrument.of(symbol) for symbol in self._symbols]

    def history(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> History:
        """The bars known at ``now``: from ``since`` on, or the newest and 500 before it.

        Raises ``NoBars`` if Alpaca cannot be reached, or if every symbol failed.
        """
        requests, retries = self._client.requests, self._client.retries
        answer = self._ask(wanted, timeframe, now)
        if answer.unreachable is not None and not answer.feeds:
            raise NoBars(
                f"Alpaca market data ({self._client.host}) cannot be reached: {answer.unreachable}. "
                "Nothing was done; check the network, or name a bars file in BARS_URL."
            )
        found, problems = self._read(answer, wanted, timeframe, now)
        if wanted and len(answer.errors) == len(wanted):
            symbol, error = next(iter(answer.errors.items()))
            raise NoBars(f"Alpaca gave no bar of any of {len(wanted)} symbols; {symbol}: {error}")
        asked = frozenset(want.instrument.symbol for want in wanted)
        return History(
            Panel.of(found),
            {series.symbol: answer.feeds[series.symbol] for series in found},
            tuple(problems),
            tuple(SourceError(symbol, SERVICE, error) for symbol, error in answer.errors.items()),
            gone=asked - {series.symbol for series in found} - answer.errors.keys(),
            requests=self._client.requests - requests,
            retries=self._client.retries - retries,
        )

    def _ask(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> _Answer:
        answer = _Answer()
        for kind in AssetClass:
            starts = {
                want.instrument.symbol: want.since
                or self._calendar.first_look(kind, timeframe, now, FIRST_LOOK_BARS)
                for want in wanted
                if want.instrument.asset_class is kind
            }
            if kind is AssetClass.EQUITY and not self._has_keys:
                answer.errors.update(dict.fromkeys(starts, _NO_KEYS))
                continue
            for batch in _batches(starts):
                self._ask_batch(answer, kind, batch, _window(kind, timeframe, starts[batch[0]], now))
        return answer

    def _ask_batch(self, answer: _Answer, kind: AssetClass, batch: list[str], window: dict[str, str]) -> None:
        """One question for many symbols; where it is refused, halves are asked to find the bad symbol."""
        if answer.unreachable is not None:
            answer.errors.update(dict.fromkeys(batch, f"Alpaca cannot be reached: {answer.unreachable}"))
            return
        try:
            rows = self._fetch(kind, {**window, "symbols": ",".join(batch)})
        except NotUnderstood as error:
            if len(batch) > 1:
                half = len(batch) // 2
                self._ask_batch(answer, kind, batch[:half], window)
                self._ask_batch(answer, kind, batch[half:], window)
            else:
                answer.errors[batch[0]] = str(error)
        except Unreachable as error:
            answer.unreachable = str(error)
            answer.errors.update(dict.fromkeys(batch, f"Alpaca cannot be reached: {error}"))
        except SourceFailed as error:
            answer.errors.update(dict.fromkeys(batch, str(error)))
        else:
            answer.rows.update(rows)
            feed = CRYPTO_FEED if kind is AssetClass.CRYPTO else self._feed
            answer.feeds.update(dict.fromkeys(batch, feed))

    def _fetch(self, kind: AssetClass, params: dict[str, str]) -> Rows:
        if kind is AssetClass.CRYPTO:
            return self._client.bars(_CRYPTO_PATH, params)
        try:
            return self._client.bars(_STOCKS_PATH, {**params, "adjustment": "split", "feed": self._feed})
        except NotEntitled as error:
            if not self._may_fall_back or self._feed == "iex":
                raise
            log.warning(
                "%s. Stock bars come from IEX from now on: their volume is a few per cent of the tape", error
            )
            self._feed = "iex"
            return self._fetch(kind, params)

    def _read(
        self, answer: _Answer, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime
    ) -> tuple[list[Series], list[BarProblem]]:
        found: list[Series] = []
        problems: list[BarProblem] = []
        for want in wanted:
            symbol = want.instrument.symbol
            if symbol in answer.errors:
                continue
            try:
                raw = _raw(answer.rows.get(symbol, []))
                series, its_problems = prepared(want.instrument, timeframe, raw, self._calendar, now)
                series = _cut(series, want.since)
                if not len(series):
                    self._require_none_due(want, timeframe, now)
            except SourceFailed as error:
                answer.errors[symbol] = str(error)
                continue
            problems += its_problems if want.since else _shown(its_problems, series)
            if len(series):
                found.append(series)
        return found, problems

    def _require_none_due(self, want: Wanted, timeframe: Timeframe, now: datetime) -> None:
        """No bars are a fault, unless the bar of ``since`` itself is not due yet."""
        if want.since is not None:
            since = np.array([as_ts64(want.since)])
            if self._calendar.known_at(want.instrument.asset_class, timeframe, since)[0] > as_ts64(now):
                return
        raise SourceFailed("Alpaca has no completed bars of it; check the symbol")


def _batches(starts: dict[str, datetime]) -> Iterator[list[str]]:
    """Symbols by the start of what is wanted, so that the first of a batch starts it."""
    ordered = iter(sorted(starts, key=lambda symbol: (starts[symbol], symbol)))
    while batch := list(islice(ordered, BATCH_SYMBOLS)):
        yield batch


def _window(kind: AssetClass, timeframe: Timeframe, start: datetime, now: datetime) -> dict[str, str]:
    """Up to what is known now; for stocks that is also what free plans may ask of the consolidated tape."""
    end = now - (CRYPTO_GRACE if kind is AssetClass.CRYPTO else EQUITY_GRACE)
    stamps = {"start": min(start, end), "end": end}
    return {name: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, at in stamps.items()} | {
        "timeframe": timeframe.name
    }


def _raw(rows: list[object]) -> RawBars:
    """The service's bars as columns; a null value is a missing one. Raises ``SourceFailed``."""
    stamps: list[datetime] = []
    values: list[list[float]] = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("t"), str):
            raise SourceFailed("Alpaca sent a bar without a time")
        try:
            stamps.append(_utc(row["t"]))
            values.append([_value(row[name]) for name in _FIELDS])
        except KeyError as error:
            raise SourceFailed(f"Alpaca's bar of {row['t'][:30]} has no field {error}") from None
        except (TypeError, ValueError):
            raise SourceFailed(
                f"Alpaca's bar of {row['t'][:30]} holds something that is no number or time"
            ) from None
    columns = np.array(values, np.float64).reshape(len(rows), len(_FIELDS)).T.copy()
    return RawBars(np.array(stamps, "datetime64[us]"), *columns)


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _value(value: object) -> float:
    if value is None:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


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
