"""The one list of detectors that the program knows."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from crypto_signals import __version__
from crypto_signals.analysis.candlesticks import CANDLESTICKS
from crypto_signals.analysis.chart_patterns import CHART_PATTERNS
from crypto_signals.analysis.detector import Detector, detector
from crypto_signals.analysis.harmonic_patterns import TOLERANCE, harmonics
from crypto_signals.analysis.plain_talib import talib
from crypto_signals.analysis.tweezers import TWEEZERS
from crypto_signals.domain.vocabulary import Role

__all__ = ["CATALOGUE", "Catalogue", "Detector", "catalogue", "detector"]


DETECTION_VERSION = 3
"""Of the code behind the detectors; raised whenever anything that they say of the same bars changes."""

DECLARED = (
    "name", "family", "role", "direction", "warm_up_bars", "gates", "needs_gap", "definition", "source",
    "tolerance", "code",
)  # fmt: skip
"""What a detector says of itself."""


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

    @property
    def fingerprint(self) -> str:
        """A short hash of everything that decides what is found: what each detector declares, the versions of
        the program, of its detection code and of TA-Lib, and the text of detectors of one's own (not of what
        that text imports)."""
        versions = [__version__, DETECTION_VERSION, talib.version]
        declared = [[getattr(entry, field) for field in DECLARED] for entry in self]
        return hashlib.sha256(json.dumps([versions, declared]).encode()).hexdigest()[:12]

    def including(self, *detectors: Detector) -> "Catalogue":
        """This catalogue and some more."""
        return Catalogue((*self, *detectors))


@cache
def catalogue(harmonic_tolerance: float = TOLERANCE) -> Catalogue:
    """Every built-in detector; the ratios of the harmonic ones may miss by ``harmonic_tolerance``.

    The same catalogue for the same tolerance. Raises ValueError for one that means nothing (see `harmonics`).
    """
    entries = (*CANDLESTICKS, *TWEEZERS, *CHART_PATTERNS, *harmonics(harmonic_tolerance))
    return Catalogue(replace(entry, joint=True) for entry in entries)


CATALOGUE = catalogue(TOLERANCE)
"""The built-in detectors with the default tolerance."""
