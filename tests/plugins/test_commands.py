"""The command line with detectors of one's own."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from crypto_signals.app.demo import SAMPLE_BARS

from .files import (
    CENTRED,
    FICKLE,
    HONEST,
    MEASURED_BY_THE_WHOLE,
    PEEKING,
    REPAINTING,
    failing_later,
    written,
)  # fmt: skip

BARS = str(SAMPLE_BARS / "crypto_daily.parquet")


def sentinel(folder: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "crypto_signals", *arguments],
        cwd=folder,
        env=os.environ | settings | {"PYTHONPATH": str(SAMPLE_BARS.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )


def configured(folder: Path, *detectors: str) -> None:
    """A ``sentinel.toml`` with one file of detectors."""
    written(folder, *detectors)
    (folder / "sentinel.toml").write_text('[detectors]\npaths = ["my_patterns.py"]\nseconds = 1\n')


CHEATS = {
    "peeking_dip": PEEKING,
    "centred_dip": CENTRED,
    "cheap_of_all": MEASURED_BY_THE_WHOLE,
    "repainted_low": REPAINTING,
}
A_BAR = r"ETH/USD bar (\d+ \()?20\d\d-\d\d-\d\d 00:00"


def audited(folder: Path, detector: str) -> "tuple[int, dict[tuple[str, str], dict[str, object]]]":
    """The exit code of an audit of one detector, and its rows by check and subject."""
    words = ("audit", "--detector", detector, "--bars", BARS, "--symbol", "ETH/USD", "--format", "json")
    done = sentinel(folder, *words)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {(row["check"], row["subject"]): row for row in rows}


@pytest.mark.parametrize("name", CHEATS)
def test_the_audit_names_a_cheat(tmp_path: Path, name: str) -> None:
    """Exit code 1. The detector itself fails with bar and field; and so does the backtest that it opens
    trades in, which no live run could have repeated: that names the detector, its bar and the field."""
    configured(tmp_path, HONEST, CHEATS[name])
    code, rows = audited(tmp_path, name)
    assert code == 1
    causal, parity = rows["causal", name], rows["parity", "backtest"]
    assert (causal["passed"], parity["passed"]) == (False, False)
    assert re.match(A_BAR + r"\): (detection|strength) .* with all 788$", str(causal["detail"]))
    assert re.match(rf"{name}, {A_BAR}: (stored|failed_gates) is ", str(parity["detail"]))
    assert rows["deterministic", name]["passed"]
    assert rows["lifecycle", "backtest"]["passed"]


def test_the_audit_clears_an_honest_one(tmp_path: Path) -> None:
    """Beside a cheat in the same file, which is not asked, nothing is held against it."""
    configured(tmp_path, HONEST, PEEKING)
    code, rows = audited(tmp_path, "honest_dip")
    assert [row for row in rows.values() if not row["passed"]] == []
    assert code == 0
    assert "signals" in str(rows["parity", "backtest"]["detail"])


def test_who_is_not_deterministic_opens_nothing(tmp_path: Path) -> None:
    """The backtest is not made with a detector that says now this, now that; the row says why."""
    configured(tmp_path, HONEST, FICKLE)
    code, rows = audited(tmp_path, "fickle_dip")
    assert code == 1
    assert not rows["deterministic", "fickle_dip"]["passed"]
    assert "no detector is left" in str(rows["parity", "backtest"]["detail"])


@pytest.mark.parametrize(
    ("detector", "says"),
    [("honest_dipp", "the nearest known one is honest_dip"), ("hamer", "the nearest known one is hammer")],
)
def test_an_unknown_detector_is_wrong_usage(tmp_path: Path, detector: str, says: str) -> None:
    """Exit code 2 and one line with the nearest name, one's own included."""
    configured(tmp_path, HONEST)
    done = sentinel(tmp_path, "audit", "--detector", detector, "--bars", BARS)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_goes_on_without_the_detectors_that_fail(tmp_path: Path) -> None:
    """Exit code 1; the summary names the refused one and the one that raised; no symbol is left out."""
    configured(tmp_path, PEEKING, failing_later("raise RuntimeError('not today')"))
    settings = {"BARS_URL": f"file:{BARS}", "SENTINEL_NOW": "2018-12-31T12:00:00Z"}
    first = sentinel(tmp_path, "run", "--format", "json", **settings)
    (tmp_path / "switch").touch()
    settings["SENTINEL_NOW"] = "2019-01-05T12:00:00Z"
    second = sentinel(tmp_path, "run", "--format", "json", **settings)
    assert (first.returncode, second.returncode) == (1, 1)
    summaries = [json.loads(done.stdout) for done in (first, second)]
    services = [[row["service"] for row in summary["errors"]] for summary in summaries]
    assert services == [["detector peeking_dip"], ["detector peeking_dip", "detector turncoat"]]
    assert "RuntimeError: not today" in summaries[1]["errors"][1]["error"]
    assert summaries[1]["symbols_processed"] == summaries[1]["symbols_total"] == 3
    with closing(sqlite3.connect(tmp_path / ".sentinel" / "sentinel.db")) as store:
        kept = [json.loads(row) for (row,) in store.execute("SELECT summary FROM runs ORDER BY started_at")]
    assert [[row["service"] for row in summary["errors"]] for summary in kept] == services


def test_the_catalogue_and_a_scan_hold_ones_own(tmp_path: Path) -> None:
    """``patterns``, ``scan`` and ``why`` know the good one, and say on stderr why the other is not used:
    done, but something failed."""
    configured(tmp_path, HONEST, PEEKING)
    eth = ("--bars", BARS, "--symbol", "ETH/USD")
    for words in (("patterns",), ("scan", *eth), ("why", "ETH/USD", "--bars", BARS)):
        done = sentinel(tmp_path, *words, "--format", "json")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        names = {row.get("name", row.get("detector")) for row in rows}
        assert done.returncode == 1
        assert {"honest_dip", "doji"} <= names
        assert "peeking_dip" not in names
        assert "detector peeking_dip" in done.stderr


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    """A typo in the table is an error, not an ignored line."""
    (tmp_path / "sentinel.toml").write_text('[detectors]\npath = ["my_patterns.py"]\n')
    done = sentinel(tmp_path, "config")
    assert done.returncode == 2
    assert "detectors.path: unknown key; the nearest known one is detectors.paths" in done.stderr


def test_a_message_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Control characters in what a detector raises are shown, not obeyed."""
    raising = HONEST.replace("return lower_lows(study)", "raise RuntimeError('a\\x1b[31mb\\x9bc')")
    configured(tmp_path, raising)
    done = sentinel(tmp_path, "patterns")
    assert "RuntimeError: a\\x1b[31mb\\x9bc" in done.stderr
    assert not {"\x1b", "\x9b"} & set(done.stderr)


def test_people_read_what_was_measured_and_what_failed(tmp_path: Path) -> None:
    """As a table: how many passed, what was compared, and every failure."""
    configured(tmp_path, PEEKING)
    words = ("audit", "--detector", "peeking_dip", "--bars", BARS, "--symbol", "ETH/USD")
    done = sentinel(tmp_path, *words, COLUMNS="300")
    assert done.returncode == 1
    proven, failed = done.stdout.split("Failed\n")
    assert re.search(r"lifecycle +│ \d+ events of \d+ setups", proven)
    assert re.search(r"parity +│ backtest +│ peeking_dip, ETH/USD bar ", failed)
    assert "checks failed" in done.stderr
