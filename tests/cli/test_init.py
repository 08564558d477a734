"""``sentinel init``: two files that work, written carefully, and a message if one is wanted."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.program import CRYPTO, SENTINEL, Program, clean
from simulator.simulator_fixtures import DiscordSimulator

WEBHOOK = "http://127.0.0.1:9/webhooks/1/CANARYTOKEN"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path, {"BARS_URL": f"file:{CRYPTO}"})


def asked(program: Program, *answers: str) -> subprocess.CompletedProcess[str]:
    """A person who types ``answers``."""
    return subprocess.run(
        [SENTINEL, "init"],
        cwd=program.folder,
        env=program.environment(),
        input="".join(f"{answer}\n" for answer in answers),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def origins(program: Program) -> dict[str, Any]:
    shown = clean(program("config", "--format", "json")).row["settings"]
    return {name: item["value"] for name, item in shown.items() if item["origin"] == ".env"}


def test_options_alone_write_both_files(program: Program) -> None:
    """Only the user can read .env; what was given is what the program then runs with; health is shown."""
    words = ("--no-input", "--crypto", "BTC/USD,ETH/USD", "--format", "json")
    answer = clean(program("init", *words))
    assert answer.code == 0
    assert {row["service"] for row in answer.rows} >= {"home", "store", "market"}
    assert (program.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert origins(program) == {"CRYPTO_SYMBOLS": "BTC/USD,ETH/USD"}
    assert (program.folder / "sentinel.toml").exists()
    assert list(program.folder.glob("*.new")) == []


def test_a_person_is_asked_for_what_is_left_open(program: Program) -> None:
    """Empty answers mean defaults; a secret is not echoed."""
    done = asked(program, "", "BTC/USD", "", "")
    assert done.returncode == 0, done.stderr
    assert origins(program) == {"CRYPTO_SYMBOLS": "BTC/USD"}


def test_nothing_is_overwritten_in_silence(program: Program) -> None:
    """Without --force exit 2 and the old file; with it the old one is kept beside; sentinel.toml stays."""
    (program.folder / ".env").write_text("COOLDOWN_HOURS=1\n")
    (program.folder / "sentinel.toml").write_text("[strategies.mine]\n")
    refused = clean(program("init", "--no-input", "--crypto", "BTC/USD"))
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert (program.folder / ".env").read_text() == "COOLDOWN_HOURS=1\n"
    assert clean(program("init", "--no-input", "--crypto", "BTC/USD", "--force")).code == 0
    assert (program.folder / ".env.bak").read_text() == "COOLDOWN_HOURS=1\n"
    assert (program.folder / ".env.bak").stat().st_mode & 0o777 == 0o600
    assert (program.folder / "sentinel.toml").read_text() == "[strategies.mine]\n"


def test_what_cannot_be_kept_is_not_replaced(program: Program) -> None:
    """It is said, and nothing is written."""
    (program.folder / ".env").mkdir()
    refused = clean(program("init", "--no-input", "--crypto", "BTC/USD", "--force"))
    assert (refused.code, ".env cannot be read" in refused.err) == (2, True)


def test_bad_values_are_all_named_and_nothing_is_written(program: Program) -> None:
    """Without showing what may be a secret; half a pair of keys is one of them."""
    bad = ("--webhook", "https://example.org/CANARY", "--crypto", "BTC USD")
    answer = clean(program("init", "--no-input", *bad))
    assert answer.code == 2
    assert {line.split(":")[0] for line in answer.said} == {"TEST_DISCORD_WEBHOOK", "CRYPTO_SYMBOLS"}
    half = clean(program("init", "--no-input", "--alpaca-key", "CANARYKEY"))
    assert (half.code, "ALPACA_SECRET_KEY" in half.err) == (2, True)
    assert list(program.folder.glob(".env*")) == []
    assert program.leaks("CANARY") == []


def test_a_service_that_does_not_answer_is_shown_with_its_fix(program: Program) -> None:
    """The files are written all the same: exit 1 says that something is to be mended."""
    answer = clean(program("init", "--no-input", "--webhook", WEBHOOK, "--format", "json"))
    (row,) = (row for row in answer.rows if "webhook" in row["service"])
    assert (answer.code, row["status"]) == (1, "down")
    assert (program.folder / ".env").exists()
    assert program.leaks("CANARY") == []


@pytest.mark.parametrize("kind", ["forum", "text", "forum bot", "text bot"])
def test_a_test_message_is_posted_if_it_is_wanted(
    program: Program, discord_simulator: DiscordSimulator, kind: str
) -> None:
    """Once, by webhook and by bot, in forums and in text channels."""
    place, _, bot = kind.partition(" ")
    program.settings["DISCORD_API_URL"] = discord_simulator.discord_api_url
    if bot:
        channel = getattr(discord_simulator, f"{place}_channel_id")
        words = ("--bot-token", discord_simulator.bot_token, "--channel-id", channel)
    else:
        words = ("--webhook", getattr(discord_simulator, f"{place}_webhook"))
    clean(program("init", "--no-input", *words))
    before = posts(discord_simulator)
    answer = clean(program("init", "--no-input", "--force", *words, "--test-message"))
    assert (answer.code, before, posts(discord_simulator)) == (0, 0, 1), answer.err


def posts(simulator: DiscordSimulator) -> int:
    return sum(
        request["status"] < 300
        for request in simulator.requests()
        if request["method"] == "POST" and "/simulator/" not in request["path"]
    )
