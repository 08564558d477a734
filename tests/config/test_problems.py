"""The words in which a wrong configuration is described, and what is said of settings that do nothing yet."""

import re
from pathlib import Path

import pytest

from config.test_configuration import WEBHOOK, WEBHOOKS
from crypto_signals.config import Settings, load
from crypto_signals.config.resolving import unheeded
from crypto_signals.domain.errors import UsageError
from e2e.program import Program, clean

CONTRACT = Path(__file__).parents[3] / "shared" / "contract.md"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strategies = 1", "strategies: must be a table: write [strategies.NAME]"),
        ("[strategies]\na = 1", "strategies.a: must be a table: write [strategies.a]"),
        ("[strategies.a]\ngates = 1", "strategies.a.gates: must be a table: write [strategies.a.gates]"),
        ("[strategies.My_Own]", "strategies.My_Own: a strategy's name is lower-case letters"),
        ("[strategies.a]\nvolume = 2", "the nearest known one is strategies.a.gates.normal.volume_ratio"),
        ("gates = 1", "the nearest known one is strategies.NAME.gates"),
        ('[strategies.a]\ntriggers = "hammer"', "strategies.a.triggers: must be a list (it is 'hammer')"),
        ("[strategies.a]\ntriggers = 1\nfractions = [1, 1, 1]", "fractions must add up to 1, not 3"),
    ],
)
def test_a_problem_of_the_toml_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    """Not in those of the library that found it; and the nearest key is looked for at every level."""
    monkeypatch.chdir(tmp_path)
    Path("sentinel.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load()
    assert any(words in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({"ENABLE_EQUITIES": "false"}, WEBHOOKS[1]),
        ({"CRYPTO_SYMBOLS": ",", "EQUITY_SYMBOLS": "SPY"}, WEBHOOKS[2]),
    ],
)
def test_no_webhook_is_asked_for_what_is_not_looked_at(
    program: Program, settings: dict[str, str], given: str
) -> None:
    """Live mode without stocks needs no stock webhook, without crypto no crypto webhook."""
    assert clean(program("config", **settings, TEST_MODE="false", **{given: WEBHOOK})).code == 0


def test_a_setting_of_a_later_version_is_not_silent(program: Program) -> None:
    """``config`` says that it does nothing here, wherever it is set, and shows no value."""
    answer = clean(program("config", POSITION_TTL_DAYS="CANARY"))
    assert answer.code == 0
    assert sorted(answer.said) == ["POSITION_TTL_DAYS is set but not used by this version"]
    assert program.leaks("CANARY") == []


def test_every_setting_of_the_contract_is_heeded_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting is known to this version, or one that it says it does not use."""
    if not CONTRACT.exists():
        pytest.skip(f"{CONTRACT} is not on this machine")
    monkeypatch.chdir(tmp_path)
    section = CONTRACT.read_text().split("## Settings")[1]
    named = set(re.findall(r"`([A-Z][A-Z_]{6,})`", section))
    for name in named:
        monkeypatch.setenv(name, "1")
    later = {line.split()[0] for line in unheeded(Settings.model_construct())}
    assert named - {name.upper() for name in Settings.model_fields} == later


def test_a_pipe_gets_no_padding(program: Program) -> None:
    """No line that is piped ends in spaces; one thing is not said in the plural."""
    for words in (("config",), ("patterns",), ("signals", "list")):
        assert not re.search(r" +$", clean(program(*words)).out, re.MULTILINE)
    assert "signals" in program.answers[-1].out


def test_only_crypto_needs_only_its_webhook(program: Program) -> None:
    """Without stocks in the configuration nobody asks for their webhook."""
    settings = {"TEST_MODE": "false", "LIVE_CRYPTO_DISCORD_WEBHOOK_URL": WEBHOOK}
    assert clean(program("config", **settings)).code == 0


def test_live_webhooks_in_test_mode_are_not_idle_in_silence(program: Program) -> None:
    """Who sets a live webhook and leaves TEST_MODE on is told where the announcements go."""
    answer = clean(program("config", LIVE_CRYPTO_DISCORD_WEBHOOK_URL=WEBHOOK))
    assert "go to the console" in answer.err


def test_webhooks_for_notices_are_not_idle_in_silence(program: Program) -> None:
    """In test mode they get nothing, and whoever set them is told so."""
    answer = clean(program("config", DISCORD_SYSTEM_WEBHOOK_URL=WEBHOOK))
    assert "DISCORD_SYSTEM_WEBHOOK_URL is set, but TEST_MODE is true" in answer.err
    assert "DISCORD_SHADOW_WEBHOOK_URL" not in answer.err


def test_an_unknown_key_of_the_messages_names_the_nearest(program: Program) -> None:
    """As in any other table of the file."""
    (program.folder / "sentinel.toml").write_text("[messages]\nheartbeats = false\n", encoding="utf-8")
    answer = clean(program("config"))
    assert answer.code == 2
    assert "messages.heartbeats: unknown key; the nearest known one is messages.heartbeat" in answer.err
