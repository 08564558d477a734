"""``sentinel cleanup``, ``store copy`` and ``health``, as a person or a scheduler runs them."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from e2e.program import CRYPTO, Program
from simulator.simulator_fixtures import DiscordSimulator

SETTINGS = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD"}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A home with a store in which signals were opened, told and closed: the demo's, of 40 days."""
    program = Program(tmp_path_factory.mktemp("lived"))
    assert program("demo", "--days", "40").code == 0
    (program.home / "demo" / "sentinel.db").rename(program.home / "sentinel.db")
    return program


@pytest.fixture
def program(lived: Program, tmp_path: Path) -> Program:
    """A home of its own with a copy of that store."""
    own = Program(tmp_path)
    own.home.mkdir(parents=True, exist_ok=True)
    (own.home / "sentinel.db").write_bytes((lived.home / "sentinel.db").read_bytes())
    return own


def signals(program: Program) -> dict[str, str]:
    return {
        row["signal_id"]: row["market_status"] for row in program("signals", "list", "--format", "json").rows
    }


def test_a_dry_run_changes_nothing(program: Program) -> None:
    """It counts what would be archived and deleted, and leaves the store as it is."""
    before = signals(program)
    (said,) = program("cleanup", "--dry-run", "--format", "json", **SETTINGS).rows
    assert said["dry_run"] is True
    assert said["archived"] == said["deleted"] > 0
    assert signals(program) == before
    assert not (program.home / "warehouse.duckdb").exists()


def test_cleanup_keeps_then_deletes(program: Program) -> None:
    """What the dry run announced is done; what is open stays; a second time there is nothing to do."""
    before = signals(program)
    open_ones = {i for i, status in before.items() if status in {"WAITING", "ACTIVE", "TP1_HIT", "TP2_HIT"}}
    (foretold,) = program("cleanup", "--dry-run", "--format", "json", **SETTINGS).rows
    (done,) = program("cleanup", "--format", "json", **SETTINGS).rows
    assert {**done, "dry_run": True} == foretold
    assert set(signals(program)) == open_ones
    asked = "SELECT signal_id FROM signals JOIN outcomes USING (signal_id)"
    kept = program("warehouse", "query", asked, "--format", "json", **SETTINGS).rows
    assert {row["signal_id"] for row in kept} == before.keys() - open_ones
    assert program("cleanup", "--format", "json", **SETTINGS).rows == [
        {"dry_run": False, "archived": 0, "deleted": 0}
    ]


def test_a_warehouse_that_cannot_be_written(program: Program) -> None:
    """A run has its summary all the same, with the failure in it, and deletes nothing; clean-up exits 3."""
    before = signals(program)
    (program.home / "warehouse.duckdb").write_text("in the way")
    said = program.run("2018-12-31T00:05:00Z", **SETTINGS)
    assert (said.code, said.row["archived"], said.row["deleted"]) == (1, 0, 0)
    assert "Nothing was deleted" in str(said.row["errors"])
    assert program("cleanup", **SETTINGS).code == 3
    assert set(signals(program)) >= set(before)


def test_a_warehouse_that_was_lost_is_filled_again(program: Program) -> None:
    """What was brought is not brought twice, unless that is asked for: then all is that the store holds."""
    first = program("warehouse", "sync", "--format", "json").row
    kept = program("warehouse", "query", "trades", "--format", "json").rows
    assert len(kept) == first["signals"] > 0
    (program.home / "warehouse.duckdb").unlink()
    assert program("warehouse", "sync", "--format", "json").row["signals"] == 0
    assert program("warehouse", "sync", "--again", "--format", "json").row == first
    assert program("warehouse", "query", "trades", "--format", "json").rows == kept


def test_an_answer_can_be_read(program: Program) -> None:
    """A time without a zone is in UTC, wherever one is; a price stands without an exponent."""
    assert program("warehouse", "sync").code == 0
    asked = "SELECT TIMESTAMP '2020-01-01 00:00:00' AS ts, 14890.5::DOUBLE AS price"
    row = program("warehouse", "query", asked, "--format", "json", TZ="America/New_York").row
    assert row == {"ts": "2020-01-01T00:00:00Z", "price": 14890.5}
    assert "14890.5" in program("warehouse", "query", asked).out


def test_a_query_without_end_is_interrupted(program: Program) -> None:
    """Ctrl-C ends it soon, with the exit code of an interruption and no traceback."""
    assert program("warehouse", "sync").code == 0
    endless = "SELECT COUNT(*) FROM range(100000000) a, range(100000) b WHERE hash(a.range + b.range) = 3"
    process = program.start("warehouse", "query", endless)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "")


