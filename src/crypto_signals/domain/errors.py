"""What can go wrong, drawn as one tree. The branch says what the caller does about it.

SentinelError
├── UsageError            a person has to change something (exit 2)
├── StoreUnusable         stop: nothing can be remembered (exit 3)
├── NoBars                stop: no configured source gave any bar (exit 3)
├── VersionConflict       reload and decide again
├── LeaseHeld             leave: another instance acts on this store (exit 0)
├── LeaseLost             stop: another instance has taken over; nothing more may be written
├── UnreadableRow         skip: one stored row is damaged; it is kept, reported, and left alone
├── SourceFailed          skip: this service or symbol, now; the others go on
└── DeliveryError         an effect was not, or perhaps not, delivered
    ├── NotSent           retry: the other side has not acted on it
    ├── Refused           dead letter: it will never be accepted as it is
    ├── ChannelPaused     keep it owed: nothing gets through until a person mends the channel
    └── OutcomeUnknown    it may or may not have arrived: settle first, then ask or repeat
"""

from collections.abc import Sequence


class SentinelError(Exception):
    """Base of everything that is said to a person instead of shown as a traceback."""


class UsageError(SentinelError):
    """Every problem at once, one a line."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class StoreUnusable(SentinelError):
    pass


class NoBars(SentinelError):
    pass


class VersionConflict(SentinelError):
    pass


class LeaseHeld(SentinelError):
    pass


class LeaseLost(SentinelError):
    pass


class UnreadableRow(SentinelError):
    pass


class SourceFailed(SentinelError):
    pass


class DeliveryError(SentinelError):
    pass


class NotSent(DeliveryError):
    """``retry_after_s``: how long the other side asked us to wait."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Refused(DeliveryError):
    pass


class ChannelPaused(DeliveryError):
    pass


class OutcomeUnknown(DeliveryError):
    pass
