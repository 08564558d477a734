"""What is logged: with which fields, in which shape, and never with a secret in it."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from crypto_signals.domain.vocabulary import AssetClass, EffectKind
from crypto_signals.engine.ports import Delivery, Looked
from crypto_signals.observability.lines import LogLines
from crypto_signals.observability.logs import LogFormat, LogLevel, logging_to
from crypto_signals.observability.redaction import HideSecrets, Redactor

WEBHOOK = "https://discord.com/api/webhooks/123456789012345678/CANARYTOKEN"
STORE = "postgresql://user:CANARY%40PASS@db.example.org/sentinel"
SECRETS = (WEBHOOK, STORE, "CANARY+KEY/1=", "https://hc.example.org/ping/CANARYDEADMAN")
LOOK = Looked("default", "BTC/USD", AssetClass.CRYPTO, new_bars=2, signals=1)
DELIVERY = Delivery("Discord test webhook", EffectKind.ANNOUNCE, "done", "BTC/USD", "abc-1", 1)
SUMMARY = {"run_id": "r1", "signals": 1, "errors": [{"symbol": None, "service": "market", "error": "x"}]}


@contextmanager
def logged(style: LogFormat = "json", level: LogLevel | None = None) -> Iterator[io.StringIO]:
    file = io.StringIO()
    with logging_to(file, style, level, Redactor(SECRETS)):
        yield file


def rows(file: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def run(lines: LogLines) -> None:
    lines.started("r1")
    lines.looked(LOOK)
    lines.delivered(DELIVERY)
    lines.finished(SUMMARY, 1, 1.23456)


def test_there_is_one_line_a_symbol_and_one_a_run_and_each_carries_the_runs_id() -> None:
    """Symbol and signal id are fields of their own; the line of the run counts its errors by service."""
    with logged() as file:
        run(LogLines("DEV"))
    symbol, delivery, whole = rows(file)
    assert [row["run_id"] for row in (symbol, delivery, whole)] == ["r1"] * 3
    assert (symbol["event"], symbol["symbol"], symbol["new_bars"]) == ("symbol", "BTC/USD", 2)
    assert (delivery["event"], delivery["signal_id"], delivery["outcome"]) == ("delivery", "abc-1", "done")
    assert (whole["event"], whole["errors"], whole["duration_s"]) == ("run", {"market": 1}, 1.235)


def test_the_run_that_follows_does_not_carry_the_last_ones_id() -> None:
    """What was bound is let go when a run ends, well or badly."""
    with logged() as file:
        lines = LogLines("DEV")
        run(lines)
        lines.failed(RuntimeError("no"), 1.0)
    assert "run_id" not in rows(file)[-1]


def test_google_cloud_is_given_the_names_that_it_knows() -> None:
    """Severity, message, time; what one searches for is a label, and labels are text."""
    with logged("gcp") as file:
        run(LogLines("PROD"))
    symbol, _, whole = rows(file)
    assert (symbol["severity"], symbol["message"], whole["severity"]) == ("INFO", "symbol", "WARNING")
    assert symbol["time"].endswith("Z")
    labels = symbol["logging.googleapis.com/labels"]
    assert labels.items() >= {"run_id": "r1", "symbol": "BTC/USD", "environment": "PROD"}.items()
    assert whole["errors"] == {"market": 1}


@pytest.mark.parametrize(
    ("style", "level", "count"),
    [("console", None, 0), ("console", "INFO", 3), ("json", None, 3), ("json", "WARNING", 1)],
)
def test_the_level_decides(style: LogFormat, level: LogLevel | None, count: int) -> None:
    """A person at a console is told by the commands themselves, unless they ask for more."""
    with logged(style, level) as file:
        run(LogLines("DEV"))
    assert len(file.getvalue().splitlines()) == count


def raised() -> Exception:
    try:
        int(STORE)
    except ValueError as cause:
        error = RuntimeError("CANARY+KEY/1= was refused")
        error.__cause__ = cause
        return error
    raise AssertionError("unreachable")


@pytest.mark.parametrize("style", ["console", "json", "gcp"])
@pytest.mark.parametrize("name", ["crypto_signals", "httpx", "google.api_core"])
def test_no_secret_gets_out_of_a_library_or_of_ours(style: LogFormat, name: str) -> None:
    """In the message, in arguments, in exceptions, their causes and tracebacks; encoded for an address.
    Google's libraries go their own way from their first client on."""
    google = pytest.importorskip("google.api_core.client_logging")
    with logged(style, "DEBUG") as file:
        google.initialize_logging()
        log = logging.getLogger(name)
        log.warning("GET %s gave %r", httpx.URL(WEBHOOK + "/messages/1?wait=true"), {"key": "CANARY+KEY/1="})
        log.warning("CANARY%%2BKEY%%2F1%%3D and CANARY@PASS and %s", "ping/CANARYDEADMAN")
        log.error("failed", exc_info=raised())
        log.error("another: https://discord.com/api/webhooks/987654321098765432/CANARYOTHER")
    assert "RuntimeError" in file.getvalue()
    assert "CANARY" not in file.getvalue()


def test_no_secret_gets_out_of_an_address_with_more_at_its_end() -> None:
    """A dead man's switch is told of a failure by one step more, before the query."""
    redactor = Redactor(["https://hc.example.org/CANARYPINGKEY/nightly?create=1&token=CANARYQUERY"])
    told = "GET https://hc.example.org/CANARYPINGKEY/nightly/fail?create=1&token=CANARYQUERY"
    assert redactor.text(told) == "GET ***/fail?create=1&token=***"


def test_no_secret_gets_out_of_a_line_that_is_badly_made() -> None:
    """Arguments that do not fit their message are shown without secrets, and raise nothing."""
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "%d", ("CANARY+KEY/1=",), None)
    assert HideSecrets(Redactor(SECRETS)).filter(record)
    assert record.getMessage() == "%d ('***',)"


def test_no_secret_gets_out_of_a_field() -> None:
    """Whatever a line carries, however deep."""
    with logged() as file:
        LogLines("DEV").failed(raised(), 1.0)
        LogLines("DEV").finished({"breakers": {"a": [WEBHOOK]}, "n": 1, "errors": []}, 0, 1.0)
    assert "CANARY" not in file.getvalue()
    assert rows(file)[1]["n"] == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_catches_in_a_thread_is_logged_without_secrets() -> None:
    """Python itself would print the traceback with all that is in it."""

    def fail() -> None:
        raise raised()

    with logged() as file:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert "stopped by an error" in file.getvalue()
    assert "CANARY" not in file.getvalue()


def test_words_are_left_alone() -> None:
    """A secret that is too short to be one, and numbers, blot nothing out."""
    redactor = Redactor(["k", "1", "", STORE, "http://gateway:9091/push"])
    said = "ok 1: push to sentinel on db.example.org"
    assert redactor.text(said) == said
    assert redactor.value({"a": 1.5, "b": True, "c": None}) == {"a": 1.5, "b": True, "c": None}
