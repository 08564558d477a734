"""What is read from Firestore. Nothing that is damaged is deleted, or stops the others."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import Query

from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Unreadable, Watermark
from crypto_signals.repository import rows
from crypto_signals.repository.firestore import documents, queries
from crypto_signals.repository.firestore.calls import Calls, Snapshot

_PLACE = ("created_at", "symbol", "detector", "is_open")


class Reader:
    """Reads need no lease, and see each document as it is at that moment."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._unreadable: dict[str, Unreadable] = {}

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:
        asked = queries.of_book(self._calls, strategy, timeframe, since)
        return self._readable(snapshot for query in asked for snapshot in self._bodies(query))

    def signals(self) -> list[Signal]:
        return self._readable(self._bodies(queries.everything(self._calls, "signals")))

    def _bodies(self, query: Query) -> Iterable[Snapshot]:
        return self._calls.found(query.select(documents.SIGNAL_FIELDS))

    def _readable(self, snapshots: Iterable[Snapshot]) -> list[Signal]:
        """The signals whose documents validate; the others are noted, never deleted."""
        signals: dict[str, Signal] = {}
        for snapshot in snapshots:
            fields = documents.content(snapshot)
            try:
                signals[snapshot.id] = documents.signal_of(fields)
            except UnreadableRow as error:
                self._note(fields.get("signal_id", snapshot.id), fields, error)
        return sorted(signals.values(), key=_order)

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        document = self._calls.document("signals", signal_id)
        snapshot = self._calls.fetch([document])[document]
        if not snapshot.exists:
            raise KeyError(signal_id)
        fields = documents.content(snapshot)
        (query,) = queries.effects_of(self._calls, [signal_id])
        effects = documents.effects_of(documents.content(one) for one in self._calls.found(query))
        return documents.signal_of(fields), documents.events_of(fields), effects

    def undelivered(self) -> list[Effect]:
        found = [documents.content(one) for one in self._calls.found(queries.undelivered(self._calls))]
        places = self._places({str(fields.get("signal_id")) for fields in found})
        effects = []
        for fields in found:
            place = places.get(str(fields.get("signal_id")), {})
            try:
                effect = documents.effect_of(fields)
                effects.append((_rank(effect, place), effect))
            except UnreadableRow as error:
                self._note(str(fields.get("signal_id")), place, error)
        return [effect for _, effect in sorted(effects, key=lambda pair: pair[0])]

    def tally(self) -> dict[EffectStatus, int]:
        counts = {one: self._calls.count(queries.of_status(self._calls, one)) for one in EffectStatus}
        return {status: count for status, count in counts.items() if count}

    def _places(self, signal_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Where signals stand in the order in which people are told of them."""
        wanted = {self._calls.document("signals", one): one for one in signal_ids}
        found = self._calls.fetch(wanted, _PLACE)
        return {wanted[place]: documents.content(one) for place, one in found.items() if one.exists}

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]:
        marks = {}
        for symbol, texts in self._marks(strategy, timeframe)[1].items():
            try:
                marks[symbol] = rows.watermark_of(strategy, timeframe, symbol, *texts)
            except UnreadableRow as error:
                self._note(f"{strategy}/{timeframe}/{symbol}", {"symbol": symbol}, error)
        return marks

    def _marks(self, strategy: str, timeframe: str) -> tuple[Snapshot, dict[str, list[str]]]:
        document = self._calls.document("watermarks", f"{strategy}|{timeframe}")
        snapshot = self._calls.fetch([document])[document]
        return snapshot, documents.marks_in(documents.content(snapshot))

    def unreadable(self) -> list[Unreadable]:
        return list(self._unreadable.values())

    def _note(self, signal_id: str, fields: Mapping[str, Any], error: UnreadableRow) -> None:
        symbol, is_open = str(fields.get("symbol", "")), bool(fields.get("is_open", True))
        self._unreadable[signal_id] = Unreadable(signal_id, symbol, is_open, str(error))


def _order(signal: Signal) -> tuple[datetime, str, str, str, str]:
    return (signal.bar_ts, signal.symbol, signal.detector, signal.direction.value, signal.signal_id)


def _rank(effect: Effect, place: Mapping[str, Any]) -> tuple[Any, ...]:
    """Raises ``UnreadableRow`` where the signal's document is gone or lacks what orders it."""
    try:
        signal = (place["created_at"], place["symbol"], place["detector"])
    except KeyError as error:
        raise UnreadableRow(f"effect {effect.key} cannot be placed: its signal has no {error}") from None
    return (*signal, effect.signal_id, effect.seq, effect.key)
