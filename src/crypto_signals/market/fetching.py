"""Many symbols' bars from Alpaca, in as few questions as they take, several questions at a time."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.alpaca_client import (
    PAGE_BARS,
    AlpacaClient,
    NotAsked,
    NotEntitled,
    NotUnderstood,
    Unreachable,
)
from crypto_signals.market.alpaca_rows import columns
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.raw import RawBars

CRYPTO_FEED = "us"
MOST_SYMBOLS = 200
"""In one question: its address must stay short enough for any proxy."""
AT_ONCE = 4
PATHS = {AssetClass.CRYPTO: f"/v1beta3/crypto/{CRYPTO_FEED}/bars", AssetClass.EQUITY: "/v2/stocks/bars"}


class BarKind(NamedTuple):
    """Bars that may stand in one series: of one length, from one feed, adjusted in one way."""

    asset_class: AssetClass
    timeframe: Timeframe
    feed: str

    @property
    def adjustment(self) -> str:
        """Crypto pairs are never split."""
        return "raw" if self.asset_class is AssetClass.CRYPTO else "split"

    @property
    def grace(self) -> timedelta:
        """For stocks that is also how old a bar of the consolidated tape must be on a free plan."""
        return MarketCalendar().grace(self.asset_class)


@dataclass(slots=True)
class Fetched:
    """What came of a question: the bars of each symbol that was answered, perhaps none; why others were not;
    those whose bars the plan does not include; and those of the errors that may be misspelt."""

    bars: dict[str, RawBars] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    unreachable: str | None = None

    def add(self, other: "Fetched") -> None:
        self.bars |= other.bars
        self.errors |= other.errors
        self.refused |= other.refused
        self.unknown |= other.unknown
        self.unreachable = self.unreachable or other.unreachable


class Fetcher:
    """Asks for bars of one kind, known at ``now``, in threads of its own."""

    def __init__(self, client: AlpacaClient, calendar: MarketCalendar, kind: BarKind, now: datetime) -> None:
        self._client, self._calendar, self._kind = client, calendar, kind
        self._end = now - kind.grace
        self._refusal: str | None = None

    def fetch(self, starts: Mapping[str, datetime]) -> Fetched:
        """The bars of each symbol from its start on, and perhaps some before."""
        batches = list(_batches(starts, self._expected_bars))
        fetched = Fetched()
        if len(batches) == 1:
            fetched.add(self._ask(batches[0], starts[batches[0][0]]))
        elif batches:
            with ThreadPoolExecutor(AT_ONCE, "alpaca") as pool:
                for part in pool.map(lambda batch: self._ask(batch, starts[batch[0]]), batches):
                    fetched.add(part)
        return fetched

    def _expected_bars(self, start: datetime) -> int:
        kind = self._kind
        return self._calendar.bars_between(kind.asset_class, kind.timeframe, start, self._end)

    def _ask(self, batch: list[str], start: datetime) -> Fetched:
        """One question for many symbols; once the plan refused one, no other is asked."""
        if self._refusal is not None:
            return Fetched(refused=dict.fromkeys(batch, self._refusal))
        try:
            return self._answered(batch, start)
        except NotUnderstood as error:
            return self._halved(batch, start, error)
        except SourceFailed as error:
            return self._failed(batch, error)

    def _halved(self, batch: list[str], start: datetime, error: NotUnderstood) -> Fetched:
        """Finds the bad symbol among many."""
        if len(batch) == 1:
            return Fetched(errors={batch[0]: str(error)}, unknown={batch[0]})
        half = len(batch) // 2
        fetched = self._ask(batch[:half], start)
        fetched.add(self._ask(batch[half:], start))
        return fetched

    def _failed(self, batch: list[str], error: SourceFailed) -> Fetched:
        if isinstance(error, NotEntitled):
            self._refusal = str(error)
            return Fetched(refused=dict.fromkeys(batch, self._refusal))
        if isinstance(error, Unreachable):
            errors = dict.fromkeys(batch, f"Alpaca cannot be reached: {error}")
            return Fetched(errors=errors, unreachable=None if isinstance(error, NotAsked) else str(error))
        return Fetched(errors=dict.fromkeys(batch, str(error)))

    def _answered(self, batch: list[str], start: datetime) -> Fetched:
        parts: dict[str, list[RawBars]] = {symbol: [] for symbol in batch}
        fetched = Fetched()
        for page in self._client.pages(PATHS[self._kind.asset_class], self._question(batch, start)):
            for symbol in page.keys() & parts.keys():
                try:
                    parts[symbol].append(columns(page[symbol]))
                except SourceFailed as error:
                    fetched.errors.setdefault(symbol, str(error))
        fetched.bars = {
            symbol: RawBars.joined(own) for symbol, own in parts.items() if symbol not in fetched.errors
        }
        return fetched

    def _question(self, batch: list[str], start: datetime) -> dict[str, str]:
        kind = self._kind
        asked = {"symbols": ",".join(batch), "timeframe": kind.timeframe.name}
        asked |= {"start": _stamp(min(start, self._end)), "end": _stamp(self._end)}
        if kind.asset_class is AssetClass.EQUITY:
            asked |= {"adjustment": kind.adjustment, "feed": kind.feed}
        return asked


def _batches(starts: Mapping[str, datetime], expected: Callable[[datetime], int]) -> Iterator[list[str]]:
    """Symbols by the start of what is wanted, as many together as a page has room for: the first of a batch
    starts it. A symbol that wants more than a page is asked for alone."""
    batch: list[str] = []
    room = 0
    for symbol in sorted(starts, key=lambda symbol: (starts[symbol], symbol)):
        if len(batch) >= room:
            if batch:
                yield batch
            batch = []
            room = max(1, min(MOST_SYMBOLS, PAGE_BARS // max(1, expected(starts[symbol]))))
        batch.append(symbol)
    if batch:
        yield batch


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
