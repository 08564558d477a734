"""Detectors of one's own: found, judged before they are used, and watched while they are."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crypto_signals.analysis.catalogue import Catalogue, catalogue
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.harmonic_patterns import TOLERANCE
from crypto_signals.domain.errors import UsageError
from crypto_signals.plugins.guard import Fault, Guard, Lane, OutOfTime, limited
from crypto_signals.plugins.sources import Source, find_sources, load, load_all
from crypto_signals.plugins.verdicts import Verdicts

__all__ = ["Fault", "Plugins", "Source", "find_sources", "plugins", "unjudged_catalogue"]

IMPORT_SECONDS = 30.0
SECONDS_A_SERIES = 5.0


@dataclass(frozen=True, slots=True)
class Plugins:
    """``catalogue`` holds the built-in detectors and those of one's own that passed the conformance kit;
    ``refused`` are the names of the others. ``faults`` grows while the catalogue is used."""

    catalogue: Catalogue
    refused: frozenset[str]
    faults: list[Fault]


@contextmanager
def plugins(
    paths: Iterable[Path],
    home: Path,
    seconds: float = SECONDS_A_SERIES,
    harmonic_tolerance: float = TOLERANCE,
) -> Iterator[Plugins]:
    """Everything that may be asked, while the block lasts; each detector of one's own has ``seconds`` for a
    series. Raises ``UsageError`` with every problem of every source."""
    sources, built_in = find_sources(paths), catalogue(harmonic_tolerance)
    if not sources:
        yield Plugins(built_in, frozenset(), [])
        return
    guard, verdicts = Guard(seconds), Verdicts(home)
    refused: dict[str, Fault] = {}

    def judged(source: Source) -> Sequence[Detector]:
        failed = {name: fault for name, fault in verdicts.of(source).items() if fault}
        refused.update({name: _refusal(name, fault) for name, fault in failed.items()})
        return _imported(source)

    own = [entry for entry in load_all(sources, judged) if entry.name not in refused]
    guard.faults += refused.values()
    try:
        yield Plugins(
            built_in.including(*(guard.guarded(entry) for entry in own)), frozenset(refused), guard.faults
        )
    finally:
        guard.close()


def unjudged_catalogue(
    sources: Sequence[Source], seconds: float = SECONDS_A_SERIES, harmonic_tolerance: float = TOLERANCE
) -> Catalogue:
    """The built-in detectors and all of one's own, which raise what goes wrong: for the audit, which judges
    them. Raises ``UsageError``."""
    lane = Lane()
    own = (limited(entry, lane, seconds) for entry in load_all(sources, _imported))
    return catalogue(harmonic_tolerance).including(*own)


def _imported(source: Source) -> Sequence[Detector]:
    lane = Lane()
    try:
        return lane.call(lambda: load(source), IMPORT_SECONDS)
    except OutOfTime as error:
        raise UsageError(f"{source}: {error} while it was imported; {source.remedy}") from None
    finally:
        lane.close()


def _refusal(name: str, fault: str) -> Fault:
    return Fault(name, None, f"is not used: {fault}; look closer with sentinel audit --detector {name}")
