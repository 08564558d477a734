"""Relays that are broken on purpose, each in one place: a proof that lets one pass proves nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crypto_signals.domain.errors import LeaseLost
from crypto_signals.domain.events import Effect
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.deliver import Relay
from crypto_signals.engine.letters import LEFT, Owed, Pictures
from crypto_signals.engine.ports import Letter, Receipt, Store
from crypto_signals.engine.summary import Summary


class SendThenStore(Relay):
    """Tells people first, and writes down afterwards that it was about to."""

    def _claimed(self, owed: Owed) -> Owed:
        return owed

    def _done(self, owed: Owed, receipt: Receipt, summary: Summary) -> None:
        super()._done(super()._claimed(owed), receipt, summary)


class NoJournal(Relay):
    """Makes its attempts without a word about them, and notes only what became of them."""

    def _claimed(self, owed: Owed) -> Owed:
        return owed


class Impatient(Relay):
    """Searches, and sends again, before what is on its way can have settled."""

    def _has_settled(self, owed: Owed) -> bool:  # noqa: ARG002
        return True


class Overwriting(Relay):
    """Writes its outcome over whatever has become of the message, and takes the lease to be able to."""

    def __init__(self, store: Store, *args: object, **kwargs: object) -> None:
        super().__init__(_Forcing(store), *args, **kwargs)  # type: ignore[arg-type]


class Overtaking(Relay):
    """Tells what is new while the message before it is still in doubt."""

    def _thread(self, signal_id: str, pictures: Pictures, summary: Summary) -> None:
        signal, history, effects = self.store.signal(signal_id)
        owed = [effect for effect in effects if effect.status is EffectStatus.OWED]
        if len(owed) < sum(effect.status in LEFT for effect in effects) and owed:
            letter = Letter(owed[0].key, owed[0].kind, signal, (history[owed[0].seq - 1],))
            self._one(self.channels[signal.asset_class], Owed(letter, (owed[0],)), pictures, summary)
        super()._thread(signal_id, pictures, summary)


class Forgetful(Relay):
    """Gives up on what it does not know the fate of."""

    def _has_settled(self, owed: Owed) -> bool:
        if owed.is_unsettled:
            self.store.record_effects(owed.moved(EffectStatus.DONE).effects)
        return False


CANARIES: Mapping[str, type[Relay]] = {
    "send, then store": SendThenStore,
    "no journal before the call": NoJournal,
    "search without waiting": Impatient,
    "completion without a revision": Overwriting,
    "newer before older": Overtaking,
    "what is in doubt is let go": Forgetful,
}


class _Forcing:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def record_effects(self, effects: Sequence[Effect]) -> None:
        try:
            self._store.record_effects(self._forced(effects))
        except LeaseLost:
            self._store.acquire("whoever", 40)
            self._store.record_effects(self._forced(effects))

    def _forced(self, effects: Sequence[Effect]) -> list[Effect]:
        stored = {e.key: e.revision for e in self._store.signal(effects[0].signal_id)[2]}
        return [replace(effect, revision=stored.get(effect.key, 0) + 1) for effect in effects]
