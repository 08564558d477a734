"""Who is told what: signals, what was refused, and the system, each in its channel."""

from pathlib import Path
from typing import Any

from e2e.program import CRYPTO, Program, clean
from simulator.simulator_fixtures import DiscordSimulator

BARS = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD,LTC/USD", "ENABLE_EQUITIES": "false"}


def titles(simulator: DiscordSimulator) -> dict[str, list[str]]:
    """Of each channel or thread, the titles of its messages in order."""
    return {
        thread["name"]: [message["embeds"][0]["title"] for message in thread["messages"]]
        for thread in simulator.threads()
    }


def lived(program: Program) -> list[dict[str, Any]]:
    """The day before a signal, its day, that day again, and the Monday after it."""
    moments = ("12-20T00:05", "12-21T00:05", "12-21T00:25", "12-24T00:05")
    return [clean(program.run(f"2018-{moment}:00Z")).row for moment in moments]


def test_notices_have_their_own_channel(tmp_path: Path, discord_simulator: DiscordSimulator) -> None:
    """A heartbeat a day, the refusals of each run, the week; and signals elsewhere."""
    own = {
        "TEST_MODE": "false",
        "LIVE_CRYPTO_DISCORD_WEBHOOK_URL": discord_simulator.forum_webhook,
        "DISCORD_SYSTEM_WEBHOOK_URL": discord_simulator.text_webhook,
        "DISCORD_SHADOW_WEBHOOK_URL": discord_simulator.text_webhook,
    }
    rows = lived(Program(tmp_path, BARS | own))
    told = titles(discord_simulator)
    (notices,) = (said for said in told.values() if any("scanned" in title for title in said))
    beats = [title for title in notices if "scanned" in title]
    assert beats == [
        f"2 symbols scanned, {row['signals']} signal{'s' * (row['signals'] != 1)}"
        for row in (rows[0], rows[1], rows[3])
    ]
    refused = [row["shadow_signals"] for row in rows if row["shadow_signals"]]
    assert refused
    assert [int(title.split()[0]) for title in notices if "refused by a gate" in title] == refused
    assert [title for title in notices if title.startswith("Week of")] == [
        "Week of 2018-12-17: 0.00 R, 0 signals closed"
    ]
    assert len(told) == 1 + sum(row["announcements"] for row in rows)


def test_in_test_mode_everything_goes_to_one_place(
    tmp_path: Path, discord_simulator: DiscordSimulator
) -> None:
    """Whatever else is configured; what is switched off does not come."""
    settings = {
        "TEST_DISCORD_WEBHOOK": discord_simulator.text_webhook,
        "DISCORD_SYSTEM_WEBHOOK_URL": discord_simulator.forum_webhook,
        "DISCORD_SHADOW_WEBHOOK_URL": discord_simulator.forum_webhook,
    }
    program = Program(tmp_path, BARS | settings)
    (tmp_path / "sentinel.toml").write_text("[messages]\nweekly = false\n", encoding="utf-8")
    lived(program)
    (said,) = titles(discord_simulator).values()
    assert sum("scanned" in title for title in said) == 3
    assert any("refused by a gate" in title for title in said)
    assert any("ETH/USD long" in title for title in said)
    assert not any("Week of" in title for title in said)
