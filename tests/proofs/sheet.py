"""The sheet of the crash proof: how many schedules were told, and what was wrong with them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .schedules import Told

KEPT_PROBLEMS = 5


@dataclass
class Tally:
    """Schedules by what happened in them. One with two interruptions counts under both of their kinds."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, told: Told) -> None:
        verdict = told.verdict
        self.counts["schedules"] += 1
        self.counts["joined"] += told.joined
        self.counts["lost"] += bool(verdict.lost)
        self.counts["duplicated"] += bool(verdict.duplicated)
        self.counts["out of order"] += bool(verdict.disordered)
        self.counts["unfinished"] += bool(verdict.unfinished)
        self.counts["warned"] += bool(verdict.warned)
        self.counts["excused"] += bool(verdict.excused)
        self.counts[f"with {len(told.kinds)}"] += 1
        for kind in set(told.kinds):
            self.counts[f"kind {kind}"] += 1
        if verdict.problems and len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(f"{' then '.join(told.kinds)}: {'; '.join(verdict.problems)}")

    @property
    def kinds(self) -> set[str]:
        return {name.removeprefix("kind ") for name in self.counts if name.startswith("kind ")}


def lines(parts: Iterable[Mapping[str, int]]) -> list[str]:
    """The sheet of all parts together."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    said = [
        _headline(total),
        f"{total['joined']:,} of them became like one told before, and are judged by how that one ended",
        f"{total['warned']:,} repeated a message, with a warning, on a channel that cannot be asked",
        f"{total['excused']:,} had one message repeated by a sender that stood still and was taken over",
    ]
    for prefix, label in (("with ", "{} interruptions"), ("kind ", "{}")):
        for name, count in sorted(total.items()):
            if name.startswith(prefix):
                said.append(f"{count:>10,}  with {label.format(name.removeprefix(prefix))}")
    return said


def _headline(total: Counter[str]) -> str:
    bad = f"{total['lost']} lost, {total['duplicated']} duplicated, {total['out of order']} out of order"
    return f"{total['schedules']:,} schedules: {bad}, {total['unfinished']} not at rest or with another end"
