"""The one list of detectors that the program knows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crypto_signals.analysis.candlesticks import CANDLESTICKS
from crypto_signals.analysis.chart_patterns import CHART_PATTERNS
from crypto_signals.analysis.detector import Detector, detector
from crypto_signals.analysis.harmonic_patterns import HARMONICS
from crypto_signals.analysis.tweezers import TWEEZERS
from crypto_signals.domain.vocabulary import Role

__all__ = ["CATALOGUE", "Catalogue", "Detector", "detector"]


class Catalogue:
    """Detectors by name, in the order in which they were given; immutable.

    Raises ValueError when two have the same name.
    """

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._by_name: dict[str, Detector] = {}
        for entry in detectors:
            if entry.name in self._by_name:
                raise ValueError(f"two detectors are named {entry.name}")
            self._by_name[entry.name] = entry

    def __iter__(self) -> Iterator[Detector]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Detector:
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def triggers(self) -> tuple[Detector, ...]:
        """The detectors that may open a signal."""
        return tuple(entry for entry in self if entry.role is Role.TRIGGER)

    def including(self, *detectors: Detector) -> "Catalogue":
        """This catalogue and some more."""
        return Catalogue((*self, *detectors))


CATALOGUE = Catalogue(
    replace(entry, joint=True) for entry in (*CANDLESTICKS, *TWEEZERS, *CHART_PATTERNS, *HARMONICS)
)
