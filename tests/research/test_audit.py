"""The audit over many series, in several processes."""

from functools import partial

import pytest

from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue
from crypto_signals.research.audit import audit, judged
from crypto_signals.research.checks import Check
from crypto_signals.research.conformance import CHECKS, Plan, examine
from crypto_signals.research.speed import Speed
from crypto_signals.research.synthetic import walk

from .cheats import CHEATS, honest


def catalogue_of(*names: str) -> Catalogue:
    """Some of the built-in detectors."""
    return Catalogue(CATALOGUE[name] for name in names)


def test_a_panel_is_audited_in_other_processes() -> None:
    """Every check of every detector is there once and passes; progress counts the series."""
    names = ("engulfing_bullish", "double_bottom")
    told: list[tuple[str, int, int]] = []
    checks = audit(
        [walk(1, 400, "A"), walk(2, 500, "B")],
        partial(catalogue_of, *names),
        names,
        Plan(prefixes=5, with_indicators=True),
        workers=2,
        progress=lambda *step: told.append(step),
    )
    assert told == [("detectors, series", 1, 2), ("detectors, series", 2, 2)]
    assert [row.check for row in checks if row.subject == "double_bottom"] == list(CHECKS)
    failed = [row for row in checks if not row.passed and row.check != "speed"]
    assert failed == []
    subjects = {row.subject for row in checks}
    assert {"family candlestick", "family chart", "indicator rsi"} <= subjects


def test_who_is_not_deterministic_is_judged_no_further() -> None:
    """The reason is said once; the other checks say that they were not made."""
    cheat = CHEATS["deterministic"][0]
    checks = checks_of(cheat.name)
    assert not any(row.passed for row in checks)
    details = {row.check: row.detail for row in checks}
    assert details["causal"] == "not judged: not deterministic"
    assert "at first" in details["deterministic"]


@pytest.mark.parametrize("name", ["honest", "looks_ahead"])
def test_a_check_names_its_subject(name: str) -> None:
    """Rows have the four keys that scripts rely on."""
    (causal,) = [row for row in checks_of(name) if row.check == "causal"]
    assert set(causal.as_dict()) == {"check", "subject", "passed", "detail"}
    assert causal.passed == (name == "honest")


def checks_of(name: str) -> list[Check]:
    """What the kit says of one planted detector on one drawn series."""
    entries = {entry.name: entry for cheats in CHEATS.values() for entry in cheats} | {"honest": honest}
    plan = Plan(prefixes=20)
    found = examine(walk(39, 600), [entries[name]], plan)
    return judged([entries[name]], [found], {name: Speed(True, "not timed")}, plan)
