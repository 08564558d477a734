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
        f"{total['schedules']:,} schedules: {total['lost']} lost, {total['duplicated']} duplicated, "
        f"{total['out of order']} out of order, {total['unfinished']} not at rest or with another outcome",
        f"{total['joined']:,} of them became like one told before, and are judged by how that one ended",
        f"{total['warned']:,} repeated a message, marked as a possible repeat, on a channel that cannot be asked",
        f"{total['excused']:,} had one message repeated by a sender that stood still and was taken over",
    ]
    for prefix, heading in (("with ", "interruptions"), ("kind ", "schedules with")):
        for name, count in sorted(total.items()):
            if name.startswith(prefix):
                said.append(
                    f"{count:>10,}  {name if prefix == 'with ' else name.removeprefix(prefix)}"
                    + (f" {heading}" if prefix == "with " else "")
                )
    return said
