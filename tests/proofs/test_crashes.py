"""P3, P4, P5: a crash at every step, and at every pair of steps, with every fault of the network.

Every call of a port and every change of the store is a place to crash, to stall and be taken over, or to meet a
fault; what comes after it is told to its end from there. The relay, the main job with its lookout, the
lifecycle and the store are the real ones; the detector fires where a tale wants it to.
"""

from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import pytest

from crypto_signals.engine import run
from crypto_signals.engine.deliver import Relay

from .canaries import CANARIES
from .outside import IN_DOUBT, Fault
from .schedules import BUDGET_S, World
from .sheet import Tally
from .tales import TALES

NO_TIME_S = 5.0
"""A run that cannot wait for anything: what is in doubt is left to the next one."""
KINDS = {fault.value for fault in Fault} | {"crash"} | {f"crash, {fate}" for fate in IN_DOUBT[1:]}


def one_in(strides: dict[int, int]) -> Callable[[int, int], bool]:
    """Follows one in so many of the interruptions from which so many more may come; all of the others."""
    seen: Counter[int] = Counter()

    def chosen(left: int, _number: int) -> bool:
        seen[left] += 1
        return seen[left] % strides.get(left, 1) == 0

    return chosen


def told(tale: str, *, can_find: bool, budget_s: float, depth: int, strides: dict[int, int]) -> Tally:
    world = World(TALES[tale], can_find=can_find, budget_s=budget_s)
    tally = Tally()
    for schedule in world.schedules(world.first, depth, one_in(strides)):
        tally.add(schedule)
    return tally


class Part:
    """One tale: as a class of its own, so that the parts can share the work among processes."""

    tale: ClassVar[str]
    singles_and_pairs: ClassVar[int]
    million: ClassVar[int]
    stride: ClassVar[int]

    @pytest.mark.proof
    @pytest.mark.parametrize("can_find", [True, False], ids=["can be asked", "cannot be asked"])
    @pytest.mark.parametrize("budget_s", [BUDGET_S, NO_TIME_S], ids=["patient", "in a hurry"])
    def test_nothing_is_lost_told_twice_or_out_of_order(
        self, can_find: bool, budget_s: float, record_property: Callable[[str, object], None]
    ) -> None:
        """Every single interruption, and an even share of the pairs; whatever happens, in the end all was told,
        in order, once, or marked as a possible repeat where the channel cannot be asked."""
        tally = told(self.tale, can_find=can_find, budget_s=budget_s, depth=2, strides={1: self.stride})
        record_property("schedules", dict(tally.counts))
        assert tally.problems == []
        assert tally.kinds >= KINDS
        assert tally.counts["schedules"] >= self.singles_and_pairs / 4
        assert can_find or tally.counts["warned"] > 0
        assert not can_find or tally.counts["warned"] == 0


class TestTwoTrades(Part):
    tale, stride = "two trades", 40
    singles_and_pairs = 8_000


class TestRefusals(Part):
    tale, stride = "refusals", 40
    singles_and_pairs = 6_000


class TestAMissAndAStop(Part):
    tale, stride = "a miss and a stop", 40
    singles_and_pairs = 6_000


@pytest.mark.proof
@pytest.mark.parametrize("name", CANARIES)
def test_a_broken_relay_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canaries: with each of them, one interruption is enough to find a schedule that goes wrong."""
    monkeypatch.setattr(run, "Relay", CANARIES[name])
    assert any(caught(tale, can_find=can_find) for tale in TALES for can_find in (True, False))


def caught(tale: str, *, can_find: bool) -> bool:
    """Whether some schedule with at most one interruption goes wrong."""
    world = World(TALES[tale], can_find=can_find)
    return any(schedule.verdict.problems for schedule in world.schedules(world.first, 1, lambda *_: True))
