"""Alpaca's market data.

A bar is served from the moment it opens, as Alpaca does: the newest one may still be forming.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.alpaca_bars import page_of
from crypto_signals.simulator.alpaca_latest import Latest
from crypto_signals.simulator.alpaca_query import (
    LATEST_FEEDS,
    WITHHELD,
    AlpacaError,
    PlanRefused,
    Query,
    choice,
    crypto_symbols,
    instant,
    split_symbols,
    stock_symbols,
    stock_view,
)
from crypto_signals.simulator.bars_store import instant_of
from crypto_signals.simulator.views import PLAIN, View, Views
from crypto_signals.simulator.world import World

KEY_HEADERS = ("apca-api-key-id", "apca-api-secret-key")

Handler = Callable[[Request], Response]


class AlpacaApi:
    """Bars, latest values and snapshots of crypto, which needs no keys, and of stocks, which do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._views = Views(world.bars)

    def routes(self) -> list[BaseRoute]:
        """All paths that the product or Alpaca's own SDK may ask for bars and prices."""
        handlers: dict[str, Handler] = {
            "/v1beta3/crypto/us/bars": self._crypto_bars,
            "/v1beta3/crypto/us/snapshots": self._crypto_snapshots,
            "/v2/stocks/bars": self._stock_bars,
            "/v2/stocks/snapshots": self._stock_snapshots,
            "/v2/stocks/{symbol}/bars": self._one_stocks_bars,
        }
        for kind in ("bars", "trades", "quotes"):
            handlers[f"/v1beta3/crypto/us/latest/{kind}"] = partial(self._crypto_latest, kind)
            handlers[f"/v2/stocks/{kind}/latest"] = partial(self._stock_latest, kind)
        return [
            Route(path, limited(self._world, "data", handler), methods=["GET"])
            for path, handler in handlers.items()
        ]

    def _crypto_bars(self, request: Request) -> Response:
        crypto_symbols(request.query_params)
        symbols = request.query_params["symbols"]
        now = self._world.clock.now()
        query = Query.parse(request.query_params, symbols, now)
        return _json_text(page_of(self._views, query, now).as_json())

    def _stock_bars(self, request: Request) -> Response:
        query, now = self._stock_query(request, request.query_params.get("symbols", ""))
        return _json_text(page_of(self._views, query, now).as_json(currency="USD"))

    def _one_stocks_bars(self, request: Request) -> Response:
        symbol = request.path_params["symbol"]
        query, now = self._stock_query(request, symbol)
        return _json_text(page_of(self._views, query, now).of_one_as_json(symbol, currency="USD"))

    def _stock_query(self, request: Request, symbols: str) -> tuple[Query, datetime]:
        require_keys(request, 403, "forbidden.")
        params, now = request.query_params, self._world.clock.now()
        view = stock_view(params)
        withheld = view.feed == "sip" and self._world.account.is_basic
        query = Query.parse(params, symbols, now, view=view, lag=WITHHELD if withheld else timedelta())
        stock_symbols(query.symbols)
        if withheld and instant_of(instant(params, "end", now - WITHHELD)) > now - WITHHELD:
            raise PlanRefused
        return query, now

    def _crypto_latest(self, kind: str, request: Request) -> Response:
        latest = self._latest(PLAIN)
        return JSONResponse({kind: _map(crypto_symbols(request.query_params), latest.of_kind(kind))})

    def _crypto_snapshots(self, request: Request) -> Response:
        symbols = crypto_symbols(request.query_params)
        return JSONResponse({"snapshots": _map(symbols, self._latest(PLAIN).snapshot)})

    def _stock_latest(self, kind: str, request: Request) -> Response:
        symbols, latest = self._stock_latest_of(request)
        return JSONResponse({kind: _map(symbols, latest.of_kind(kind)), "currency": "USD"})

    def _stock_snapshots(self, request: Request) -> Response:
        symbols, latest = self._stock_latest_of(request)
        return JSONResponse(_map(symbols, latest.snapshot))

    def _stock_latest_of(self, request: Request) -> tuple[tuple[str, ...], Latest]:
        """The symbols, and what is newest of them on the feed that was asked for or that the plan has."""
        require_keys(request, 403, "forbidden.")
        params, basic = request.query_params, self._world.account.is_basic
        feed = choice(params, "feed", LATEST_FEEDS, "iex" if basic else "sip")
        if feed == "sip" and basic:
            raise PlanRefused
        symbols = split_symbols(params.get("symbols", ""))
        stock_symbols(symbols)
        return symbols, self._latest(View(feed), WITHHELD if feed == "delayed_sip" else timedelta())

    def _latest(self, view: View, lag: timedelta = timedelta()) -> Latest:
        return Latest(self._world.bars, self._views, view, self._world.clock.now() - lag)


def limited(world: World, host: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint within the allowance of the account on that host, with the headers that tell of it."""

    async def endpoint(request: Request) -> Response:
        reading = world.limiter.alpaca(host)
        if reading is not None and not reading.allowed:
            response: Response = JSONResponse({"code": 42910000, "message": "too many requests"}, 429)
        else:
            response = _answer(handler, request)
        if reading is not None:
            response.headers.update(reading.alpaca_headers(world.clock.skew_seconds))
        return response

    return endpoint


def require_keys(request: Request, status: int, message: str, code: int | None = None) -> None:
    """Both keys have to be there; any will do."""
    if not all(request.headers.get(name) for name in KEY_HEADERS):
        raise AlpacaError(status, message, code)


def _answer(handler: Handler, request: Request) -> Response:
    try:
        return handler(request)
    except AlpacaError as error:
        return JSONResponse(error.body, error.status)


def _json_text(text: str) -> Response:
    return Response(text, media_type="application/json")


def _map(symbols: Iterable[str], newest: Callable[[str], dict[str, Any] | None]) -> dict[str, Any]:
    """By symbol; one without a value is absent."""
    return {symbol: value for symbol in sorted(set(symbols)) if (value := newest(symbol)) is not None}
