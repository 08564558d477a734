"""``sentinel health`` beyond the store: the clock, the disk, the feed, and where runs are reported to."""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crypto_signals.app.probing import disk_finding, feed_finding
from crypto_signals.domain.vocabulary import Health
from e2e.program import CRYPTO, EQUITY, Program, clean

REAL_TIME = dt.timedelta(0)


@contextmanager
def dated(wrong_by: dt.timedelta) -> Iterator[str]:
    """A service that has nothing but a clock, which differs from ours."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(404)
            self.send_header("Date", format_datetime(dt.datetime.now(dt.UTC) + wrong_by, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path, {"BARS_URL": f"file:{CRYPTO},{EQUITY}"})


def found(program: Program, **settings: object) -> dict[str, dict[str, Any]]:
    rows = clean(program("health", "--format", "json", **settings)).rows
    for row in rows:
        assert row["status"] in {"ok", "off"} or row["fix"], row
    return {row["service"]: row for row in rows}


@pytest.mark.parametrize(
    ("wrong_by", "status"),
    [(REAL_TIME, "ok"), (dt.timedelta(seconds=-20), "warn"), (dt.timedelta(hours=1), "down")],
)
def test_a_clock_that_is_wrong_is_said(program: Program, wrong_by: dt.timedelta, status: str) -> None:
    """By more than the grace of a bar it is down: half a bar would count as a whole one."""
    with dated(wrong_by) as url:
        row = found(program, BARS_URL="alpaca", ALPACA_DATA_URL=url)["clock"]
    assert row["status"] == status
    assert (row["fix"] is None) is (status == "ok")


def test_a_clock_that_stands_still_is_not_compared(program: Program) -> None:
    """In a rehearsal it is meant to be wrong."""
    assert found(program, SENTINEL_NOW="2018-12-20T00:05:00Z")["clock"]["status"] == "off"


def test_the_feed_is_named_or_said_to_be_off(program: Program) -> None:
    """Stocks of a file have none; without stocks there is nothing to be entitled to."""
    assert found(program)["feed"]["status"] == "ok"
    assert found(program, ENABLE_EQUITIES="false")["feed"]["status"] == "off"


def test_a_fallback_to_iex_is_a_warning_unless_it_was_asked_for() -> None:
    """Volumes of IEX are a few per cent of the tape."""
    fallen = feed_finding("SPY", "iex", "auto")
    assert (fallen.status, bool(fallen.fix)) == (Health.WARN, True)
    assert feed_finding("SPY", "iex", "iex").status is Health.OK
    assert feed_finding("SPY", "sip", "auto").status is Health.OK


def test_the_disk_is_asked_for_its_room(tmp_path: Path) -> None:
    """Also where the folder does not exist yet, which it does not make."""
    finding = disk_finding(tmp_path / "not" / "yet")
    assert finding.detail.endswith(f"MB are free in {tmp_path}")
    assert not (tmp_path / "not").exists()


def test_reports_are_examined_without_being_made(program: Program) -> None:
    """A gateway that is not there warns and fails nothing; the switch is not pinged, the file not written."""
    file = program.folder / "sentinel.prom"
    rows = found(
        program,
        METRICS_PUSHGATEWAY_URL="http://u:CANARYPASS@127.0.0.1:9",
        METRICS_TEXTFILE=file,
        DEADMAN_URL="http://127.0.0.1:9/CANARYDEADMAN",
    )
    assert (rows["pushgateway"]["status"], rows["metrics file"]["status"]) == ("warn", "ok")
    assert rows["dead man's switch"]["status"] == "ok"
    assert not file.exists()
    assert program.leaks("CANARY") == []
