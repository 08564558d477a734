"""Where settings come from, and everything that is wrong with them, said at once and without secrets."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from crypto_signals.config import load
from crypto_signals.domain.errors import UsageError
from e2e.program import CRYPTO, Program, clean, one_line
from e2e.starting import KEPT

TOKEN = "CANARYTOKEN"
WEBHOOK = f"https://discord.com/api/webhooks/123456789012345678/{TOKEN}"
WEBHOOKS = ("TEST_DISCORD_WEBHOOK", "LIVE_CRYPTO_DISCORD_WEBHOOK_URL", "LIVE_STOCK_DISCORD_WEBHOOK_URL")
CANARIES = {
    "ALPACA_API_KEY": "CANARYKEY",
    "ALPACA_SECRET_KEY": "CANARYSECRET",
    "DISCORD_BOT_TOKEN": "CANARYBOT",
    "DISCORD_CHANNEL_ID_TEST": "123456789012345678",
    "DISCORD_API_URL": "http://127.0.0.1:9/api/v10",
    "DISCORD_SHADOW_WEBHOOK_URL": WEBHOOK + "SHADOW",
    "DISCORD_SYSTEM_WEBHOOK_URL": WEBHOOK + "SYSTEM",
    "DEADMAN_URL": "https://hc.example.org/CANARYDEADMAN",
} | {name: f"{WEBHOOK}{number}" for number, name in enumerate(WEBHOOKS)}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and an environment in which nothing is set."""
    for name in set(os.environ) - set(KEPT) - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems() -> tuple[str, ...]:
    """What loading the configuration complains about, all at once."""
    with pytest.raises(UsageError) as caught:
        load()
    assert all("\n" not in problem for problem in caught.value.problems)
    return caught.value.problems


