"""The parameters of Alpaca's market data, and the words in which they are refused.

Source: Alpaca's OpenAPI "Market Data API 1.1" and docs.alpaca.markets; error bodies as quoted in public
issues.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from starlette.datastructures import QueryParams

from crypto_signals.simulator.bars_store import DAY, SECOND, microseconds
from crypto_signals.simulator.views import PLAIN, View

CRYPTO_SYMBOL = "^[A-Z]+/[A-Z]+$"
STOCK_SYMBOL = r"^[A-Z]+(\.[A-Z]+)?$"
TIMEFRAME = re.compile(r"([1-9]\d?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
UNITS = {
    "Min": 60,
    "T": 60,
    "Hour": 3600,
    "H": 3600,
    "Day": 86_400,
    "D": 86_400,
    "Week": 604_800,
    "W": 604_800,
}
MOST_UNITS = {
    "Min": 59,
    "T": 59,
    "Hour": 23,
    "H": 23,
    "Day": 1,
    "D": 1,
    "Week": 1,
    "W": 1,
    "Month": 12,
    "M": 12,
}
HISTORICAL_FEEDS = frozenset({"sip", "iex", "boats", "otc"})
LATEST_FEEDS = HISTORICAL_FEEDS | {"delayed_sip", "overnight"}
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
MOST_POINTS = 10_000
WITHHELD = timedelta(minutes=15)
"""How much of the consolidated tape a plan without real-time data does not show."""


class AlpacaError(Exception):
    """A request that Alpaca refuses."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message} if code is None else {"code": code, "message": message}


class PlanRefused(AlpacaError):
    """What the plan does not include; the code looks like that of a 422."""

    def __init__(self) -> None:
        super().__init__(403, "subscription does not permit querying recent SIP data", 42210000)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of bars; ``start`` and ``end`` are inclusive microseconds.

    ``unit`` is the timeframe's letter in page tokens.
    """

    symbols: tuple[str, ...]
    interval: int
    unit: str
    start: int
    end: int
    limit: int
    descending: bool
    after: tuple[str, int] | None
    view: View

    @classmethod
    def parse(
        cls,
        params: QueryParams,
        symbols: str,
        now: datetime,
        *,
        view: View = PLAIN,
        lag: timedelta = timedelta(),
    ) -> "Query":
        """Read the query string; without ``start`` it is the current day, without ``end`` it is now, or
        ``lag`` ago.
        """
        midnight = datetime.combine(now.date(), time(), UTC)
        interval = _interval(params.get("timeframe", ""))
        return cls(
            symbols=split_symbols(symbols),
            interval=interval,
            unit="D" if interval >= DAY else "M",
            start=instant(params, "start", midnight),
            end=min(instant(params, "end", now - lag), microseconds(now)),
            limit=_limit(params.get("limit", "1000")),
            descending=choice(params, "sort", frozenset({"asc", "desc"}), "asc") == "desc",
            after=_token(params.get("page_token")),
            view=view,
        )

    def token(self, symbol: str, ts: int) -> str:
        """Base64 of symbol, unit and nanoseconds of the last bar served, as Alpaca's tokens are."""
        return base64.b64encode(f"{symbol}|{self.unit}|{ts * 1000}".encode()).decode()


def crypto_symbols(params: QueryParams) -> tuple[str, ...]:
    """The pairs asked for; those without a slash are named."""
    symbols = split_symbols(params.get("symbols", ""))
    wrong = [symbol for symbol in symbols if not re.match(CRYPTO_SYMBOL, symbol)]
    if wrong:
        raise AlpacaError(400, f"Invalid symbol(s): {', '.join(wrong)} does not match {CRYPTO_SYMBOL}")
    return symbols


def stock_symbols(symbols: Iterable[str]) -> None:
    """Refuse what cannot be a stock's symbol."""
    for symbol in symbols:
        if not re.match(STOCK_SYMBOL, symbol):
            raise AlpacaError(400, f"invalid symbol: {symbol}")


def stock_view(params: QueryParams) -> View:
    """The feed and the adjustments of stock bars."""
    adjustment = frozenset(params.get("adjustment", "raw").split(","))
    for name in sorted(adjustment - ADJUSTMENTS):
        raise AlpacaError(400, f"invalid adjustment: {name}")
    return View(choice(params, "feed", HISTORICAL_FEEDS, "sip"), adjustment)


def split_symbols(text: str) -> tuple[str, ...]:
    """``AAPL,SPY`` as a tuple."""
    symbols = tuple(symbol for symbol in text.split(",") if symbol)
    if not symbols:
        raise AlpacaError(400, "symbols is required")
    return symbols


def choice(params: QueryParams, name: str, known: frozenset[str], default: str) -> str:
    """One of a few words."""
    value = params.get(name, default)
    if value not in known:
        raise AlpacaError(400, f"invalid {name}: {value}")
    return value


def instant(params: QueryParams, name: str, default: datetime) -> int:
    """RFC 3339 with an offset, or a date, which means its UTC midnight."""
    text = params.get(name)
    if not text:
        return microseconds(default)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise AlpacaError(400, f"invalid {name}: {text}") from None
    if parsed.tzinfo is None and len(text) > len("2022-03-09"):
        raise AlpacaError(400, f"invalid {name}: {text} has no UTC offset")
    return microseconds(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def _interval(text: str) -> int:
    """The length of a timeframe in microseconds; months have none, and no file has bars of them."""
    match = TIMEFRAME.fullmatch(text)
    if match is None or int(match[1]) > MOST_UNITS[match[2]]:
        raise AlpacaError(400, f"invalid timeframe: {text}" if text else "timeframe is required")
    if match[2] in {"Month", "M"}:
        return int(match[1]) * 31 * DAY
    return int(match[1]) * UNITS[match[2]] * SECOND


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_POINTS):
        raise AlpacaError(400, f"invalid limit: {text} is not between 1 and {MOST_POINTS}")
    return int(text)


def _token(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        symbol, _, nanoseconds = base64.b64decode(text, validate=True).decode().split("|")
        return symbol, int(nanoseconds) // 1000
    except (binascii.Error, ValueError):
        raise AlpacaError(400, "invalid page_token") from None
