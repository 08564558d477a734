"""Settings out of Google Secret Manager, asked over gRPC: which wins, what is asked, what is said."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from crypto_signals.simulator.secrets import DISABLED, FORBIDDEN, SecretsStandIn, served
from e2e.program import CRYPTO, Program, clean

PROJECT = "my-project-1"
WEBHOOK = "https://discord.com/api/webhooks/123456789012345678/CANARYTOKEN"
SECRETS = {
    "TEST_DISCORD_WEBHOOK": f"{WEBHOOK}\n",
    "COOLDOWN_HOURS": "12",
    "SETTLE_SECONDS": "7",
    "ALPACA_API_KEY": "CANARYKEY",
    "ALPACA_SECRET_KEY": "CANARYSECRET",
    "SOMEBODY_ELSES": "CANARYOTHER",
}


@pytest.fixture
def manager() -> Iterator[SecretsStandIn]:
    with served(SecretsStandIn(PROJECT, SECRETS)) as stand_in:
        yield stand_in


@pytest.fixture
def program(tmp_path: Path, manager: SecretsStandIn) -> Program:
    settings = {"GOOGLE_CLOUD_PROJECT": PROJECT, "SECRET_MANAGER_EMULATOR_HOST": manager.address}
    return Program(tmp_path, settings)


def config(program: Program, **settings: object) -> dict[str, dict[str, object]]:
    shown: dict[str, dict[str, object]] = clean(program("config", "--format", "json", **settings)).row[
        "settings"
    ]
    return shown


def test_the_environment_wins_over_it_and_it_wins_over_the_env_file(program: Program) -> None:
    """Environment > Secret Manager > .env > defaults, and ``config`` says which it was, showing no secret."""
    (program.folder / ".env").write_text("COOLDOWN_HOURS=24\nSIGNAL_TTL_DAYS=60\n")
    shown = config(program, SETTLE_SECONDS="9")
    assert shown["SETTLE_SECONDS"] == {"value": 9.0, "origin": "environment"}
    assert shown["COOLDOWN_HOURS"] == {"value": 12.0, "origin": "secret manager"}
    assert shown["SIGNAL_TTL_DAYS"] == {"value": 60.0, "origin": ".env"}
    assert shown["TEST_DISCORD_WEBHOOK"] == {"value": "(set)", "origin": "secret manager"}
    assert shown["TEST_MODE"]["origin"] == "default"
    assert program.leaks("CANARY") == []


def test_only_our_own_names_are_asked_for_and_each_once(program: Program, manager: SecretsStandIn) -> None:
    """Nobody else's secrets, nothing that the environment has answered."""
    shown = config(program, COOLDOWN_HOURS="1")
    assert len(manager.asked) == len(set(manager.asked))
    assert set(manager.asked) <= set(shown) - {"COOLDOWN_HOURS", "GOOGLE_CLOUD_PROJECT"}


def test_it_is_not_asked_where_it_is_disabled(program: Program, manager: SecretsStandIn) -> None:
    """DISABLE_SECRET_MANAGER in the environment or in .env; without a project neither."""
    config(program, DISABLE_SECRET_MANAGER="true")
    config(program, GOOGLE_CLOUD_PROJECT=None)
    (program.folder / ".env").write_text("DISABLE_SECRET_MANAGER=true\n")
    config(program)
    assert manager.asked == []


def test_the_project_may_stand_in_the_env_file(program: Program) -> None:
    """What has to be known before is read from .env, too."""
    (program.folder / ".env").write_text(f"GOOGLE_CLOUD_PROJECT={PROJECT}\n")
    shown = config(program, GOOGLE_CLOUD_PROJECT=None)
    assert shown["COOLDOWN_HOURS"]["origin"] == "secret manager"


def test_googles_library_is_loaded_only_where_it_is_needed(program: Program) -> None:
    """A configuration without a project loads nothing of Google's."""
    look = "import sys; from crypto_signals.config import load; load(); print('google.auth' in sys.modules)"
    alone = program.command([sys.executable, "-c", look], GOOGLE_CLOUD_PROJECT=None)
    asked = program.command([sys.executable, "-c", look])
    assert (alone.out.strip(), asked.out.strip()) == ("False", "True")


def test_what_is_missing_is_listed_at_once_with_where_it_was_looked_for(program: Program) -> None:
    """In production each channel and each key that the configured symbols need, before the first request."""
    manager = SecretsStandIn(PROJECT, {"LIVE_STOCK_DISCORD_WEBHOOK_URL": FORBIDDEN, "LOG_LEVEL": ""})
    settings = {"ENVIRONMENT": "PROD", "TEST_MODE": "false", "EQUITY_SYMBOLS": "SPY"}
    with served(manager):
        answer = clean(program("run", **settings, SECRET_MANAGER_EMULATOR_HOST=manager.address))
    assert (answer.code, answer.out) == (2, "")
    missing = {line.split()[0]: line for line in answer.said}
    live = {"LIVE_CRYPTO_DISCORD_WEBHOOK_URL", "LIVE_STOCK_DISCORD_WEBHOOK_URL"}
    assert set(missing) == live | {"ALPACA_API_KEY", "ALPACA_SECRET_KEY"}
    for name, line in missing.items():
        assert f"looked for in the environment, Secret Manager (secret {name} of project {PROJECT}" in line
        assert line.endswith("and .env")
        assert ("may not read" in line) is (name == "LIVE_STOCK_DISCORD_WEBHOOK_URL")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "roles/secretmanager.secretAccessor"),
        (grpc.StatusCode.UNAVAILABLE, "it cannot be reached"),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
def test_a_manager_that_fails_is_a_problem_of_one_line(
    program: Program, manager: SecretsStandIn, failure: grpc.StatusCode, words: str
) -> None:
    """Exit 2, one line that names the project, no traceback, no half a configuration."""
    manager.failure = failure
    answer = clean(program("run", BARS_URL=f"file:{CRYPTO}"))
    assert (answer.code, answer.out, len(answer.said)) == (2, "", 1)
    assert PROJECT in answer.err
    assert words in answer.err


def test_a_manager_that_does_not_answer_ends_in_time(program: Program) -> None:
    """A connection that is taken and never answered costs seconds, not minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        answer = clean(program("config", SECRET_MANAGER_EMULATOR_HOST=address))
    assert (answer.code, time.monotonic() - start < 15) == (2, True)
    assert PROJECT in answer.err


def test_a_disabled_version_and_a_bad_value_are_named_without_the_value(program: Program) -> None:
    """What the manager holds may be a secret whatever its name: it is never quoted."""
    manager = SecretsStandIn(PROJECT, {"ALPACA_API_KEY": DISABLED, "COOLDOWN_HOURS": "CANARYHOURS"})
    with served(manager):
        answer = clean(program("config", SECRET_MANAGER_EMULATOR_HOST=manager.address))
    assert answer.code == 2
    assert any("ALPACA_API_KEY" in line and "disabled" in line for line in answer.said)
    assert any("COOLDOWN_HOURS" in line for line in answer.said)
    assert program.leaks("CANARY") == []
