"""What every attempt to reach people begins with: the right to make it, and a word in the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from crypto_signals.domain.errors import DeliveryError
from crypto_signals.domain.events import Effect
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Clock, Store

LEAST_LEASE_S = 20.0
"""Nothing is sent with less of the lease left: the request could outlast it."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Claims by one claimant; what it attempts has settled ``settle`` later."""

    store: Store
    clock: Clock
    settle: timedelta
    claimant: str

    def claimed(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """The effects as they are stored before an attempt to deliver them, as one message."""
        now = self.clock.now()
        attempts = max(effect.attempts for effect in effects) + 1
        claimed = tuple(
            effect.moved(
                EffectStatus.CLAIMED,
                claimed_by=self.claimant,
                attempts=attempts,
                attempted_at=now,
                settles_at=now + self.settle,
            )
            for effect in effects
        )
        self.store.record_effects(claimed)
        return claimed

    def keep_the_lease(self) -> None:
        """Nothing is sent that could outlast the right to send it."""
        if self.store.left_s() < LEAST_LEASE_S:
            self.store.renew()


def in_words(problem: Exception) -> str:
    """What went wrong with an attempt. Of what no channel should raise, its kind is told too."""
    return str(problem) if isinstance(problem, DeliveryError) else f"{type(problem).__name__}: {problem}"
