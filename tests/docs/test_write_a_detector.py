"""The page for those who write a detector: its example is loaded, judged, audited and scanned."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from crypto_signals.analysis.scan import detect
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.plugins import plugins
from crypto_signals.research.backtest_audit import CHECKS as BACKTEST_CHECKS
from crypto_signals.research.conformance import CHECKS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "write-a-detector.md"


def block(language: str) -> str:
    """The first block of code of the page in one language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_example_is_loaded_and_finds_something(tmp_path: Path) -> None:
    """The code passes the kit as it stands, and fires on bundled bars."""
    path = tmp_path / "my_patterns.py"
    path.write_text(block("python"), encoding="utf-8")
    panel = file_history([SAMPLE_BARS / "equity_daily.parquet"], "1Day", ["AAPL", "MSFT"]).panel
    with plugins([path], tmp_path) as found:
        assert found.faults == []
        said = [d for row in panel for d in detect(row, found.catalogue) if d.detector == "quiet_dip"]
    assert len(said) > 20


def test_the_example_passes_the_audit_as_described(tmp_path: Path) -> None:
    """With the page's own configuration the command knows the detector, and every check passes."""
    (tmp_path / "my_patterns.py").write_text(block("python"), encoding="utf-8")
    (tmp_path / "sentinel.toml").write_text(block("toml"), encoding="utf-8")
    command = ["audit", "--detector", "quiet_dip", "--bars", str(SAMPLE_BARS / "equity_daily.parquet")]
    done = subprocess.run(
        [sys.executable, "-m", "crypto_signals", *command, "--symbol", "AAPL", "--format", "json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SAMPLE_BARS.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["check"] for row in rows if row["subject"] == "quiet_dip"] == list(CHECKS)
    assert [row["check"] for row in rows if row["subject"] == "backtest"] == list(BACKTEST_CHECKS)
    assert [row for row in rows if not row["passed"]] == []
    assert done.returncode == 0


def test_every_check_is_explained() -> None:
    """The page has a row for each check."""
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*CHECKS, *BACKTEST_CHECKS) if f"| `{name}` |" not in text] == []
