"""A run over files with measured odds: what is stored, told, shown, and said of a file that does not fit."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.strategy import Costs, Strategy
from crypto_signals.domain.vocabulary import AssetClass, Role
from crypto_signals.warehouse.evidence_file import write_evidence
from domain.odds import evidence
from e2e.program import CRYPTO, Answer, Program, clean

EVE, LAST = "2018-11-01T00:05:00Z", "2018-12-08T00:05:00Z"
LINE = (
    "Measured on 34 crypto pairs, 2015–2016: 214 like this, 51 % reached target 1 first (46–57 %), "
    "+0.06 R on average (−0.02 to +0.14), random entries +0.05: no proven edge."
)


def rows(**changes: object) -> list[Evidence]:
    """The same odds for every trigger of crypto."""
    until = dt.datetime(2016, 12, 31, tzinfo=dt.UTC)
    past = evidence(asset_class=AssetClass.CRYPTO, symbols=34, until=until, **changes)
    triggers = (entry for entry in CATALOGUE if entry.role is Role.TRIGGER)
    return [replace(past, detector=entry.name, direction=entry.direction) for entry in triggers]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD,ETH/USD,LTC/USD"}
    return Program(tmp_path, settings).without_notices()


def lived(program: Program, strategy: Strategy | None = None, **changes: object) -> Answer:
    """Five weeks that were looked at in two runs, with odds measured as ``strategy`` trades."""
    path = program.folder / "evidence.parquet"
    write_evidence(path, rows(**changes), (strategy or Strategy()).rules_version(CATALOGUE.fingerprint))
    program.settings["EVIDENCE_FILE"] = str(path)
    assert clean(program.run(EVE)).code == 0
    return clean(program.run(LAST))


def test_measured_odds_go_with_a_signal_wherever_it_is_shown(program: Program) -> None:
    """Told to people, stored under the contract's names, and read out by ``show`` and ``why``."""
    answer = lived(program)
    signals = program.signals()
    assert signals
    for signal in signals:
        said = signal["evidence"]
        assert (said["detector"], said["conviction"], said["n"]) == (signal["detector"], "ALL", 214)
        assert (said["to"], said["verdict"]) == ("2016-12-31T00:00:00Z", "no_edge")
    assert LINE in " ".join(answer.err.split())
    assert LINE in " ".join(program("signals", "preview", signals[0]["signal_id"]).out.split())
    shown = program("signals", "show", signals[0]["signal_id"]).out
    assert "Measured on 34 crypto pairs" in shown
    assert "profit_factor" not in shown
    assert answer.row["drift"] == []


def test_odds_of_other_rules_are_not_quoted_and_said_to_be_so(program: Program) -> None:
    """No error: signals are told as if nothing had been measured."""
    answer = lived(program, Strategy(costs=Costs(slippage_bp=7)))
    assert answer.code == 0
    assert [signal["evidence"] for signal in program.signals()] == [None] * len(program.signals())
    assert sum("quotes no odds" in line for line in answer.said) == 1


def test_a_strategy_that_asks_for_better_odds_tells_nothing(program: Program) -> None:
    """Every setup is a shadow by the gate ``evidence``, with both numbers."""
    (program.folder / "sentinel.toml").write_text("[strategies.default]\nmin_mean_r_lo = 0.0\n")
    answer = lived(program)
    assert (answer.row["signals"], answer.row["errors"]) == (0, [])
    shadows = program("signals", "list", "--format", "json").rows
    refused = [gate for row in shadows for gate in row["failed_gates"] if gate["gate"] == "evidence"]
    assert len(refused) == len(shadows) > 0
    assert {(gate["value"], gate["limit"]) for gate in refused} == {(-0.02, 0.0)}


def test_a_file_that_is_no_evidence_is_bad_configuration(program: Program) -> None:
    """Exit 2, and what to do about it; nothing is stored."""
    answer = program.run(LAST, EVIDENCE_FILE=CRYPTO)
    assert answer.code == 2
    assert "EVIDENCE_FILE" in answer.err
    assert "sentinel evidence --bars" in answer.err


def test_without_evidence_nothing_is_quoted(program: Program) -> None:
    """And ``why`` says so where a trigger fired."""
    program.settings.pop("EVIDENCE_FILE", None)
    clean(program.run(EVE))
    answer = clean(program.run(LAST))
    assert "Measured on" not in answer.err
    assert "No measured odds for this setup." in " ".join(answer.err.split())
