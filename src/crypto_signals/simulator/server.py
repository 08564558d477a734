"""Putting the stand-ins together, and serving them on loopback."""

import asyncio
import ipaddress
import json
import os
import signal
import socket
import sys
from http import HTTPStatus
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from crypto_signals.domain.errors import UsageError
from crypto_signals.simulator.alpaca import AlpacaApi
from crypto_signals.simulator.alpaca_trading import TradingApi
from crypto_signals.simulator.clock import DateMiddleware
from crypto_signals.simulator.control import ControlApi
from crypto_signals.simulator.discord import DiscordApi
from crypto_signals.simulator.discord_bot import BotApi
from crypto_signals.simulator.faults import FaultMiddleware
from crypto_signals.simulator.pages import Pages
from crypto_signals.simulator.request_log import LogMiddleware
from crypto_signals.simulator.settings import SimulatorSettings
from crypto_signals.simulator.world import World

SHUTDOWN_SECONDS = 2


def build_app(settings: SimulatorSettings | None = None) -> Starlette:
    """The application with a fresh, empty world.

    The faults that cut connections need it to be served by ``serve``: they reach for the connection itself.
    """
    world = World.from_settings(settings or SimulatorSettings())
    apis = (
        ControlApi(world),
        DiscordApi(world),
        BotApi(world),
        AlpacaApi(world),
        TradingApi(world),
        Pages(world),
    )
    return Starlette(
        routes=[route for api in apis for route in api.routes()],
        middleware=[
            Middleware(DateMiddleware, clock=world.clock),
            Middleware(LogMiddleware, log=world.log, clock=world.clock),
            Middleware(FaultMiddleware, faults=world.faults),
        ],
        exception_handlers={HTTPException: _plain_error, ClientDisconnect: _nobody_listens},
    )


def serve(host: str = "127.0.0.1", port: int = 0, settings: SimulatorSettings | None = None) -> None:
    """Serve until SIGTERM or SIGINT, which end the process with exit code 0.

    Once connections are accepted, one line of JSON on stdout says where everything is. Port 0 takes a free
    one. Only a loopback address is taken: anybody who can reach the simulator can post to it.
    Raises ``UsageError`` for a port that cannot be had and for bars that cannot be read.
    """
    _require_loopback(host)
    chosen = settings or SimulatorSettings()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    app = build_app(chosen)
    with _listener(host, port) as listener:
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # or every reply waits 40 ms for an ACK
        sys.stdout.write(json.dumps(addresses(_url(listener), chosen)) + "\n")
        sys.stdout.flush()
        uvicorn.Server(_config(app)).run(sockets=[listener])


def addresses(url: str, settings: SimulatorSettings) -> dict[str, str | None]:
    """What a client needs to be configured with; a kind of channel that was not configured is null."""
    forum = next((channel for channel in settings.channels if channel.forum), None)
    text = next((channel for channel in settings.channels if not channel.forum), None)
    return {
        "url": url,
        "discord_api_url": f"{url}/api/v10",
        "forum_webhook": url + forum.path if forum else None,
        "text_webhook": url + text.path if text else None,
        "bot_token": settings.bot_token,
        "forum_channel_id": forum.channel_id if forum else None,
        "text_channel_id": text.channel_id if text else None,
        "alpaca_data_url": url,
        "alpaca_trading_url": url,
    }


class ConnectionProtocol(H11Protocol):
    """Uvicorn's HTTP, with the connection's transport in reach of the faults that cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Put the transport into the state that every request on this connection receives."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"port {port} cannot be used: {reason}; choose another with --port") from None


async def _plain_error(_request: Request, error: Exception) -> Response:
    """An unknown address or method, in the words that Discord's gateway has for it."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"message": f"{status}: {HTTPStatus(status).phrase}", "code": 0}, status)


async def _nobody_listens(_request: Request, _error: Exception) -> Response:
    """The client went away in the middle of its request: no fault of the server's, and nothing to log."""
    return Response(status_code=400)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ConnectionProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the simulator serves on loopback only, not on {host}")


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Uvicorn finishes its requests first, then raises the signal again for this handler."""
    raise SystemExit(0)