def test_the_schedulers_name_of_cleanup(program: Program) -> None:
    """``python -m crypto_signals.scripts.cleanup_firestore`` is ``sentinel cleanup``."""
    words = ["crypto_signals.scripts.cleanup_firestore", "--dry-run", "--format", "json"]
    module = program.command([sys.executable, "-m", *words], **SETTINGS)
    assert module.out == program("cleanup", "--dry-run", "--format", "json", **SETTINGS).out


def test_a_copy_holds_the_same(program: Program) -> None:
    """Every command answers from the copy as from the original; copying again copies nothing."""
    source, target = f"sqlite:///{program.home / 'sentinel.db'}", f"sqlite:///{program.folder / 'copy.db'}"
    (said,) = program("store", "copy", source, target, "--format", "json").rows
    assert said["verified"] is True
    assert said["rows"] > 100
    listed = program("signals", "list", "--format", "json")
    assert program("signals", "list", "--format", "json", STORE_URL=target).out == listed.out
    assert program("store", "copy", source, target, "--format", "json").rows == [
        {"rows": 0, "verified": True}
    ]


def test_a_copy_that_was_cut_off_goes_on(program: Program) -> None:
    """What is there already is not copied again."""
    source, target = f"sqlite:///{program.home / 'sentinel.db'}", f"sqlite:///{program.folder / 'copy.db'}"
    (whole,) = program("store", "copy", source, target, "--format", "json").rows
    with closing(sqlite3.connect(program.folder / "copy.db")) as database:
        database.execute("DELETE FROM effects")
        database.commit()
    (rest,) = program("store", "copy", source, target, "--format", "json").rows
    assert 0 < rest["rows"] < whole["rows"]


def test_a_copy_into_something_else_is_refused(program: Program) -> None:
    """Nothing is overwritten: a target with other rows is a mistake."""
    source, target = f"sqlite:///{program.home / 'sentinel.db'}", f"sqlite:///{program.folder / 'copy.db'}"
    program("store", "copy", source, target)
    with closing(sqlite3.connect(program.folder / "copy.db")) as database:
        database.execute("UPDATE signals SET symbol = 'X/Y'")
        database.commit()
    answer = program("store", "copy", source, target)
    assert (answer.code, answer.out) == (2, "")
    assert "empty store" in answer.err
    with closing(sqlite3.connect(program.folder / "copy.db")) as database:
        assert database.execute("SELECT DISTINCT symbol FROM signals").fetchall() == [("X/Y",)]


def test_a_copy_onto_itself_is_refused(program: Program) -> None:
    """The same address twice is a slip of the hand, however the file is spelled."""
    same = f"sqlite:///{program.home / 'sentinel.db'}"
    again = f"sqlite:///{program.home / '..' / program.home.name / 'sentinel.db'}"
    assert program("store", "copy", same, again).code == 2
    assert program("store", "copy", same, same).code == 2


@pytest.mark.parametrize(
    "address", ["postgresql://u:CAN@ARY@127.0.0.1:1/db", "mysql://u:CANARY@h/db", "", "x.db"]
)
def test_a_copy_between_addresses_that_are_none(program: Program, address: str) -> None:
    """Both are held to the rules of STORE_URL: what is wrong is said of each, and no password is shown."""
    for words in ((address, f"sqlite:///{program.folder / 'copy.db'}"), (address, f"{address}2")):
        answer = program("store", "copy", *words)
        assert (answer.code, answer.out) == (2, "")
        assert all(line.startswith(("the source must", "the target must")) for line in answer.said)
        assert "ARY" not in answer.err
    assert len(answer.said) == 2
    assert not (program.folder / "copy.db").exists()


def test_a_copy_of_nothing_is_a_slip(program: Program) -> None:
    """A source that holds nothing is a mistyped address, not a copy that went well."""
    empty = f"sqlite:///{program.folder / 'typo.db'}"
    answer = program("store", "copy", empty, f"sqlite:///{program.folder / 'copy.db'}")
    assert (answer.code, answer.out) == (2, "")
    assert "holds nothing" in answer.err


def test_health_of_a_healthy_store(program: Program) -> None:
    """A line a service, with the keys of the contract; what nobody needs to look at is ok."""
    found = program("health", "--format", "json", **SETTINGS).rows
    assert {row["service"] for row in found} >= {"home", "store", "quarantine", "delivery", "market"}
    assert {tuple(row) for row in found} == {("service", "status", "latency_ms", "detail", "fix")}
    assert {row["service"] for row in found if row["status"] == "off"} == {"console", "clock", "feed"}
    assert {row["status"] for row in found} == {"ok", "off"}