def toml(folder: Path, text: str) -> None:
    (folder / "sentinel.toml").write_text(text)


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("strateges = 1", "strateges", "strategies"),
        ("[strategies.main]\nmax_anouncements = 3", "strategies.main.max_anouncements", "max_announcements"),
        ("[strategies.main.gates]\nmin_stop_art = 1", "strategies.main.gates.min_stop_art", "min_stop_atr"),
        ("[strategies.main.gates.normal]\nvolume = 2", "strategies.main.gates.normal.volume", "volume_ratio"),
        ("[strategies.main.costs]\ncrypto_fee = 2", "strategies.main.costs.crypto_fee", "crypto_fee_bp"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(
    here: Path, text: str, key: str, nearest: str
) -> None:
    """At every depth of sentinel.toml."""
    toml(here, text)
    (problem,) = problems()
    assert key in problem
    assert nearest in problem.split("nearest")[1]


def test_a_name_inside_a_strategy_is_not_ignored(here: Path) -> None:
    """A strategy's name is its table's; a ``name`` inside is never dropped in silence."""
    toml(here, '[strategies.main]\nname = "other"')
    assert "name" in problems()[0]


def test_every_problem_is_listed_at_once(program: Program) -> None:
    """Of the environment, .env and sentinel.toml, one a line, exit 2; nothing is run."""
    toml(program.folder, 'nonsense = 1\n[strategies.a]\nmax_bars = 0\ntriggers = ["hamer"]')
    (program.folder / ".env").write_text("COOLDOWN_SCOPE=EVERYTHING\n")
    answer = clean(program("run", TEST_MODE="maybe", SETTLE_SECONDS="-1", ALPACA_API_KEY="CANARYKEY"))
    assert (answer.code, answer.out) == (2, "")
    for word in ("nonsense", "max_bars", "COOLDOWN_SCOPE", "TEST_MODE", "SETTLE_SECONDS"):
        assert sum(word in line for line in answer.said) == 1, word
    assert "CANARYKEY" not in answer.err


@pytest.mark.parametrize("missing", ["ALPACA_SECRET_KEY", "hamer", "TEST_DISCORD_WEBHOOK", "STORE_URL"])
def test_no_problem_hides_behind_another(program: Program, missing: str) -> None:
    """Half a pair of keys, an unknown trigger, a wrong webhook and store are listed beside a bad value."""
    toml(program.folder, '[strategies.a]\ntriggers = ["hamer"]')
    settings = {
        "COOLDOWN_HOURS": "-1",
        "ALPACA_API_KEY": "k",
        "TEST_DISCORD_WEBHOOK": "https://example.com/nothing",
        "STORE_URL": "nonsense",
    }
    answer = clean(program("run", **settings))
    assert (answer.code, "COOLDOWN_HOURS" in answer.err) == (2, True)
    assert missing in answer.err


BAD = {
    "SENTINEL_NOW": ["2018-01-01", "2018-01-01T00:00:00", "yesterday"],
    "SETTLE_SECONDS": ["-1", "soon", "nan", "inf"],
    "CRYPTO_SYMBOLS": ["BTC USD", "btc/usd;eth", "BTC/USD # main"],
    "EQUITY_SYMBOLS": ["A/B/C", "AAPL # big"],
    "ENABLE_EQUITIES": ["perhaps", "true # both"],
    "BARS_URL": ["ftp://x", "file:", "alpaca # default"],
    "ALPACA_DATA_URL": ["http://data.alpaca.markets", "data.alpaca.markets", "https://"],
    "ALPACA_DATA_FEED": ["otc", "SIP # all"],
    "ALPACA_PAPER_TRADING": ["maybe"],
    "ALPACA_TRADING_URL": ["http://api.alpaca.markets"],
    "RATE_LIMIT_PER_MINUTE": ["0", "many"],
    "RATE_LIMIT_DELAY": ["-1"],
    "TEST_MODE": ["maybe", "true # everything to the test webhook"],
    "RUN_BUDGET_SECONDS": ["0", "-5", "nan", "long"],
    "COOLDOWN_SCOPE": ["symbol ", "EVERYTHING"],
    "COOLDOWN_HOURS": ["-1", "two", "nan", "inf"],
    "STORE_URL": [
        *("nonsense", "mysql://h/db", "sqlite://", "sqlite:///", "firestore://", "firestore://p/a"),
        *("firestore://my-project-1/", "firestore://my-project-1/a b", "firestore://my-project-1/aaaa/b"),
        *("postgresql://", "postgresql://h", "postgresql://u:a@b@h/d", "postgresql://u:a/b@h/d"),
        *(
            "postgresql://u:a#b@h/d",
            "postgresql://u:a?b@h/d",
            "postgresql://u:p@h:abc/d",
            "postgresql://h/d #",
        ),
    ],
    "ALPACA_API_KEY": ["KEY # from the dashboard"],
    "DISCORD_BOT_TOKEN": ["Bot TOKEN", "TOKEN # of the bot"],
    "DISCORD_CHANNEL_ID_TEST": ["#signals", "12345678901234567890123", "1.5"],
    "DISCORD_CHANNEL_ID_CRYPTO": ["crypto"],
    "DISCORD_CHANNEL_ID_STOCK": ["https://discord.com/channels/1/2"],
    "DISCORD_API_URL": ["http://discord.com/api/v10", "https://discord.com", "https://discord.com/api/v9"],
    "LEASE_SECONDS": ["0"],
    "SIGNAL_TTL_DAYS": ["-1", "month"],
    "SHADOW_TTL_DAYS": ["-1"],
    "ENVIRONMENT": ["STAGING", "PROD # live"],
    "LOG_LEVEL": ["LOUD"],
    "LOG_FORMAT": ["xml"],
    "HTTP_BIND": ["nowhere", "127.0.0.1:99999", "http://127.0.0.1:80"],
    "METRICS_PUSHGATEWAY_URL": ["gateway:9091", "http://u:p@gateway:9091"],
    "DEADMAN_URL": ["http://hc.example.org/x"],
    "GOOGLE_CLOUD_PROJECT": ["My Project"],
    "DISABLE_SECRET_MANAGER": ["maybe"],
    "WAREHOUSE_URL": [
        "nonsense",
        "duckdb://",
        "duckdb:///",
        "bigquery://my-project-1",
        "bigquery://P/d",
        "sqlite:///x",
    ],
}
NOT_YET = {
    "POSITION_TTL_DAYS": ["-1"],
}


LATER = pytest.mark.xfail(strict=True, reason="the contract's setting does not exist yet")
CASES = [pytest.param(name, value) for name, values in BAD.items() for value in values]
CASES += [pytest.param(name, value, marks=LATER) for name, values in NOT_YET.items() for value in values]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_bad_value_is_an_error_that_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A known variable with a bad value never passes in silence."""
    monkeypatch.setenv(name, value)
    if name == "ALPACA_API_KEY":
        monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    assert any(name in problem for problem in problems())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", WEBHOOKS)
@pytest.mark.parametrize(
    "value",
    [
        WEBHOOK.replace("https", "http"),
        WEBHOOK.replace("https://", ""),
        f"https://example.com/{TOKEN}",
        f'"{WEBHOOK}"',
        f"{WEBHOOK} # the channel",
    ],
)
def test_a_bad_webhook_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Plain http off loopback, no scheme, not Discord's path, quotes, a comment: named, never quoted."""
    other = {"LIVE_CRYPTO_DISCORD_WEBHOOK_URL", "LIVE_STOCK_DISCORD_WEBHOOK_URL"} - {name}
    for live in other:
        monkeypatch.setenv(live, WEBHOOK)
    monkeypatch.setenv(name, value)
    found = problems()
    assert any(name in problem for problem in found)
    assert TOKEN not in "".join(found)


def test_live_mode_without_any_webhook_says_so_or_uses_the_console(program: Program) -> None:
    """TEST_MODE=false and no live webhook at all is a usable configuration or a clear refusal."""
    answer = clean(program("config", TEST_MODE="false"))
    assert answer.code in {0, 2}
    assert answer.code == 0 or "LIVE_CRYPTO_DISCORD_WEBHOOK_URL" in answer.err


@pytest.mark.parametrize("given", WEBHOOKS[1:])
def test_live_mode_with_one_of_two_webhooks_names_the_other(program: Program, given: str) -> None:
    """It would drop half of the signals to the console: exit 2."""
    (other,) = set(WEBHOOKS[1:]) - {given}
    settings = {"TEST_MODE": "false", "EQUITY_SYMBOLS": "SPY", given: WEBHOOK}
    assert other in one_line(program("config", **settings), 2)


BOT = {"DISCORD_BOT_TOKEN": "CANARYBOT"}
LIVE = {"TEST_MODE": "false", "EQUITY_SYMBOLS": "SPY"}
TEST_ID, CRYPTO_ID, STOCK_ID = (f"DISCORD_CHANNEL_ID_{which}" for which in ("TEST", "CRYPTO", "STOCK"))


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, [TEST_ID]),
        ({TEST_ID: "1"}, []),
        ({"TEST_MODE": "false"}, [CRYPTO_ID]),
        (LIVE | {TEST_ID: "1"}, [CRYPTO_ID, STOCK_ID]),
        (LIVE | {"EQUITY_SYMBOLS": "", CRYPTO_ID: "1"}, []),
        (LIVE | {"CRYPTO_SYMBOLS": ",", STOCK_ID: "1"}, []),
        (LIVE | {CRYPTO_ID: "1", WEBHOOKS[2]: WEBHOOK}, [STOCK_ID]),
    ],
)
def test_a_bot_is_told_where_to_post(program: Program, settings: dict[str, str], missing: list[str]) -> None:
    """Each channel that is needed, and no other, is a problem if it is missing; the token is not shown."""
    answer = clean(program("config", **BOT, **settings))
    assert answer.code == (2 if missing else 0)
    assert [line.partition(" is missing")[0] for line in answer.said if "is missing" in line] == missing
    assert program.leaks("CANARYBOT") == []


