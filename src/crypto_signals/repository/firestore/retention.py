"""How long things are kept on Firestore: times to live, which its own policy acts upon too, and deletion."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from crypto_signals.domain.errors import UnreadableRow, VersionConflict
from crypto_signals.engine.ports import Story
from crypto_signals.repository.firestore import documents, queries
from crypto_signals.repository.firestore.calls import Snapshot
from crypto_signals.repository.firestore.tenancy import Change, unchanged_since
from crypto_signals.repository.firestore.writing import Writer, packed, update

T = TypeVar("T")


class Keeper(Writer):
    def at_rest(self, limit: int) -> list[Story]:
        stories = self._stories(self._calls.found(queries.closed_for_good(self._calls)))
        return list(islice((story for story in stories if not _owes(story)), limit))

    def expired(self, now: datetime) -> list[str]:
        stories = self._stories(self._calls.found(queries.expired(self._calls, now)))
        return [story.signal.signal_id for story in stories]

    def expire(self, expiries: Mapping[str, datetime]) -> None:
        wholes = self._wholes(list(expiries))
        self._write_each(_expiry(signal_id, whole, expiries[signal_id]) for signal_id, whole in wholes)

    def delete(self, signal_ids: Sequence[str]) -> None:
        self._write_each(_deletion(whole) for _, whole in self._wholes(signal_ids))

    def _write_each(self, changes: Iterable[list[Change]]) -> None:
        """Changes that belong together arrive together."""
        for group in packed(changes, lambda together: (len(together), 0)):
            self._write([change for together in group for change in together])

    def _wholes(self, signal_ids: Sequence[str]) -> Iterator[tuple[str, list[Snapshot]]]:
        """Each signal's documents: its own, which may be missing, and those of its effects."""
        for part in _parts(signal_ids, queries.MOST_VALUES):
            found = self._calls.fetch([self._signal(signal_id) for signal_id in part])
            effects = self._effects_by_signal(part)
            for signal_id in part:
                yield signal_id, [found[self._signal(signal_id)], *effects[signal_id]]

    def _stories(self, snapshots: Iterable[Snapshot]) -> Iterator[Story]:
        """Those of which everything can be read; the others are noted."""
        for part in _parts(snapshots, queries.MOST_VALUES):
            contents = [{"signal_id": one.id} | documents.content(one) for one in part]
            effects = self._effects_by_signal([fields["signal_id"] for fields in contents])
            for fields in contents:
                try:
                    yield _story(fields, effects[fields["signal_id"]])
                except UnreadableRow as error:
                    self._note(fields["signal_id"], fields, error)

    def _effects_by_signal(self, signal_ids: Sequence[str]) -> dict[str, list[Snapshot]]:
        found: dict[str, list[Snapshot]] = defaultdict(list)
        for query in queries.effects_of(self._calls, signal_ids):
            for snapshot in self._calls.found(query):
                found[snapshot.get("signal_id")].append(snapshot)
        return found


def _parts(things: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(things)
    while part := list(islice(left, size)):
        yield part


def _story(fields: Mapping[str, Any], effects: Iterable[Snapshot]) -> Story:
    """Raises ``UnreadableRow``."""
    owed = documents.effects_of(documents.content(one) for one in effects)
    return Story(documents.signal_of(fields), documents.events_of(fields), owed)


def _owes(story: Story) -> bool:
    return any(effect.status.value in queries.UNDELIVERED for effect in story.effects)


def _expiry(signal_id: str, whole: Sequence[Snapshot], moment: datetime) -> list[Change]:
    """Raises ``VersionConflict`` for what is not, or no longer, over."""
    if not _is_over(whole):
        raise VersionConflict(f"signal {signal_id} is not over: it gets no time to live")
    return [update(one, {"expire_at": moment}) for one in whole]


def _deletion(whole: Sequence[Snapshot]) -> list[Change]:
    """None for a signal that is gone, or has no time to live."""
    if not _is_over(whole) or documents.content(whole[0]).get("expire_at") is None:
        return []
    return [_removal(one) for one in whole]


def _is_over(whole: Sequence[Snapshot]) -> bool:
    """Whether it is there, closed, and nothing is owed or in doubt."""
    signal, *effects = map(documents.content, whole)
    owes = any(effect.get("status") in queries.UNDELIVERED for effect in effects)
    return signal.get("is_open") is False and not owes


def _removal(found: Snapshot) -> Change:
    option = unchanged_since(found.update_time)
    return lambda batch: batch.delete(found.reference, option=option)
