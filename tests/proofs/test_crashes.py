"""P3, P4, P5: a crash at every step, and at every pair of steps, with every fault of the network.

Every call of a port and every change of the store is a place to crash, to stall and be taken over, or to
meet a fault; what comes after it is told to its end from there. The relay, the main job with its lookout,
the lifecycle and the store are the real ones; the detector fires where a tale wants it to.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from crypto_signals.engine import run

from .canaries import CANARIES
from .outside import IN_DOUBT, Fault
from .schedules import Way, World
from .sheet import Tally
from .tales import TALES

Record = Callable[[str, object], None]
HOURS = 8 * 3600
WAYS = {
    "asked, patiently": Way(can_find=True),
    "asked, in a hurry and piecemeal": Way(can_find=True, budget_s=5.0, piecemeal=True),
    "never asked, patiently": Way(can_find=False),
    "never asked, in a hurry and piecemeal": Way(can_find=False, budget_s=5.0, piecemeal=True),
}
"""In a hurry, a run cannot wait for what is in doubt, and leaves it to the next one."""
KINDS = {fault.value for fault in Fault} | {"crash"} | {f"crash, {fate}" for fate in IN_DOUBT[1:]}


@dataclass
class Share:
    """Which interruptions are followed: of those after which ``n`` more may come one in ``taken[n]``, and of
    these one in ``deeper[n]`` up to those ``n`` more."""

    taken: Mapping[int, int]
    deeper: Mapping[int, int]
    seen: Counter[int] = field(default_factory=Counter)

    def __call__(self, left: int) -> int | None:
        self.seen[left] += 1
        taken = self.taken.get(left, 1)
        if self.seen[left] % taken:
            return None
        return 0 if self.seen[left] // taken % self.deeper.get(left, 1) else left


def told(tale: str, way: Way, depth: int, share: Share) -> Tally:
    world = World(TALES[tale], way)
    tally = Tally()
    for schedule in world.schedules(world.first, depth, share):
        tally.add(schedule)
    return tally


CARDS = {name: replace(way, can_edit=True) for name, way in list(WAYS.items())[1:3]}
"""With status cards: asked in a hurry, and never asked, patiently."""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
class Part:
    """One tale: as a class of its own, so that the parts can share the work among processes."""

    tale: ClassVar[str]
    proof: ClassVar[int]
    soak: ClassVar[int]
    pairs: ClassVar[int]
    triples: ClassVar[int]

    @pytest.mark.proof
    def test_nothing_is_lost_told_twice_or_out_of_order(self, way: Way, record_property: Record) -> None:
        """Every single interruption, and an even share of the pairs; whatever happens, in the end all was
        told, in order, once, or marked as a possible repeat where the channel cannot be asked."""
        share = Share({0: self.pairs}, {1: 3})
        tally = told(self.tale, way, 2, share)
        record_property("schedules", dict(tally.counts))
        assert_kept(tally, at_least=self.proof, can_find=way.can_find)

    @pytest.mark.soak
    @pytest.mark.timeout(HOURS)
    def test_nor_in_a_million(self, way: Way, record_property: Record) -> None:
        """Every single interruption, every pair, and an even share of the triples."""
        share = Share({0: self.triples}, {1: 20})
        tally = told(self.tale, way, 3, share)
        record_property("schedules", dict(tally.counts))
        assert_kept(tally, at_least=self.soak, can_find=way.can_find)


def assert_kept(tally: Tally, *, at_least: int, can_find: bool) -> None:
    assert tally.problems == []
    assert tally.kinds >= KINDS
    assert tally.counts["schedules"] >= at_least
    assert bool(tally.counts["warned"]) is not can_find


class TestTwoTrades(Part):
    tale = "two trades"
    proof, pairs = 2_000, 12
    soak, triples = 120_000, 8


class TestRefusals(Part):
    tale = "refusals"
    proof, pairs = 1_500, 7
    soak, triples = 65_000, 3


class TestAMissAndAStop(Part):
    tale = "a miss and a stop"
    proof, pairs = 1_500, 8
    soak, triples = 65_000, 4


@pytest.mark.proof
@pytest.mark.parametrize("tale", TALES)
@pytest.mark.parametrize("way", CARDS.values(), ids=CARDS)
def test_a_card_shows_the_latest_and_is_in_nobodys_way(tale: str, way: Way, record_property: Record) -> None:
    """The same with status cards: every single interruption, and some pairs. In the end each card shows the
    last thing that people were told, and what they were told is as without it."""
    tally = told(tale, way, 2, Share({0: 60}, {1: 12}))
    record_property("schedules", dict(tally.counts))
    assert_kept(tally, at_least=350, can_find=way.can_find)


@pytest.mark.proof
@pytest.mark.parametrize("name", CANARIES)
def test_a_broken_relay_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canaries: with each of them, one interruption is enough to find a schedule that goes wrong."""
    monkeypatch.setattr(run, "Relay", CANARIES[name])
    assert any(caught(tale, Way(can_find)) for tale in TALES for can_find in (True, False))


def caught(tale: str, way: Way) -> bool:
    """Whether some schedule with at most one interruption goes wrong."""
    world = World(TALES[tale], way)
    return any(schedule.verdict.problems for schedule in world.schedules(world.first, 1, lambda left: left))
