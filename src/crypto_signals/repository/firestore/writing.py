"""What is written to Firestore, each document from the state that its writer saw."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

from google.cloud.firestore import ArrayUnion, DocumentReference

from crypto_signals.domain.errors import StoreUnusable, VersionConflict
from crypto_signals.domain.events import Effect
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository import rows
from crypto_signals.repository.firestore import documents, queries
from crypto_signals.repository.firestore.calls import Snapshot
from crypto_signals.repository.firestore.reading import Reader
from crypto_signals.repository.firestore.tenancy import Change, Tenant, unchanged_since

MOST_WRITES = 399
"""In one batch, beside that of the lease."""
MOST_BYTES = 4_000_000
MOST_EVENTS = 1_000
"""Of one signal, whose document must stay below 1 MiB; lives of signals have some dozens."""

T = TypeVar("T")
Found = Mapping[DocumentReference, Snapshot]


@dataclass(frozen=True, slots=True)
class Draft:
    """A signal that is to be written, with all that goes into the same batch."""

    signal_id: str
    expected: int
    fields: dict[str, Any]
    events: list[dict[str, Any]]
    effects: tuple[Effect, ...]

    @classmethod
    def of(cls, save: Saved) -> Self:
        signal = save.signal
        first = signal.version - len(save.events) + 1
        events = [
            documents.event_values(signal.signal_id, seq, event)
            for seq, event in enumerate(save.events, first)
        ]
        return cls(signal.signal_id, save.expected, rows.signal_row(signal), events, save.effects)

    @property
    def weight(self) -> tuple[int, int]:
        bodies = [self.fields["body"], *(event["body"] for event in self.events)]
        return 1 + len(self.effects), 500 * (2 + len(self.effects)) + sum(map(len, bodies))


class Writer(Reader, Tenant):
    """Every write reads what it replaces, and is refused where that has changed before it arrives."""

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        *others, last = list(packed([Draft.of(save) for save in saves], lambda draft: draft.weight)) or [[]]
        new_marks = {mark.symbol: documents.mark_texts(mark) for mark in watermarks}
        for drafts in others:
            self._write(self._saved(drafts))
        changes = self._saved(last)
        if new_marks:
            changes.append(self._marked(strategy, timeframe, new_marks))
        self._write(changes)

    def record_effects(self, effects: Sequence[Effect]) -> None:
        self._write(self._recorded(effects, self._stored((), effects, frozenset()), frozenset()))

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        newest = self._calls.first(queries.newest_run(self._calls))
        number = 1 if newest is None else newest.get("number") + 1
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{number}"
        values = {
            "number": number,
            "run_id": run_id,
            "started_at": now,
            "finished_at": None,
            "strategy_versions": json.dumps(dict(strategy_versions)),
            "config_hash": config_hash,
            "summary": None,
        }
        run = self._run(number)
        self._write([lambda batch: batch.create(run, values)])
        return run_id

    def finish_run(self, run_id: str, now: datetime, summary: Mapping[str, object]) -> None:
        run = self._run(int(run_id.rpartition("-")[2]))
        values = {"finished_at": now, "summary": json.dumps(dict(summary))}
        self._write([lambda batch: batch.update(run, values)])

    def _run(self, number: int) -> DocumentReference:
        return self._calls.document("runs", f"{number:06d}")

    def _saved(self, drafts: Sequence[Draft]) -> list[Change]:
        beside = frozenset(draft.signal_id for draft in drafts)
        effects = [effect for draft in drafts for effect in draft.effects]
        stored = self._stored(drafts, effects, beside)
        changes = [self._signal_change(draft, stored) for draft in drafts]
        return changes + self._recorded(effects, stored, beside)

    def _stored(self, drafts: Sequence[Draft], effects: Sequence[Effect], beside: frozenset[str]) -> Found:
        """What the changes build upon, as it is now; of new effects, signals that are not written beside."""
        wanted = [self._signal(draft.signal_id) for draft in drafts if draft.expected]
        wanted += [self._effect(effect) for effect in effects if effect.revision > 1]
        wanted += [
            self._signal(effect.signal_id)
            for effect in effects
            if effect.revision == 1 and effect.signal_id not in beside
        ]
        return self._calls.fetch(wanted, ("revision", "last_seq"))

    def _signal(self, signal_id: str) -> DocumentReference:
        return self._calls.document("signals", signal_id)

    def _effect(self, effect: Effect) -> DocumentReference:
        return self._calls.document("effects", effect.key)

    def _signal_change(self, draft: Draft, stored: Found) -> Change:
        document, what = self._signal(draft.signal_id), f"signal {draft.signal_id}"
        numbers = [event["seq"] for event in draft.events]
        if max(numbers, default=0) > MOST_EVENTS:
            raise StoreUnusable(
                f"{what} has more than {MOST_EVENTS} events, more than a document should hold"
            )
        if draft.expected == 0:
            values = draft.fields | {
                "events": draft.events,
                "last_seq": max(numbers, default=0),
                "expire_at": None,
            }
            return creation(document, values)
        found = _at(stored[document], draft.expected, what)
        values = dict(draft.fields)
        if numbers:
            if min(numbers) <= (documents.content(found).get("last_seq") or 0):
                raise VersionConflict(f"{what} has an event {min(numbers)} already")
            values |= {"events": ArrayUnion(draft.events), "last_seq": max(numbers)}
        return update(found, values)

    def _recorded(self, effects: Iterable[Effect], stored: Found, beside: frozenset[str]) -> list[Change]:
        changes = []
        for effect in effects:
            document, values = self._effect(effect), rows.effect_row(effect)
            if effect.revision > 1:
                found = _at(stored[document], effect.revision - 1, f"effect {effect.key}")
                changes.append(update(found, values))
                continue
            if effect.signal_id not in beside and not stored[self._signal(effect.signal_id)].exists:
                raise VersionConflict(f"effect {effect.key} is of no stored signal")
            changes.append(creation(document, values | {"expire_at": None}))
        return changes

    def _marked(self, strategy: str, timeframe: str, new: dict[str, list[str]]) -> Change:
        snapshot, before = self._marks(strategy, timeframe)
        values = documents.marks_document(strategy, timeframe, before | new)
        if snapshot.exists:
            return update(snapshot, values)
        return creation(snapshot.reference, values)


def packed(things: Iterable[T], weight: Callable[[T], tuple[int, int]]) -> Iterator[list[T]]:
    """Things in groups, each light enough for one batch: by its writes, and its bytes."""
    group: list[T] = []
    writes = size = 0
    for thing in things:
        more_writes, more_size = weight(thing)
        if group and (writes + more_writes > MOST_WRITES or size + more_size > MOST_BYTES):
            yield group
            group, writes, size = [], 0, 0
        group.append(thing)
        writes, size = writes + more_writes, size + more_size
    if group:
        yield group


def creation(document: DocumentReference, values: dict[str, Any]) -> Change:
    return lambda batch: batch.create(document, values)


def put(document: DocumentReference, values: dict[str, Any], *, merge: bool = False) -> Change:
    return lambda batch: batch.set(document, values, merge=merge)


def update(found: Snapshot, values: dict[str, Any]) -> Change:
    """Of a document that has not been written since it was found."""
    option = unchanged_since(found.update_time)
    return lambda batch: batch.update(found.reference, values, option=option)


def _at(found: Snapshot, revision: int, what: str) -> Snapshot:
    """Raises ``VersionConflict``."""
    if not found.exists or found.get("revision") != revision:
        raise VersionConflict(f"{what} is no longer at revision {revision}")
    return found
