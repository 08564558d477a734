"""How exact harmonic patterns must be is a setting: closed, shown, part of the version, and heeded."""

from collections import Counter
from pathlib import Path

import pytest

from config.test_configuration import problems, toml
from crypto_signals.analysis.harmonic_patterns import MAX_TOLERANCE, TOLERANCE
from crypto_signals.config.strategies import DetectorSettings
from e2e.program import CRYPTO, Program, clean, one_line

WIDE = "[detectors]\nharmonic_tolerance = 0.1"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_the_default_and_the_most_are_those_of_the_detectors() -> None:
    """The setting and the detectors agree on what is usual and what means anything."""
    field = DetectorSettings.model_fields["harmonic_tolerance"]
    assert field.default == TOLERANCE
    assert [limit.le for limit in field.metadata if hasattr(limit, "le")] == [MAX_TOLERANCE]


@pytest.mark.parametrize("value", ["0", "-0.05", "0.11", "nan", "inf", '"wide"', "true"])
def test_a_tolerance_that_means_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Nothing, more than a tenth, no number: named with its table."""
    monkeypatch.chdir(tmp_path)
    toml(tmp_path, f"[detectors]\nharmonic_tolerance = {value}")
    assert any("detectors.harmonic_tolerance: " in problem for problem in problems())


def test_a_misspelt_key_names_the_nearest(program: Program) -> None:
    """At the right place, and where a strategy would have it."""
    toml(program.folder, "[detectors]\nharmonic_tolerence = 0.03")
    assert "the nearest known one is detectors.harmonic_tolerance" in one_line(program("config"), 2)
    toml(program.folder, "[strategies.a]\nharmonic_tolerance = 0.03")
    assert "the nearest known one is detectors.harmonic_tolerance" in one_line(program("config"), 2)


def test_config_shows_it_and_every_version_covers_it(program: Program) -> None:
    """Another tolerance, another version of every strategy, another hash of the configuration."""
    plain = clean(program("config", "--format", "json")).row
    toml(program.folder, WIDE)
    wide = clean(program("config", "--format", "json")).row
    assert (plain["detectors"]["harmonic_tolerance"], wide["detectors"]["harmonic_tolerance"]) == (0.05, 0.1)
    assert plain["strategies"][0]["version"] != wide["strategies"][0]["version"]
    assert plain["config_hash"] != wide["config_hash"]
    assert "harmonic_tolerance" in clean(program("config")).out


def test_triggers_are_still_checked_beside_it(program: Program) -> None:
    """A table of detectors that names no files brings none: a misspelt trigger is found at once."""
    toml(program.folder, f'{WIDE}\n[strategies.a]\ntriggers = ["hamer"]')
    assert "there is no detector hamer" in one_line(program("config"), 2)


def counts(program: Program) -> Counter[str]:
    answer = clean(program("scan", "--bars", CRYPTO, "--symbol", "BTC/USD", "--format", "json"))
    return Counter(row["family"] for row in answer.rows)


def test_scan_why_and_patterns_heed_it(program: Program) -> None:
    """A wider tolerance finds more harmonics and the same of everything else; people are told of it."""
    plain = counts(program)
    toml(program.folder, WIDE)
    wide = counts(program)
    assert wide["harmonic"] > 1.5 * plain["harmonic"] > 0
    assert (wide["chart"], wide["candlestick"]) == (plain["chart"], plain["candlestick"])
    gartley = next(
        row for row in clean(program("patterns", "--format", "json")).rows if row["name"] == "gartley_bullish"
    )
    assert "may miss by 10 %" in gartley["definition"]
    assert clean(program("why", "BTC/USD", "--bars", CRYPTO)).code == 0


def test_a_run_and_its_signals_heed_it(program: Program) -> None:
    """What is stored carries the version that ``config`` shows."""
    toml(program.folder, f"{WIDE}\n[strategies.loose.gates.normal]\nvolume_ratio = 0")
    (shown,) = clean(program("config", "--format", "json")).row["strategies"]
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"}
    for day in (20, 21):
        clean(program.run(f"2018-12-{day}T00:05:00Z", **settings))
    assert {row["strategy_version"] for row in program.signals()} == {shown["version"]}


def test_an_audit_judges_the_detectors_of_the_setting(program: Program) -> None:
    """At a tolerance of 10 % it counts the detections that a scan at 10 % finds."""
    only = ("--symbol", "ETH/USD", "--detector", "abcd_bearish")
    words = ("audit", "--bars", CRYPTO, *only, "--format", "json")
    said = [next(row for row in clean(program(*words)).rows if row["check"] == "well_formed")["detail"]]
    toml(program.folder, WIDE)
    said.append(next(row for row in clean(program(*words)).rows if row["check"] == "well_formed")["detail"])
    fired = [int(detail.split()[0]) for detail in said]
    assert fired[1] > fired[0] > 0
