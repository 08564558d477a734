"""How many effects there are of each status."""

from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Store
from repository.samples import effect, new, signal

OWED, DONE, DEAD = EffectStatus.OWED, EffectStatus.DONE, EffectStatus.DEAD


def test_effects_are_counted_by_status(store: Store) -> None:
    """Every one counts once, at where it stands now; a status that nothing has is not named."""
    assert store.tally() == {}
    many = [signal(f"{number}", symbol=f"S{number}") for number in range(5)]
    store.commit([new(one) for one in many])
    assert store.tally() == {OWED: 5}
    store.record_effects([effect(one).moved(DONE) for one in many[:3]] + [effect(many[3]).moved(DEAD)])
    assert store.tally() == {DONE: 3, DEAD: 1, OWED: 1}
