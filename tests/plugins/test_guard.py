"""While it runs: whatever a detector of one's own does, the others and the run go on."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.scan import detect
from crypto_signals.plugins import plugins
from crypto_signals.research.synthetic import walk

from .files import HONEST, failing_later, written

BAD = [
    ("raise ZeroDivisionError('oops')", "raised ZeroDivisionError: oops"),
    ("import sys; sys.exit(4)", "raised SystemExit"),
    ("raise GeneratorExit", "raised GeneratorExit"),
    ("while True: pass", "did not come back within 1 s"),
    ("time.sleep(3)", "did not come back within 1 s"),
    ("hits = lower_lows(study); hits.strength[:] = np.nan; return hits", "strength at bar"),
    ("return None", "returned NoneType, not Hits"),
    ("return at(study, np.arange(3, dtype=np.int32))", "index is int32, not int64"),
    ("return at(study, np.array([60, 55]))", "not strictly increasing"),
]


@pytest.mark.parametrize(("body", "says"), BAD, ids=[body for body, _ in BAD])
def test_a_detector_that_goes_wrong_is_named_and_disabled(tmp_path: Path, body: str, says: str) -> None:
    """It is reported once, with the series; every other detector says on all series what it always says."""
    path = written(tmp_path, failing_later(body), HONEST)
    rows = [walk(1, 500, "A"), walk(2, 500, "B")]
    with plugins([path], tmp_path, seconds=1.0) as found:
        well = [detect(row, found.catalogue) for row in rows]
        assert any(d.detector == "turncoat" for d in well[0])
        (tmp_path / "switch").touch()
        ill = [detect(row, found.catalogue) for row in rows]
        (fault,) = found.faults
    assert (fault.detector, fault.symbol) == ("turncoat", "A")
    assert says in fault.what
    assert fault.what.endswith("; it is disabled for the rest of this run")
    assert ill == [[d for d in row if d.detector != "turncoat"] for row in well]


def test_a_detector_cannot_spoil_the_bars_of_others(tmp_path: Path) -> None:
    """One that writes into its bars and indicators writes into its own copies."""
    path = written(
        tmp_path, failing_later("study.series.close[:] = 1; study.atr()[:] = 7; study.rsi()[:] = 50")
    )
    row = walk(3, 500)
    before = row.close.copy()
    built_in = detect(row, CATALOGUE)
    with plugins([path], tmp_path) as found:
        (tmp_path / "switch").touch()
        after = detect(row, found.catalogue)
    assert np.array_equal(row.close, before)
    assert [d for d in after if d.detector != "turncoat"] == built_in


def test_what_a_detector_prints_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the answer: what a detector writes, at its import too, is on stderr."""
    path = written(tmp_path, "print('imported')\n", failing_later("print('called')"))
    with plugins([path], tmp_path) as found:
        (tmp_path / "switch").touch()
        detect(walk(1, 500), found.catalogue)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "imported" in printed.err
    assert "called" in printed.err


def test_a_process_that_a_detector_forked_ends(tmp_path: Path) -> None:
    """It would else wait for work for ever, with nobody to give it any."""
    path = written(
        tmp_path, failing_later("import os; p = os.fork(); p and _SWITCH.write_text(str(p)); time.sleep(0.1)")
    )
    with plugins([path], tmp_path) as found:
        (tmp_path / "switch").touch()
        detect(walk(1, 500), found.catalogue)
        child = int((tmp_path / "switch").read_text())
        assert _ended(child)


def _ended(child: int) -> bool:
    for _ in range(200):
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return False