def test_what_the_bot_makes_useless_is_said(program: Program) -> None:
    """A webhook beside the bot, a channel without a bot: set, and not used."""
    beside = clean(program("config", **BOT, DISCORD_CHANNEL_ID_TEST="1", TEST_DISCORD_WEBHOOK=WEBHOOK))
    assert beside.said == [
        "TEST_DISCORD_WEBHOOK is set but not used: the bot posts everything (DISCORD_BOT_TOKEN)"
    ]
    alone = clean(program("config", DISCORD_CHANNEL_ID_TEST="1"))
    assert alone.said == ["DISCORD_CHANNEL_ID_TEST is set but not used: DISCORD_BOT_TOKEN is missing"]


def test_the_environment_wins_over_the_env_file(program: Program) -> None:
    """Environment > .env > defaults, and ``config`` says where each value came from."""
    (program.folder / ".env").write_text('COOLDOWN_HOURS=12\nSETTLE_SECONDS="7"  # short\nCRYPTO_SYMBOLS=\n')
    settings = clean(program("config", "--format", "json", COOLDOWN_HOURS="24")).row["settings"]
    assert settings["COOLDOWN_HOURS"] == {"value": 24.0, "origin": "environment"}
    assert settings["SETTLE_SECONDS"] == {"value": 7.0, "origin": ".env"}
    assert settings["CRYPTO_SYMBOLS"] == {"value": None, "origin": "default"}
    assert settings["TEST_MODE"] == {"value": True, "origin": "default"}


