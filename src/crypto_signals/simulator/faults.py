"""Faults on demand: what networks and services do to a client, by script or at random.

A drop is a real one: the connection's own transport is closed under the server, so that the client sees
what it would see from a crashed proxy.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crypto_signals.simulator.fault_rules import ArmedRule, FaultName, FaultRule
from crypto_signals.simulator.random_faults import ArmedAtRandom, RandomFaults
from crypto_signals.simulator.request_log import is_service


class Faults:
    """The rules in force. Each counts every request it is for; the first one that is ready strikes.

    Where none is, a fault may strike at random.
    """

    def __init__(self, at_start: Iterable[RandomFaults] = ()) -> None:
        self._armed: list[ArmedRule] = []
        self._at_start = tuple(at_start)
        self._at_random: list[ArmedAtRandom] = []
        self.worlds = 1
        self.add_at_random(self._at_start)

    def add(self, rules: Iterable[FaultRule]) -> None:
        """Put rules behind those already in force."""
        self._armed.extend(ArmedRule(rule) for rule in rules)

    def add_at_random(self, faults: Iterable[RandomFaults]) -> None:
        """From now on, and from its first number: a service's random faults replace those it had."""
        for one in faults:
            self._at_random = [other for other in self._at_random if other.faults.service != one.service]
            self._at_random.append(ArmedAtRandom(one))

    def clear(self) -> None:
        """No more faults."""
        self._armed.clear()
        self._at_random.clear()

    def reset(self) -> None:
        """A fresh world: requests that the old one still holds back are never handled."""
        self.clear()
        self.worlds += 1
        self.add_at_random(self._at_start)

    def strike(self, method: str, path: str) -> FaultRule | None:
        """The fault that this request meets, if any."""
        concerned = [armed for armed in self._armed if armed.rule.concerns(method, path)]
        for armed in concerned:
            armed.seen += 1
        striking = next((armed for armed in concerned if armed.ready()), None)
        if striking is None:
            return next((rule for one in self._at_random if (rule := one.strike(path))), None)
        striking.struck += 1
        return striking.rule

    def as_json(self) -> list[dict[str, Any]]:
        """The rules with their counters."""
        return [
            armed.rule.model_dump(mode="json") | {"seen": armed.seen, "struck": armed.struck}
            for armed in self._armed
        ]

    def at_random_as_json(self) -> list[dict[str, Any]]:
        """The random faults with what they did."""
        return [one.as_json() for one in self._at_random]


class FaultMiddleware:
    """Stands between the server and the stand-in services; the simulator's own pages never fail."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play the fault that is due, or none."""
        if scope["type"] != "http" or not is_service(scope["path"]):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        rule = self._faults.strike(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
            return
        world = self._faults.worlds
        scope["state"] |= {"fault": rule.fault, "world_is_gone": lambda: self._faults.worlds != world}
        await _PLAYERS[rule.fault](rule, self._app, scope, receive, send)


async def _status(rule: FaultRule, _app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await _read_all(receive)
    body = rule.body
    if body is None:
        body = {"message": f"{rule.status}: {_phrase(rule.status)}", "code": 0}
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    headers = {"content-type": kind} | {name.lower(): value for name, value in rule.headers.items()}
    await Response(text, rule.status, headers)(scope, receive, send)


async def _reset_before(_rule: FaultRule, _app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    await _read_all(receive)
    await _reset(scope, receive)


async def _reset_after(_rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    await _reply(app, scope, receive)
    await _reset(scope, receive)


async def _slow(rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    request = await _read_all(receive)
    await asyncio.sleep(rule.seconds)
    if scope["state"]["world_is_gone"]():
        await _reset(scope, receive)
    else:
        await app(scope, _replayed(request, receive), send)


async def _late(rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    request = await _read_all(receive)
    await _reset(scope, receive)
    await asyncio.sleep(rule.seconds)
    if not scope["state"]["world_is_gone"]():
        await _reply(app, scope, _replayed(request, receive))


async def _hang(rule: FaultRule, _app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    await _read_all(receive)
    try:
        await asyncio.wait_for(_until_closed(receive), rule.seconds)
    except TimeoutError:
        await _reset(scope, receive)


async def _half_body(_rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    start, body = await _reply(app, scope, receive)
    if body:
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    _transport(scope).close()
    await _until_closed(receive)


async def _not_json(_rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    start, _ = await _reply(app, scope, receive)
    await Response('{"id": "10', start["status"], {"content-type": "application/json"})(scope, receive, send)


async def _replaced(rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    start, _ = await _reply(app, scope, receive)
    await Response(str(rule.body), start["status"], media_type="application/json")(scope, receive, send)


async def _not_saved(_rule: FaultRule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["not_saved"] = True
    await app(scope, receive, send)


Player = Callable[[FaultRule, ASGIApp, Scope, Receive, Send], Awaitable[None]]

_PLAYERS: dict[FaultName, Player] = {
    "status": _status,
    "reset_before": _reset_before,
    "reset_after": _reset_after,
    "slow": _slow,
    "late": _late,
    "hang": _hang,
    "half_body": _half_body,
    "not_json": _not_json,
    "replaced": _replaced,
    "not_saved": _not_saved,
}


async def _reply(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Let the application handle the request, and keep its reply from the client."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _read_all(receive: Receive) -> list[Message]:
    """Take in the whole request, so that the client is never cut while it still writes."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replayed(request: list[Message], receive: Receive) -> Receive:
    async def replay() -> Message:
        return request.pop(0) if request else await receive()

    return replay


async def _reset(scope: Scope, receive: Receive) -> None:
    """End the connection with a TCP reset: a socket that does not linger sends one when it is closed."""
    transport = _transport(scope)
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_closed(receive)


async def _until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(scope: Scope) -> asyncio.Transport:
    """The connection under this request, as put there by the server's protocol."""
    transport: asyncio.Transport = scope["state"]["transport"]
    return transport


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
