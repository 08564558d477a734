"""The command line with detectors of one's own."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from crypto_signals.app.demo import SAMPLE_BARS

from .files import HONEST, PEEKING, failing_later, written

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


def test_the_audit_names_a_cheat(tmp_path: Path) -> None:
    """Exit code 1; the check that fails names bar and field; the others have their rows too."""
    configured(tmp_path, HONEST, PEEKING)
    done = sentinel(
        tmp_path,
        "audit",
        "--detector",
        "peeking_dip",
        "--bars",
        BARS,
        "--symbol",
        "ETH/USD",
        "--format",
        "json",
    )
    assert done.returncode == 1
    rows = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert not rows["causal"]["passed"]
    assert rows["causal"]["detail"].startswith("ETH/USD bar ")
    assert "detection does not fire with" in rows["causal"]["detail"]
    assert rows["deterministic"]["passed"]


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
