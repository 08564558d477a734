"""The simulator's idea of now."""

from datetime import UTC, datetime


class Clock:
    """The real time, or a virtual instant that stands still until it is set again.

    Messages are stamped with it and bars end at it, so a rehearsal over old bars looks as it would have then.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._virtual: datetime | None = None
        self.set(now)

    def set(self, now: datetime | None) -> None:
        """Stand at ``now``, or follow the real time again when it is None."""
        if now is not None and now.tzinfo is None:
            raise ValueError("the virtual clock needs a time with its UTC offset")
        self._virtual = None if now is None else now.astimezone(UTC)

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return self._virtual or datetime.now(UTC)


def iso_z(instant: datetime) -> str:
    """``2022-03-09T05:00:00Z``, with microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
