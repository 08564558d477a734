"""What a run did, counted while it happens."""

from dataclasses import asdict, dataclass, field, fields

from crypto_signals.domain.bars import BarProblem
from crypto_signals.engine.drift import Drift
from crypto_signals.engine.ports import SourceError


@dataclass(slots=True)
class Summary:
    """The figures of one run. ``result_r`` is the sum over the announced trades that closed in it,
    ``oldest_owed_s`` how long ago the first of those events happened that people are still to be told;
    ``drift`` are the setups that no longer do as was measured, ``paused`` the channels that take nothing
    until a person mends them."""

    run_id: str = ""
    duration_s: float = 0.0
    symbols_total: int = 0
    symbols_processed: int = 0
    signals: int = 0
    shadow_signals: int = 0
    announcements: int = 0
    follow_ups: int = 0
    cards: int = 0
    cancelled: int = 0
    owed: int = 0
    unknown: int = 0
    dead: int = 0
    quarantined: int = 0
    retries: int = 0
    requests: int = 0
    result_r: float = 0.0
    open_signals: int = 0
    archived: int = 0
    deleted: int = 0
    oldest_owed_s: float = 0.0
    breakers: dict[str, str] = field(default_factory=dict)
    drift: list[Drift] = field(default_factory=list)
    errors: list[SourceError] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[BarProblem] = field(default_factory=list)

    def add(self, other: "Summary", latest: frozenset[str] = frozenset({"run_id"})) -> None:
        """Sums what happened; of the fields named, the other's value counts."""
        for field_ in fields(self):
            mine, its = getattr(self, field_.name), getattr(other, field_.name)
            summed = mine | its if isinstance(mine, dict) else mine + its
            setattr(self, field_.name, its if field_.name in latest else summed)

    @property
    def exit_code(self) -> int:
        """0 done; 1 done, with something failed, owed or unknown."""
        return int(bool(self.errors or self.owed or self.unknown or self.dead))

    def as_dict(self) -> dict[str, object]:
        """The figures as scripts read them."""
        said = asdict(self)
        for private in ("warnings", "problems"):
            del said[private]
        return said