def test_an_empty_variable_is_not_set(program: Program) -> None:
    """``NAME=`` in the environment means the .env value, or the default, for every setting."""
    (program.folder / ".env").write_text("COOLDOWN_HOURS=12\n")
    plain = clean(program("config", "--format", "json")).row["settings"]
    empty = dict.fromkeys(set(plain) - {"SENTINEL_HOME", "SENTINEL_CONFIG"}, "")
    assert clean(program("config", "--format", "json", **empty)).row["settings"] == plain


def test_an_empty_sentinel_config_is_not_set(program: Program) -> None:
    """``SENTINEL_CONFIG=`` is the default: a missing sentinel.toml is then no error."""
    assert clean(program("config", SENTINEL_CONFIG="")).code == 0


def test_a_sentinel_config_that_points_nowhere_is_an_error(program: Program) -> None:
    """Named in the environment, a missing file is a mistake: one line, exit 2."""
    assert "SENTINEL_CONFIG" in one_line(program("config", SENTINEL_CONFIG="nowhere.toml"), 2)


def test_a_sentinel_config_of_the_env_file_that_points_nowhere_is_an_error(program: Program) -> None:
    """The same holds where .env names it: it is not silently replaced by the defaults."""
    (program.folder / ".env").write_text("SENTINEL_CONFIG=nowhere.toml\n")
    assert "SENTINEL_CONFIG" in one_line(program("config"), 2)


def test_problems_of_the_toml_that_the_env_file_names_are_listed_too(program: Program) -> None:
    """Where another setting is bad, the strategies are still read from the file that .env names."""
    (program.folder / ".env").write_text("SENTINEL_CONFIG=mine.toml\nTEST_MODE=maybe\n")
    (program.folder / "mine.toml").write_text("nonsense = 1")
    answer = clean(program("config"))
    assert ("nonsense" in answer.err, "TEST_MODE" in answer.err, answer.code) == (True, True, 2)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00broken", b"strategies = [", b"[strategies]\n[strategies]"])
def test_a_sentinel_toml_that_cannot_be_read_is_one_line(program: Program, content: bytes) -> None:
    """Not UTF-8, not TOML: the file's name and what is wrong, exit 2."""
    (program.folder / "sentinel.toml").write_bytes(content)
    assert "sentinel.toml" in one_line(program("config"), 2)


def test_an_env_file_that_cannot_be_read_is_one_line(program: Program) -> None:
    """A .env that is not UTF-8: no traceback, exit 2."""
    (program.folder / ".env").write_bytes(b"\xff\xfe\x00T\x00E\x00S\x00T\x00")
    assert ".env" in one_line(program("config"), 2)


def version_of(program: Program, text: str) -> Any:
    toml(program.folder, text)
    (strategy,) = clean(program("config", "--format", "json")).row["strategies"]
    return strategy["version"]


def test_what_decides_changes_the_strategys_version(program: Program) -> None:
    """A gate, a cool-down or a fee makes another version; the same text gives the same one."""
    texts = [
        "[strategies.a]",
        "[strategies.a.gates.normal]\nvolume_ratio = 2",
        "[strategies.a]\ncooldown_hours = 24",
        "[strategies.a.costs]\nslippage_bp = 5",
        '[strategies.a]\ntriggers = ["hammer"]',
    ]
    versions = [version_of(program, text) for text in texts]
    assert len(set(versions)) == len(texts)
    assert version_of(program, texts[0]) == versions[0]


def test_the_version_of_the_override_is_stored_with_its_signals(program: Program) -> None:
    """A signal carries the version under which ``config`` shows its strategy."""
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"}
    version = version_of(program, "[strategies.loose.gates.normal]\nvolume_ratio = 0")
    for day in (20, 21):
        clean(program.run(f"2018-12-{day}T00:05:00Z", **settings))
    stored = {(row["strategy"], row["strategy_version"]) for row in program.signals()}
    assert stored == {("loose", version)}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1/db", "127.0.0.1:abc/db", "127.0.0.1:1/db#x", "h@127.0.0.1:1/db"]
)
@pytest.mark.parametrize("words", [("config",), ("signals", "list"), ("run",)], ids=" ".join)
def test_the_stores_password_is_never_shown(program: Program, host: str, words: tuple[str, ...]) -> None:
    """An address that cannot be used exits 2, a server that does not answer exits 3, ``config`` shows an
    address; the password in it appears nowhere."""
    url = f"postgresql://u:CANARYPASSWORD@{host}"
    answer = clean(program(*words, STORE_URL=url, BARS_URL=f"file:{CRYPTO}"))
    good = 0 if words == ("config",) else 3
    assert answer.code == (good if host == "127.0.0.1:1/db" else 2)
    assert program.leaks("CANARYPASSWORD") == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/a b:c@d.db", "sqlite:////var/lib/a b:c@d.db"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:CANARY@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:CANARY@[::1]:5432/d", "postgresql://u:***@[::1]:5432/d"),
        ("postgresql://u:CAN%40ARY@/d?host=/run/pg", "postgresql://u:***@/d?host=/run/pg"),
        (
            "postgresql://u@h/d?sslmode=require&password=CANARY&sslPassword=CANARY",
            "postgresql://u@h/d?sslmode=require&password=***&sslPassword=***",
        ),
        ("firestore://my-project-1", "firestore://my-project-1"),
        ("firestore://my-project-1/signals-db", "firestore://my-project-1/signals-db"),
    ],
)
def test_the_address_of_a_store_is_shown_without_its_password(program: Program, url: str, shown: str) -> None:
    """Whoever looks at the configuration sees which store it is, and no more."""
    answer = clean(program("config", "--format", "json", STORE_URL=url))
    assert answer.code == 0
    assert f'"{shown}"' in answer.out
    assert program.leaks("CANARY") == []


