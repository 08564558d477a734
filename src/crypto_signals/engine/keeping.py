"""How long things are kept: closed signals go to the warehouse, get their time to live, and are deleted.

Each step can be cut off anywhere and is taken up by the next run: a signal is in the warehouse before the
mark that says so, and a warehouse takes the same signal twice without harm. What is open, still owes
something or cannot be read is never touched.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.letters import LEFT
from crypto_signals.engine.ports import Store, Story, Warehouse

BATCH = 400
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a signal and a shadow signal stay in the store after their end."""

    signal: timedelta
    shadow: timedelta

    def end(self, signal: Signal) -> datetime:
        closed_at = signal.progress.closed_at
        if closed_at is None:
            raise ValueError(f"signal {signal.signal_id} is open: it has no end to count from")
        return closed_at + (self.shadow if signal.is_shadow else self.signal)


@dataclass(frozen=True, slots=True)
class Keeper:
    store: Store
    warehouse: Callable[[], Warehouse]
    """Opens it, when there is something to keep: it is slow to load."""
    lifetimes: Lifetimes

    def archived(self) -> Iterator[int]:
        """Brings all that is at rest to the warehouse, a batch at a time; yields how many each time."""
        while stories := self.store.at_rest(BATCH):
            self._archive(stories)
            yield len(stories)

    def again(self) -> Iterator[int]:
        """Brings everything that has closed, also what was brought before: to a warehouse that was lost."""
        closed = [signal.signal_id for signal in self.store.signals() if signal.progress.closed]
        for start in range(0, len(closed), BATCH):
            stories = list(self._resting(closed[start : start + BATCH]))
            self.warehouse().keep(stories)
            yield len(stories)

    def _resting(self, signal_ids: Sequence[str]) -> Iterator[Story]:
        for signal_id in signal_ids:
            with suppress(UnreadableRow):
                story = Story(*self.store.signal(signal_id))
                if not any(effect.status in LEFT for effect in story.effects):
                    yield story

    def cleaned(self, now: datetime) -> Iterator[int]:
        """Deletes all that has outlived its time, a batch at a time; yields how many each time."""
        expired = self.store.expired(now)
        for start in range(0, len(expired), BATCH):
            batch = expired[start : start + BATCH]
            self.store.delete(batch)
            yield len(batch)

    def prospects(self, now: datetime) -> dict[str, int]:
        """How many signals would be archived, and how many deleted, if it were done at ``now``."""
        resting = self.store.at_rest(MOST)
        ending = sum(self.lifetimes.end(story.signal) <= now for story in resting)
        return {"archived": len(resting), "deleted": len(self.store.expired(now)) + ending}

    def _archive(self, stories: list[Story]) -> None:
        self.warehouse().keep(stories)
        self.store.expire({story.signal.signal_id: self.lifetimes.end(story.signal) for story in stories})
