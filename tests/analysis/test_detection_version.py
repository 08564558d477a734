"""A version of a strategy covers what its detectors say: no change of that goes without another version."""

import hashlib
from dataclasses import replace

import pytest

from crypto_signals.analysis import catalogue as module
from crypto_signals.analysis.catalogue import CATALOGUE, DECLARED, DETECTION_VERSION, Catalogue, catalogue
from crypto_signals.analysis.scan import detect
from crypto_signals.domain.vocabulary import Direction, Family, Role

from .bars import real_series

SAID = {3: "ed41ea0c1a8e5cb1"}
"""Of the version, the digest of what it says of some bundled bars."""
BARS = (
    ("demo/equity_daily", "IBM", 0),
    ("demo/crypto_daily", "BTC/USD", 0),
    ("demo/crypto_hourly", "BTC/USD", 4000),
)
CHANGES = {
    "name": "other", "family": Family.CHART, "role": Role.CONTEXT, "direction": Direction.SHORT,
    "warm_up_bars": 7, "gates": (), "needs_gap": True, "definition": "Else.", "source": "Elsewhere",
    "tolerance": 0.01, "code": "abc",
}  # fmt: skip


def said() -> str:
    """The digest of every detection: bar, detector and levels to six digits, the same on any machine."""
    digest = hashlib.sha256()
    for file, symbol, start in BARS:
        for found in detect(real_series(file, symbol)[start:], CATALOGUE):
            levels = " ".join(f"{price:.6g}" for price in (found.entry, found.stop, *found.targets))
            digest.update(f"{symbol} {found.ts} {found.detector} {found.role.value} {levels}\n".encode())
    return digest.hexdigest()[:16]


def test_what_is_said_changes_only_with_the_version() -> None:
    """If this fails, detections have changed: raise DETECTION_VERSION, and put the new digest here."""
    assert said() == SAID[DETECTION_VERSION]


def test_the_fingerprint_covers_all_that_a_detector_declares() -> None:
    """Each declared field, and which detectors there are, makes another fingerprint; running does not."""
    hammer = CATALOGUE["hammer"]
    plain = Catalogue([hammer]).fingerprint
    assert set(CHANGES) == set(DECLARED) == set(hammer.__dataclass_fields__) - {"find", "joint"}
    for field, value in CHANGES.items():
        changed = replace(hammer, **{field: value})  # type: ignore[arg-type]
        assert Catalogue([changed]).fingerprint != plain, field
    assert Catalogue([hammer, CATALOGUE["doji"]]).fingerprint != plain
    assert Catalogue([hammer]).fingerprint == plain


def test_the_fingerprint_covers_tolerance_program_and_detection_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that may decide otherwise is another version, whatever the settings say."""
    found = {CATALOGUE.fingerprint, catalogue(0.03).fingerprint}
    monkeypatch.setattr(module, "DETECTION_VERSION", DETECTION_VERSION + 1)
    found.add(CATALOGUE.fingerprint)
    monkeypatch.setattr(module, "__version__", "99")
    found.add(CATALOGUE.fingerprint)
    assert len(found) == 4
    assert catalogue(0.05) is CATALOGUE
