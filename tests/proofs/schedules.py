"""Every way in which a run can be interrupted: enumerated, each continued from where it was interrupted.

A schedule is a tale told by processes that may crash, meet faults of the network, or be taken over by
another instance; then the world heals, the rest of the tale happens, and the program runs until it is at
rest. A crash leaves what is durable and what is on its way, and no more: so the schedules that follow a crash
start from what was kept there, and a fault repeats the one run in which it happens.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .judged import End, Truth, Verdict, judged, truth
from .memory import Memory
from .outside import Clock, Message, shown
from .process_runs import NEXT_RUN, Branch, Run, Start
from .tales import Tale

RUNS_TO_REST = 8
TOLD_ANYWAY = 50
"""Of so many schedules that join another, one is told to its end all the same."""
Follow = Callable[[int], int | None]
"""How many more interruptions may come after one that has so many of them to come; ``None``: leave it out."""


@dataclass(frozen=True, slots=True)
class Told:
    """A schedule with its verdict, and where it could have been interrupted once more. ``joined``: from some
    moment on it was like one that had been told to its end before."""

    kinds: tuple[str, ...]
    verdict: Verdict
    branches: tuple[Branch, ...] = ()
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """In which surroundings a tale is told. ``can_find``: whether the channel can be asked. ``budget_s``: how
    long a run may wait. ``piecemeal``: the store keeps each signal of a moment by itself, as one does whose
    transactions are limited in size. ``can_edit``: whether signals have status cards."""

    can_find: bool
    budget_s: float = 540.0
    piecemeal: bool = False
    can_edit: bool = False


class World:
    """One tale, told again and again in one way."""

    def __init__(self, tale: Tale, way: Way) -> None:
        self.tale, self.way = tale, way
        self.clock = Clock(tale.moments[0])
        self.memory = Memory(self.clock.now)
        self.memory.open().close()
        self.messages: list[Message] = []
        self.zombies: list[Message] = []
        self._verdicts: dict[bytes, Verdict] = {}
        self._joins = 0
        self.first = Branch(self._before_the_tale())
        self.expected: Truth | None = None

    def _before_the_tale(self) -> Start:
        """The program has looked at the day before, so that it misses no bar from then on."""
        self.clock.time = self.tale.moments[0] - dt.timedelta(days=1)
        Run(self, "one", {}, 0, (), None).go()
        self.clock.time = self.tale.moments[0]
        return self.kept(1)

    def schedules(self, branch: Branch, depth: int, follow: Follow) -> Iterator[Told]:
        """The schedule ``branch``, and those that ``follow`` takes with ``depth`` more interruptions."""
        told = self.told(branch, recording=depth > 0)
        yield replace(told, branches=())
        for further in told.branches:
            if (left := follow(depth - 1)) is not None:
                yield from self.schedules(further, left, follow)

    def told(self, branch: Branch, *, recording: bool = False) -> Told:
        """One schedule, to its end or to where it joins one that was told before."""
        start = branch.start
        self.memory.put_back(start.content)
        self.messages, self.zombies = list(start.messages), list(start.zombies)
        self.clock.time = start.time
        branches: list[Branch] | None = [] if recording else None
        faults, moment, passed = branch.faults, start.moment, list[bytes]()
        for _ in range(len(self.tale.moments) + RUNS_TO_REST):
            ended = Run(self, "one", faults, moment, branch.kinds, branches).go()
            faults = {}
            if moment < len(self.tale.moments):
                self.clock.time = max(self.clock.time, self.tale.moments[moment])
                moment += 1
                passed.append(self._essence(moment))
                if not recording and self._may_join(passed[-1]):
                    return self._ended(branch, passed, self._verdicts[passed[-1]], joined=True)
            elif ended and self.memory.at_rest():
                break
            else:
                self.clock.pass_by(NEXT_RUN)
        return self._ended(branch, passed, self._judged(), branches)

    def _ended(
        self,
        branch: Branch,
        passed: Sequence[bytes],
        verdict: Verdict,
        branches: Sequence[Branch] | None = None,
        *,
        joined: bool = False,
    ) -> Told:
        for essence in passed:
            known = self._verdicts.setdefault(essence, verdict)
            assert known == verdict, "schedules that had become alike ended differently"
        return Told(branch.kinds, verdict, tuple(branches or ()), joined)

    def _may_join(self, essence: bytes) -> bool:
        """Every now and then one is told to its end all the same, to see that it ends as it should."""
        known = essence in self._verdicts
        self._joins += known
        return known and self._joins % TOLD_ANYWAY != 0

    def _essence(self, moment: int) -> bytes:
        """Equal for schedules that go on alike from here: of all that matters, a digest."""
        now = self.clock.now()
        read = tuple(
            (m.key, len(m.events), m.may_repeat, m.stalled, max(m.there, now), max(m.findable, now))
            for m in sorted(shown(self.messages, now), key=lambda m: m.there)
        )
        all_that_matters = (moment, now, read, len(self.zombies), self.memory.essence(now))
        return hashlib.blake2b(repr(all_that_matters).encode()).digest()

    def _judged(self) -> Verdict:
        end = End(self.way.can_find, self.memory.stories(), self.messages, self.zombies)
        if self.expected is None:
            self.expected = truth(end)
        return judged(end, self.expected)

    def kept(self, moment: int, extra: tuple[Message, ...] = ()) -> Start:
        return Start(
            self.memory.content(), (*self.messages, *extra), tuple(self.zombies), self.clock.time, moment
        )