def test_health_shows_the_quarantine(program: Program) -> None:
    """A row that does not validate is kept, and named, with what to do about it."""
    with closing(sqlite3.connect(program.home / "sentinel.db")) as database:
        database.execute("UPDATE signals SET body = '{' WHERE rowid = 1")
        database.commit()
    answer = program("health", "--format", "json", **SETTINGS)
    (row,) = (row for row in answer.rows if row["service"] == "quarantine")
    assert (answer.code, row["status"]) == (0, "warn")
    assert "cannot be read: 1, the first: signal " in str(row["detail"])
    assert "backup" in str(row["fix"])


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("UPDATE effects SET status = 'owed', settles_at = 'x' WHERE rowid = 1", "effect"),
        (
            "UPDATE events SET body = '{'",
            "an event of signal",
        ),
        (
            "INSERT INTO watermarks VALUES ('default', '1Day', 'BTC/USD', 'x', 'x')",
            "the watermark of BTC/USD",
        ),
    ],
    ids=("effects", "events", "watermarks"),
)
def test_health_sees_what_a_run_would_stumble_over(program: Program, harm: str, named: str) -> None:
    """A damaged row of any table is shown, not of signals alone: the next run would report it too."""
    with closing(sqlite3.connect(program.home / "sentinel.db")) as database:
        database.execute(harm)
        database.commit()
    answer = program("health", "--format", "json", **SETTINGS)
    (row,) = (row for row in answer.rows if row["service"] == "quarantine")
    assert (answer.code, row["status"]) == (0, "warn")
    assert named in str(row["detail"])
    assert ": :" not in str(row["detail"])


def test_health_of_a_broken_store(program: Program) -> None:
    """What is down is said with its fix, the others are looked at all the same, and the exit code says so."""
    (program.home / "sentinel.db").write_bytes(b"no database" * 500)
    answer = program("health", "--format", "json", **SETTINGS)
    found = {row["service"]: row for row in answer.rows}
    assert (answer.code, found["store"]["status"], found["market"]["status"]) == (1, "down", "ok")
    assert found["store"]["fix"]


def test_the_schedulers_name_of_health(program: Program) -> None:
    """``python -m crypto_signals.scripts.health_check`` is ``sentinel health``."""
    words = ["crypto_signals.scripts.health_check", "--format", "json"]
    module = program.command([sys.executable, "-m", *words], **SETTINGS)
    assert [row["service"] for row in module.rows][:2] == ["home", "store"]


def test_health_asks_discord_without_posting(program: Program, discord_simulator: DiscordSimulator) -> None:
    """A bot and a webhook are asked who they are; a wrong token is down, with its fix; nothing is posted."""
    bot = {
        "DISCORD_API_URL": discord_simulator.discord_api_url,
        "DISCORD_CHANNEL_ID_TEST": discord_simulator.text_channel_id,
    }
    for given in (
        {**bot, "DISCORD_BOT_TOKEN": discord_simulator.bot_token},
        {"TEST_DISCORD_WEBHOOK": discord_simulator.forum_webhook},
    ):
        answer = program("health", "--format", "json", **SETTINGS, **given)
        (row,) = (row for row in answer.rows if "Discord" in row["service"])
        assert (answer.code, row["status"]) == (0, "ok"), row
        assert "posts as" in row["detail"]
    answer = program("health", "--format", "json", **SETTINGS, **bot, DISCORD_BOT_TOKEN="CANARY")
    (row,) = (row for row in answer.rows if "Discord" in row["service"])
    assert (answer.code, row["status"]) == (1, "down")
    assert "token" in row["fix"]
    assert "CANARY" not in answer.everything
    bot |= {"DISCORD_CHANNEL_ID_TEST": "999", "DISCORD_BOT_TOKEN": discord_simulator.bot_token}
    answer = program("health", "--format", "json", **SETTINGS, **bot)
    (row,) = (row for row in answer.rows if "Discord" in row["service"])
    assert (answer.code, row["status"]) == (1, "down")
    assert "channel's id" in str(row["fix"])
    assert all(thread["messages"] == [] for thread in discord_simulator.threads())


def test_health_asks_the_webhooks_for_notices_too(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """One that was deleted is down before anybody misses what it would have told."""
    given = {
        "TEST_MODE": "false",
        "LIVE_CRYPTO_DISCORD_WEBHOOK_URL": discord_simulator.forum_webhook,
        "LIVE_STOCK_DISCORD_WEBHOOK_URL": discord_simulator.forum_webhook,
        "DISCORD_SYSTEM_WEBHOOK_URL": discord_simulator.text_webhook,
        "DISCORD_SHADOW_WEBHOOK_URL": f"{discord_simulator.text_webhook}-deleted",
    }
    answer = program("health", "--format", "json", **SETTINGS, **given)
    found = {row["service"]: row["status"] for row in answer.rows if "Discord" in row["service"]}
    assert found["Discord system webhook"] == "ok"
    assert (answer.code, found["Discord shadow webhook"]) == (1, "down")
