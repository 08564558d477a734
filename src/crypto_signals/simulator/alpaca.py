"""Alpaca's historical bars.

Source: Alpaca's OpenAPI "Market Data API 1.1" and docs.alpaca.markets; error bodies as quoted in public
issues. A bar is served from the moment it opens, as Alpaca does: the newest one may still be forming.
"""

import base64
import binascii
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.bars_store import DAY, SECOND, BarsStore, Series, microseconds
from crypto_signals.simulator.limits import Reading
from crypto_signals.simulator.world import World

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
FEEDS = frozenset({"sip", "iex", "boats", "otc"})
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
KEY_HEADERS = ("apca-api-key-id", "apca-api-secret-key")
MOST_POINTS = 10_000

Handler = Callable[[Request], JSONResponse]


class AlpacaError(Exception):
    """A request that Alpaca refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters that crypto and stocks share; ``start`` and ``end`` are inclusive microseconds."""

    symbols: tuple[str, ...]
    interval: int
    start: int
    end: int
    limit: int
    descending: bool
    after: tuple[str, int] | None

    @classmethod
    def parse(cls, params: QueryParams, now: datetime) -> "Query":
        """Read the query string; without ``start`` it is the current day, without ``end`` it is now."""
        midnight = datetime.combine(now.date(), time(), UTC)
        return cls(
            symbols=_symbols(params.get("symbols", "")),
            interval=_interval(params.get("timeframe", "")),
            start=_instant(params, "start", midnight),
            end=min(_instant(params, "end", now), microseconds(now)),
            limit=_limit(params.get("limit", "1000")),
            descending=_choice(params, "sort", frozenset({"asc", "desc"}), "asc") == "desc",
            after=_token(params.get("page_token")),
        )


class AlpacaApi:
    """The two multi-symbol bars endpoints."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """Crypto needs no keys, stocks do."""
        return [
            Route("/v1beta3/crypto/us/bars", self._guarded(self._crypto), methods=["GET"]),
            Route("/v2/stocks/bars", self._guarded(self._stocks), methods=["GET"]),
        ]

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            reading = self._world.limiter.alpaca()
            if reading is not None and not reading.allowed:
                response = JSONResponse({"code": 42910000, "message": "too many requests"}, 429)
            else:
                response = _answer(handler, request)
            response.headers.update(_limit_headers(reading))
            return response

        return endpoint

    def _crypto(self, request: Request) -> JSONResponse:
        query = Query.parse(request.query_params, self._world.clock.now())
        wrong = [symbol for symbol in query.symbols if not re.match(CRYPTO_SYMBOL, symbol)]
        if wrong:
            raise AlpacaError(400, f"Invalid symbol(s): {', '.join(wrong)} does not match {CRYPTO_SYMBOL}")
        return JSONResponse(page(self._world.bars, query))

    def _stocks(self, request: Request) -> JSONResponse:
        if not all(request.headers.get(name) for name in KEY_HEADERS):
            raise AlpacaError(403, "forbidden.")
        params = request.query_params
        _choice(params, "feed", FEEDS, "sip")
        for adjustment in params.get("adjustment", "raw").split(","):
            if adjustment not in ADJUSTMENTS:
                raise AlpacaError(400, f"invalid adjustment: {adjustment}")
        query = Query.parse(params, self._world.clock.now())
        for symbol in query.symbols:
            if not re.match(STOCK_SYMBOL, symbol):
                raise AlpacaError(400, f"invalid symbol: {symbol}")
        return JSONResponse(page(self._world.bars, query) | {"currency": "USD"})


def page(store: BarsStore, query: Query) -> dict[str, Any]:
    """One page: by symbol, then by time.

    The limit counts the bars of all symbols, and a symbol without bars is absent.
    """
    bars: dict[str, list[dict[str, Any]]] = {}
    last: tuple[str, str] | None = None
    room = query.limit
    for symbol in sorted(set(query.symbols)):
        series = store.get(symbol, query.interval)
        if series is None:
            continue
        for index in _indices(series, query, symbol):
            if not room:
                return {"bars": bars, "next_page_token": _as_token(last)}
            bar = series.as_json(index)
            bars.setdefault(symbol, []).append(bar)
            last, room = (symbol, bar["t"]), room - 1
    return {"bars": bars, "next_page_token": None}


def _indices(series: Series, query: Query, symbol: str) -> range:
    """The positions of a symbol's bars that are still to be served, in the order asked for."""
    if query.after is not None and symbol < query.after[0]:
        return range(0)
    start, end = query.start, query.end
    if query.after is not None and symbol == query.after[0]:
        seen = query.after[1]
        start, end = (start, min(end, seen - 1)) if query.descending else (max(start, seen + 1), end)
    found = series.between(start, end)
    return found[::-1] if query.descending else found


def _answer(handler: Handler, request: Request) -> JSONResponse:
    try:
        return handler(request)
    except AlpacaError as error:
        return JSONResponse({"message": error.message}, error.status)


def _limit_headers(reading: Reading | None) -> dict[str, str]:
    if reading is None:
        return {}
    return {
        "X-RateLimit-Limit": str(reading.limit),
        "X-RateLimit-Remaining": str(reading.remaining),
        "X-RateLimit-Reset": str(math.ceil(reading.reset_at)),
    }


def _symbols(text: str) -> tuple[str, ...]:
    symbols = tuple(symbol for symbol in text.split(",") if symbol)
    if not symbols:
        raise AlpacaError(400, "symbols is required")
    return symbols


def _interval(text: str) -> int:
    """The length of a timeframe in microseconds; months have none, and no file has bars of them."""
    match = TIMEFRAME.fullmatch(text)
    if match is None or int(match[1]) > MOST_UNITS[match[2]]:
        raise AlpacaError(400, f"invalid timeframe: {text}" if text else "timeframe is required")
    if match[2] in {"Month", "M"}:
        return int(match[1]) * 31 * DAY
    return int(match[1]) * UNITS[match[2]] * SECOND


def _instant(params: QueryParams, name: str, default: datetime) -> int:
    """RFC 3339 with an offset, or a date, which means its UTC midnight."""
    text = params.get(name)
    if not text:
        return microseconds(default)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise AlpacaError(400, f"invalid {name}: {text}") from None
    if instant.tzinfo is None and len(text) > len("2022-03-09"):
        raise AlpacaError(400, f"invalid {name}: {text} has no UTC offset")
    return microseconds(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_POINTS):
        raise AlpacaError(400, f"invalid limit: {text} is not between 1 and {MOST_POINTS}")
    return int(text)


def _choice(params: QueryParams, name: str, known: frozenset[str], default: str) -> str:
    value = params.get(name, default)
    if value not in known:
        raise AlpacaError(400, f"invalid {name}: {value}")
    return value


def _as_token(last: tuple[str, str] | None) -> str | None:
    """Base64 of symbol, kind and time of the last bar served, which is how Alpaca's own tokens read."""
    if last is None:
        return None
    return base64.b64encode(f"{last[0]}|B|{last[1]}".encode()).decode()


def _token(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        symbol, _, stamp = base64.b64decode(text, validate=True).decode().split("|")
        return symbol, microseconds(datetime.fromisoformat(stamp))
    except (binascii.Error, ValueError):
        raise AlpacaError(400, "invalid page_token") from None
