"""Alpaca's trading host: assets, calendar, clock and account, on the virtual clock.

Source: Alpaca's OpenAPI "Trading API 2.0.1". The assets are the symbols of the bars files.
"""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.alpaca import limited, require_keys
from crypto_signals.simulator.alpaca_query import AlpacaError
from crypto_signals.simulator.bars_store import NEW_YORK, BarsStore, instant_of
from crypto_signals.simulator.exchange import FIRST, LAST, Session, next_session, session, sessions_between
from crypto_signals.simulator.world import World

QUIET = timedelta(days=30)
"""An asset whose bars ended so long ago is not traded any more."""

Json = dict[str, Any]

MONEY = (
    "buying_power cash daytrading_buying_power equity last_equity non_marginable_buying_power "
    "options_buying_power portfolio_value regt_buying_power"
)
NOTHING = (
    "accrued_fees initial_margin last_maintenance_margin long_market_value maintenance_margin "
    "short_market_value sma"
)
BLOCKS = "account_blocked pattern_day_trader trade_suspended_by_user trading_blocked transfers_blocked"
ACCOUNT: Json = {
    **dict.fromkeys(MONEY.split(), "100000"),
    **dict.fromkeys(NOTHING.split(), "0"),
    **dict.fromkeys(BLOCKS.split(), False),
    "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "account")),
    "account_number": "PA0000000001",
    "status": "ACTIVE",
    "currency": "USD",
    "created_at": "2016-01-04T14:30:00Z",
    "daytrade_count": 0,
    "multiplier": "4",
    "shorting_enabled": True,
    "options_approved_level": "1",
    "options_trading_level": "1",
}


class TradingApi:
    """What the product reads from the trading host; there are no orders."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them need keys."""
        handlers = {
            "/v2/assets": self._assets,
            "/v2/assets/{name:path}": self._asset,
            "/v2/calendar": self._calendar,
            "/v2/clock": self._clock,
            "/v2/account": self._account,
        }
        return [
            Route(path, limited(self._world, "trading", handler), methods=["GET"])
            for path, handler in handlers.items()
        ]

    def _assets(self, request: Request) -> Response:
        _authorized(request)
        wanted = {
            "status": request.query_params.get("status"),
            "class": request.query_params.get("asset_class", "us_equity"),
            "exchange": request.query_params.get("exchange"),
        }
        kept = {name: value for name, value in wanted.items() if value}
        return JSONResponse(
            [asset for asset in self._all_assets() if all(asset[name] == kept[name] for name in kept)]
        )

    def _asset(self, request: Request) -> Response:
        """By symbol, with or without its slash, or by id."""
        _authorized(request)
        name = request.path_params["name"]
        for asset in self._all_assets():
            if name in (asset["symbol"], asset["symbol"].replace("/", ""), asset["id"]):
                return JSONResponse(asset)
        raise AlpacaError(404, f"asset not found for {name}", 40410000)

    def _all_assets(self) -> list[Json]:
        now = self._world.clock.now()
        assets = [asset_of(self._world.bars, symbol, now) for symbol in self._world.bars.symbols()]
        return [asset for asset in assets if asset]

    def _calendar(self, request: Request) -> Response:
        _authorized(request)
        first = max(FIRST, _date(request.query_params, "start", FIRST))
        last = min(LAST, _date(request.query_params, "end", LAST))
        return JSONResponse([_day(found) for found in sessions_between(first, last)])

    def _clock(self, request: Request) -> Response:
        _authorized(request)
        now = self._world.clock.now().astimezone(NEW_YORK)
        today, later = session(now.date()), next_session(now.date())
        is_open = today is not None and today.opens <= now < today.closes
        opening = today if today is not None and now < today.opens else later
        closing = today if today is not None and now < today.closes else later
        stamps = {"timestamp": now, "next_open": opening.opens, "next_close": closing.closes}
        return JSONResponse({"is_open": is_open} | {name: at.isoformat() for name, at in stamps.items()})

    def _account(self, request: Request) -> Response:
        _authorized(request)
        return JSONResponse(ACCOUNT)


def asset_of(store: BarsStore, symbol: str, now: datetime) -> Json | None:
    """An asset as it is listed at an instant: not before its first bar, inactive long after its last one."""
    series = [found for interval in store.intervals(symbol) if (found := store.get(symbol, interval))]
    if instant_of(min(int(one.ts[0]) for one in series)) > now:
        return None
    active = now - instant_of(max(int(one.ts[-1]) for one in series)) <= QUIET
    coin = "/" in symbol
    increments = {"min_order_size": "0.0001", "min_trade_increment": "0.000000001", "price_increment": "0.01"}
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, symbol)),
        "class": "crypto" if coin else "us_equity",
        "exchange": "CRYPTO" if coin else "NASDAQ",
        "symbol": symbol,
        "name": f"{symbol.replace('/', ' / ')}{'' if coin else ' Common Stock'}",
        "status": "active" if active else "inactive",
        "tradable": active,
        "marginable": not coin,
        "shortable": not coin,
        "easy_to_borrow": not coin,
        "fractionable": True,
        "attributes": [] if coin else ["fractional_eh_enabled"],
    } | (increments if coin else {"maintenance_margin_requirement": 30})


def _authorized(request: Request) -> None:
    require_keys(request, 401, "request is not authorized", 40110000)


def _date(params: QueryParams, name: str, default: date) -> date:
    try:
        return date.fromisoformat(params.get(name, default.isoformat())[:10])
    except ValueError:
        raise AlpacaError(422, f"invalid {name} date: {params[name]}", 42210000) from None


def _day(found: Session) -> Json:
    return {
        "date": found.day.isoformat(),
        "open": f"{found.opens:%H:%M}",
        "close": f"{found.closes:%H:%M}",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": next_session(found.day).day.isoformat(),
    }
