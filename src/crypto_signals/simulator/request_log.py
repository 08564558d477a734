"""What was asked of the stand-ins, so that a test can look at the requests as well as at their effects."""

import re
from collections import deque
from dataclasses import asdict, dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crypto_signals.simulator.clock import Clock, iso_z

MOST_REQUESTS = 10_000
DISCORD_AGENT = re.compile(r"DiscordBot \([^,]+, ?[^)]+\)")
TOKEN = re.compile(r"(/webhooks/[^/]+/)[^/]+")
SIMULATOR_PAGES = ("/simulator/", "/threads/", "/attachments/")


@dataclass(slots=True)
class LoggedRequest:
    """One request; ``status`` is None when the connection was cut instead of answered."""

    at: str
    method: str
    path: str
    query: str
    user_agent: str
    warnings: list[str]
    status: int | None = None
    fault: str | None = None


class RequestLog:
    """The newest requests in order of arrival, without bodies; webhook tokens are masked."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=MOST_REQUESTS)

    def add(self, request: LoggedRequest) -> None:
        """Remember a request."""
        self._requests.append(request)

    def clear(self) -> None:
        """Forget all of them."""
        self._requests.clear()

    def as_json(self) -> list[dict[str, object]]:
        """The log, oldest first."""
        return [asdict(request) for request in self._requests]


def is_service(path: str) -> bool:
    """True for the stand-in services, false for the simulator's own pages."""
    return path != "/" and not path.startswith(SIMULATOR_PAGES)


class LogMiddleware:
    """Writes the log around the application, faults included."""

    def __init__(self, app: ASGIApp, log: RequestLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request, then note how it was answered."""
        if scope["type"] != "http" or not is_service(scope["path"]):
            await self._app(scope, receive, send)
            return
        entry = self._entry(scope)
        self._log.add(entry)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        await self._app(scope, receive, noting)
        entry.fault = scope["state"].get("fault")

    def _entry(self, scope: Scope) -> LoggedRequest:
        agent = Headers(scope=scope).get("user-agent", "")
        return LoggedRequest(
            at=iso_z(self._clock.now()),
            method=scope["method"],
            path=TOKEN.sub(r"\1***", scope["path"]),
            query=scope["query_string"].decode("latin-1"),
            user_agent=agent,
            warnings=_warnings(scope["path"], agent),
        )


def _warnings(path: str, agent: str) -> list[str]:
    """Discord asks for ``DiscordBot (url, version)`` and may block what comes without it (40333)."""
    if path.startswith("/api/") and not DISCORD_AGENT.match(agent):
        return ["the User-Agent is not of the form DiscordBot (url, version)"]
    return []