def test_a_password_in_another_address_is_never_shown(program: Program) -> None:
    """``ALPACA_DATA_URL`` with user and password: ``config`` masks or refuses it."""
    clean(program("config", ALPACA_DATA_URL="https://u:CANARYPASSWORD@data.example.org"))
    assert program.leaks("CANARYPASSWORD") == []


def test_config_masks_every_secret(program: Program) -> None:
    """As a table and as JSON, no secret is shown; that one is set, is."""
    for words in ((), ("--format", "json")):
        answer = clean(program("config", *words, **CANARIES))
        assert answer.code == 0
    assert "ALPACA_API_KEY" in program.answers[0].out
    assert program.answers[1].row["settings"]["ALPACA_API_KEY"]["value"] not in {None, ""}
    assert program.leaks("CANARY") == []


def test_secrets_stay_secret_through_a_demo_a_run_and_failures(program: Program) -> None:
    """Through stdout, stderr, the store, the pages; also where something goes wrong."""
    program.settings |= CANARIES | {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD"}
    clean(program("demo", "--days", "12"))
    clean(program.run("2018-12-20T00:05:00Z"))
    clean(program.run("2018-12-21T00:05:00Z", DISCORD_BOT_TOKEN=None))
    clean(program("run", TEST_MODE="maybe", COOLDOWN_HOURS="-1"))
    clean(program("run", TEST_DISCORD_WEBHOOK=f"http://example.com/api/webhooks/1/{TOKEN}"))
    clean(program("run", TEST_DISCORD_WEBHOOK=f"https://exa mple.com:port/{TOKEN}"))
    clean(program("run", TEST_DISCORD_WEBHOOK=f"https://[bad/{TOKEN}"))
    clean(program("run", BARS_URL="alpaca", ALPACA_DATA_URL="http://127.0.0.1:9"))
    clean(program("signals", "list"))
    assert program.leaks("CANARY") == []


@LATER
def test_the_origins_cover_every_setting(program: Program) -> None:
    """``config`` shows each setting of the contract once, with a value and an origin."""
    contract = Path(__file__).parents[3] / "shared" / "contract.md"
    shown = clean(program("config", "--format", "json")).row["settings"]
    assert all(item.keys() == {"value", "origin"} for item in shown.values())
    if not contract.exists():
        pytest.skip(f"{contract} is not on this machine")
    section = contract.read_text().split("## Settings")[1]
    named = set(re.findall(r"`([A-Z][A-Z_]{6,})`", section))
    assert sorted(named - shown.keys()) == []
