"""Who watches a run is told what it did, once each, and a run that nobody watches is the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from crypto_signals.domain.errors import NotSent, Refused
from crypto_signals.engine.ports import Delivery, Looked

from .test_one_bad_apple import Bomb
from .world import BTC, ETH, LTC, Scripted, World, bars, day, pattern

Build = Callable[..., World]
D = 60


@dataclass
class Notes:
    """A `Watcher` that keeps what it is told."""

    runs: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    looks: list[Looked] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def started(self, run_id: str) -> None:
        self.runs.append(run_id)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        yield
        self.steps.append(name)

    def looked(self, look: Looked) -> None:
        self.looks.append(look)

    def delivered(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)


def watched(world: World, number: int) -> Notes:
    """What is told of the run after bar ``number``."""
    notes = Notes()
    world.clock.set(day(number + 1).replace(minute=1))
    replace(world.job(), watcher=notes).run()
    return notes


def test_each_symbol_is_told_once_with_what_came_of_it(world: Build) -> None:
    """Signals, new bars, the newest of them; a symbol that failed with its error, one without bars, too."""
    hit = pattern("hit", {BTC: [day(D + 2)]})
    w = world({BTC: bars(D), ETH: bars(D), LTC: bars(D)}, hit, Bomb(ETH).detector)
    w.after(D)
    w.market = {BTC: bars(D + 2), ETH: bars(D + 2), LTC: bars(D + 2)}
    notes = watched(w, D + 2)
    btc, eth, ltc = notes.looks
    assert (btc.symbol, btc.new_bars, btc.signals, btc.newest, btc.error) == (BTC, 2, 1, day(D + 2), None)
    assert (ltc.symbol, ltc.new_bars, ltc.signals, ltc.error) == (LTC, 2, 0, None)
    assert eth.symbol == ETH
    assert "boom" in str(eth.error)
    assert len(notes.runs) == 1


def test_each_step_is_told_when_it_is_over(world: Build) -> None:
    """In the order of the run."""
    assert watched(world({BTC: bars(D)}), D).steps == ["fetch", "look", "deliver", "keep"]


def test_each_attempt_to_tell_people_is_told_with_its_outcome(world: Build) -> None:
    """Done, dead, or left owed."""
    hit = pattern("hit", {symbol: [day(D)] for symbol in (BTC, ETH, LTC)})
    outcomes = {BTC: None, ETH: Refused("no"), LTC: NotSent("later")}
    channel = Scripted(lambda call: outcomes[call.symbol])
    w = world({symbol: bars(D) for symbol in outcomes}, hit, channel=channel)
    told = {(delivery.symbol, delivery.outcome) for delivery in watched(w, D).deliveries}
    assert told == {(BTC, "done"), (ETH, "dead"), (LTC, "owed")}


def test_the_age_of_the_oldest_owed_message_is_known(world: Build) -> None:
    """Counted from what people are to be told; nothing owed, no age."""
    channel = Scripted(lambda _: NotSent("later"))
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}), channel=channel)
    assert w.after(D - 1).oldest_owed_s == 0
    w.after(D)
    w.clock.set(w.clock.now().replace(hour=6))
    assert w.job().run().oldest_owed_s == 6 * 3600
