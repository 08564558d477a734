"""The simulator's idea of now."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Clock:
    """The real time, or a virtual instant that stands still until it is set again.

    Messages are stamped with it and bars end at it, so a rehearsal over old bars looks as it would have then.
    ``skew_seconds`` is by how much the services' clocks are fast (negative: slow).
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._virtual: datetime | None = None
        self.skew_seconds = 0.0
        self.set(now)

    def set(self, now: datetime | None) -> None:
        """Stand at ``now``, or follow the real time again when it is None."""
        if now is not None and now.tzinfo is None:
            raise ValueError("the virtual clock needs a time with its UTC offset")
        self._virtual = None if now is None else now.astimezone(UTC)

    def now(self) -> datetime:
        """The current instant, in UTC, as the services have it."""
        return (self._virtual or datetime.now(UTC)) + timedelta(seconds=self.skew_seconds)

    def real(self) -> datetime:
        """The real time, as the services' clocks show it in the ``Date`` header."""
        return datetime.now(UTC) + timedelta(seconds=self.skew_seconds)


class DateMiddleware:
    """Puts the ``Date`` into every answer, as the services' clocks show it."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the date."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock.real(), usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await self._app(scope, receive, dated)


def iso_z(instant: datetime) -> str:
    """``2022-03-09T05:00:00Z``, with microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
