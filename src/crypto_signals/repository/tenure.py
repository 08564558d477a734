"""What an instance knows of the lease that it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from crypto_signals.domain.errors import LeaseLost

Monotonic = Callable[[], float]
LEASE = "run"


@dataclass(slots=True)
class Tenure:
    """``term`` counts the changes of hands: a write of an earlier one is refused. ``ends`` is the end on this
    process's own monotonic clock, counted from before it was granted, and so never late."""

    owner: str
    term: int
    seconds: float
    ends: float

    def left_s(self, monotonic: Monotonic) -> float:
        return self.ends - monotonic()

    def lost(self) -> LeaseLost:
        return LeaseLost(f"another instance has taken over from {self.owner}; nothing more was written here")
