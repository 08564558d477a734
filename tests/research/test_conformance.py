"""The kit names what is wrong with a detector, by the right check, at the right bar."""

from collections.abc import Callable

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.detectors import Detector, Hits, Study
from crypto_signals.research.conformance import Findings, Plan, examine, examine_on_nasty_bars, replay
from crypto_signals.research.soundness import fault_of, numbers_fault_of
from crypto_signals.research.speed import speed_of
from crypto_signals.research.starts import compare_starts
from crypto_signals.research.synthetic import walk

from .cheats import CHEATS, at, honest, planted, takes_squares

BARS = walk(39, 620)
PLAN = Plan(prefixes=30)
PLANTED = [(check, cheat) for check, cheats in CHEATS.items() for cheat in cheats]


def failed_checks(found: Findings, entry: Detector) -> set[str]:
    """The checks that one detector fails on one series."""
    failed = {check for check, name in found.failures if name == entry.name}
    start = found.starts.get(entry.name)
    return failed | ({"start_invariant"} if start and not start.passed else set())


def test_an_honest_detector_passes() -> None:
    """Nothing is held against a detector that keeps every promise."""
    found = examine(BARS, [honest], PLAN)
    assert failed_checks(found, honest) == set()
    assert found.detections["honest"] > 50
    assert examine_on_nasty_bars([honest], 0).failures == {}


@pytest.mark.parametrize(("check", "cheat"), PLANTED, ids=[cheat.name for _, cheat in PLANTED])
def test_a_cheat_is_caught_by_the_right_check(check: str, cheat: Detector) -> None:
    """Each planted cheat fails the check that is there for it; what comes before that check it passes."""
    found = examine(BARS, [cheat], PLAN)
    failed = failed_checks(found, cheat)
    assert check in failed
    assert not failed & {"well_formed", "deterministic"} - {check}
    if check not in {"causal", "deterministic"}:
        assert failed == {check}


def test_the_first_bar_and_field_are_named() -> None:
    """A failure says where: the symbol, the bar with its time, the field, and both values."""
    cheats = {cheat.name: cheat for _, cheat in PLANTED}
    found = examine(BARS, [cheats["normalises_by_the_whole"]], PLAN)
    detail = found.failures["causal", "normalises_by_the_whole"]
    assert detail.startswith("WALK bar ")
    assert "strength" in detail
    assert f"with all {len(BARS)}" in detail


def test_a_price_of_its_own_is_told_in_a_sentence() -> None:
    """What it fires on at one scale and not at another reads like English."""

    def find(study: Study) -> Hits:
        return at(study, np.flatnonzero(study.series.close < 1000))

    found = examine(BARS, [planted("under_1000", find)], PLAN)
    detail = found.failures["scale_invariant", "under_1000"]
    assert "(1024 times the price)" in detail
    assert "detection fires at first, does not fire" in detail


def test_one_cheat_does_not_hide_another_or_blame_the_honest() -> None:
    """Detectors are judged together, each for itself."""
    entries = [honest, *(cheat for cheat in CHEATS["causal"])]
    found = replay(BARS, entries, PLAN)
    assert {name for _, name in found.failures} == {cheat.name for cheat in CHEATS["causal"]}


def test_every_prefix_finds_what_a_sample_may_miss() -> None:
    """A detector that withdraws one detection once, on one prefix, is caught by the full replay."""

    def find(study: Study) -> Hits:
        bars = np.arange(10, len(study), 50)
        return at(study, bars[bars != 410] if len(study) == 487 else bars)

    once = planted("withdraws_once", find)
    assert replay(BARS, [once], Plan(prefixes=5)).failures == {}
    found = replay(BARS, [once], Plan(prefixes=5, full=True))
    assert "bar 410" in found.failures["causal", "withdraws_once"]


def test_quadratic_time_is_caught() -> None:
    """A detector that looks back over everything at every bar fails, a linear one passes."""
    assert not speed_of(takes_squares).passed
    assert speed_of(honest).passed


def test_what_a_detector_raises_is_a_finding() -> None:
    """An exception on good bars is named with its type."""

    def find(_: Study) -> Hits:
        raise LookupError("nothing here")

    found = examine(BARS, [planted("raises", find)], PLAN)
    assert "LookupError: nothing here" in found.failures["well_formed", "raises"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda _: None, "NoneType"),
        (lambda hits: hits.index, "ndarray"),
        (lambda hits: _with(hits, index=hits.index.astype(np.int32)), "int32"),
        (lambda hits: _with(hits, index=hits.index[::-1].copy()), "not strictly increasing"),
        (lambda hits: _with(hits, index=hits.index + 1000), "on a series of 620 bars"),
        (lambda hits: _with(hits, strength=hits.strength[1:]), "strength has shape"),
        (lambda hits: _with(hits, targets=hits.strength), "targets has shape"),
        (lambda hits: _with(hits, anchors=hits.anchors + 1), "anchor 'low'"),
        (lambda hits: _with(hits, duration_bars=hits.duration_bars - 1), "duration_bars"),
        (lambda hits: _with(hits, labels=("low", "high")), "anchors has shape"),
        (lambda hits: _with(hits, strength=hits.strength.tolist()), "list, not an array"),
    ],
)
def test_hits_of_the_wrong_shape_are_named(spoil: object, says: str) -> None:
    """Each way of returning something else than the promised columns has its own words."""
    hits = honest(Study(BARS))
    assert fault_of(hits, len(BARS)) is None
    assert says in (fault_of(spoil(hits), len(BARS)) or "")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda hits: _with(hits, strength=hits.strength * np.nan),
            "strength at bar 5 is nan, not a number",
        ),
        (
            lambda hits: _with(hits, anchor_prices=hits.anchor_prices * np.inf),
            "anchor_prices at bar 5 is inf",
        ),
        (lambda hits: _with(hits, stop=hits.structure * np.inf), "stop at bar 5 is inf"),
        (lambda hits: _with(hits, targets=np.full((len(hits), 3), -np.inf)), "targets at bar 5 is -inf"),
    ],
)
def test_numbers_that_nobody_can_be_told_are_named(spoil: Callable[[Hits], Hits], says: str) -> None:
    """What must be known is a number, what may be unknown a number or NaN; before the warm-up nobody asks."""
    hits = honest(Study(BARS))
    assert numbers_fault_of(hits) is None
    assert says in (numbers_fault_of(spoil(hits)) or "")
    assert numbers_fault_of(spoil(hits), warm_up_bars=len(BARS)) is None


def _with(hits: Hits, **columns: object) -> Hits:
    names = (
        "index", "strength", "structure", "stop", "targets", "neckline", "zone", "duration_bars",
        "anchors", "anchor_prices", "labels",
    )  # fmt: skip
    return Hits(*(columns.get(name, getattr(hits, name)) for name in names))


def test_pivots_are_compared_once_both_histories_share_them() -> None:
    """A detector on pivots is told from one that is not, and nothing settled may differ."""
    tally = compare_starts(BARS, CATALOGUE["double_bottom"], 57)
    assert tally.on_pivots
    assert tally.passed
    assert not compare_starts(BARS, honest, 57).on_pivots
