"""The main job, day by day, against the stand-in Discord: what people see and what the store says agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.program import CRYPTO, EQUITY, Program, clean, texts
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

DAYS = [f"2018-12-{day}T00:05:00Z" for day in (20, 21, 22, 25, 26)]


@dataclass
class Told:
    """The end of a week: each run's summary, the stored signals with their stories, the threads."""

    summaries: list[dict[str, Any]]
    codes: list[int]
    stories: list[dict[str, Any]]
    threads: list[dict[str, Any]]
    program: Program
    agents: set[str]


def by_bot(simulator: DiscordSimulator, kind: str) -> dict[str, str]:
    """The settings with which the bot posts into the channel of the given kind."""
    return {
        "DISCORD_BOT_TOKEN": simulator.bot_token,
        "DISCORD_API_URL": simulator.discord_api_url,
        "DISCORD_CHANNEL_ID_TEST": getattr(simulator, f"{kind}_channel_id"),
    }


def week(folder: Path, kind: str, *, bot: bool = False, faults: list[dict[str, Any]] | None = None) -> Told:
    """A week of ETH/USD, LTC/USD, SPY and TSLA, announced in a channel of the given kind."""
    with running_simulator() as simulator:
        simulator.faults(faults or [])
        webhook = {"TEST_DISCORD_WEBHOOK": getattr(simulator, f"{kind}_webhook")}
        settings = {
            "BARS_URL": f"file:{CRYPTO},{EQUITY}",
            "CRYPTO_SYMBOLS": "ETH/USD,LTC/USD",
            "EQUITY_SYMBOLS": "SPY,TSLA",
            "SETTLE_SECONDS": "1" if bot else "0",
        } | (by_bot(simulator, kind) if bot else webhook)
        program = Program(folder, settings).without_notices()
        answers = [clean(program.run(day)) for day in DAYS]
        stories = [program.story(row["signal_id"]) for row in program.signals()]
        agents = {warning for request in simulator.requests() for warning in request["warnings"]}
        return Told(
            [a.row for a in answers], [a.code for a in answers], stories, simulator.threads(), program, agents
        )


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return week(tmp_path_factory.mktemp("forum"), "forum")


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return week(tmp_path_factory.mktemp("channel"), "text")


def message_ids(story: dict[str, Any]) -> list[str]:
    """The messages that told a signal's effects, each once, in the order of the events."""
    done = [effect for effect in story["effects"] if effect["status"] == "done"]
    return list(dict.fromkeys(effect["message_id"] for effect in done))


def test_a_quiet_week_ends_every_run_with_exit_code_0(forum: Told) -> None:
    """Nothing failed, nothing is owed: each run exits 0 and its summary says so."""
    assert forum.codes == [0] * len(DAYS)
    assert [(s["owed"], s["unknown"], s["dead"], s["errors"]) for s in forum.summaries] == [
        (0, 0, 0, [])
    ] * len(DAYS)


def test_the_week_holds_the_known_signals(forum: Told) -> None:
    """ETH/USD and LTC/USD of 2018-12-20 are announced when their bar is known."""
    opened = {(s["symbol"], s["bar_ts"], s["announced_at"]) for s in forum.stories}
    when = "2018-12-21T00:05:00Z"
    assert {(symbol, "2018-12-20T00:00:00Z", when) for symbol in ("ETH/USD", "LTC/USD")} <= opened


def test_each_announced_signal_has_exactly_one_thread(forum: Told) -> None:
    """No thread without a signal, no announced signal without a thread, and the store knows its id."""
    announced = [story for story in forum.stories if story["announced_at"]]
    assert sorted(s["thread_id"] for s in announced) == sorted(t["id"] for t in forum.threads)
    by_id = {thread["id"]: thread for thread in forum.threads}
    for story in announced:
        thread = by_id[story["thread_id"]]
        assert story["symbol"] in thread["name"]
        assert story["signal_id"][:8] in thread["name"] + texts(thread["messages"][0])


def test_a_thread_begins_with_the_plan_and_its_chart(forum: Told) -> None:
    """The first message has an embed with the levels, a PNG in the embed, and can ping nobody."""
    for thread in forum.threads:
        first = thread["messages"][0]
        (chart,) = first["files"]
        assert chart["content_type"] == "image/png"
        assert chart["size"] > 10_000
        assert chart["description"]
        assert first["embeds"][0]["image"]["url"].endswith(chart["filename"])
        assert first["embeds"][0]["color"]
        for word in ("Entry", "Stop", "Target 1", "Target 2", "Target 3"):
            assert word in texts(first)
        assert not any(message["mentions_open"] for message in thread["messages"])


def test_store_and_threads_agree_message_by_message(forum: Told) -> None:
    """The message ids of a signal's done effects are its thread's messages, in the same order."""
    by_id = {thread["id"]: thread for thread in forum.threads}
    for story in forum.stories:
        assert message_ids(story) == [m["id"] for m in by_id[story["thread_id"]]["messages"]]
        assert [e["seq"] for e in story["events"]] == list(range(1, len(story["events"]) + 1))


def test_follow_ups_tell_the_events_in_order(forum: Told) -> None:
    """ETH/USD: entered, targets 1 and 2 in one message, then out at target 1, each saying what to do."""
    (story,) = [s for s in forum.stories if (s["symbol"], s["bar_ts"][:10]) == ("ETH/USD", "2018-12-20")]
    thread = next(t for t in forum.threads if t["id"] == story["thread_id"])
    entered, hits, out = (texts(message) for message in thread["messages"][1:])
    assert "entered" in entered.lower()
    assert hits.index("Target 1 hit") < hits.index("Target 2 hit") < hits.index("Move the stop")
    assert "+1.48 R" in out
    assert (story["status"], story["exit_reason"]) == ("STOPPED", "tp1_lock")
    assert len(thread["messages"][3]["files"]) == 1


def test_the_summaries_add_up_to_what_was_posted(forum: Told) -> None:
    """Announcements and follow-ups of all runs together are the messages in the threads."""
    messages = sum(len(thread["messages"]) for thread in forum.threads)
    assert sum(s["announcements"] for s in forum.summaries) == len(forum.threads)
    assert sum(s["announcements"] + s["follow_ups"] for s in forum.summaries) == messages
    assert sum(s["signals"] for s in forum.summaries) == len(forum.stories)


def test_discord_sees_a_well_behaved_client(forum: Told) -> None:
    """Every request carries a User-Agent of the form that Discord asks for."""
    assert forum.agents == set()


def test_no_webhook_token_is_printed_or_stored(forum: Told, channel: Told) -> None:
    """A webhook's address is a password: it is in no output and no file."""
    assert forum.program.leaks("forum-token") + channel.program.leaks("text-token") == []


def test_a_text_channel_gets_the_same_messages_without_threads(forum: Told, channel: Told) -> None:
    """The same signals and effects; no thread id; each message is in the channel, naming its symbol."""
    assert channel.codes == [0] * len(DAYS)
    assert [s["signal_id"] for s in channel.stories] == [s["signal_id"] for s in forum.stories]
    (row,) = channel.threads
    posted = {message["id"]: message for message in row["messages"]}
    told = [(story, ids) for story in channel.stories for ids in message_ids(story)]
    assert sorted(ids for _, ids in told) == sorted(posted)
    for story, message_id in told:
        assert story["symbol"] in texts(posted[message_id])
    assert {story["thread_id"] for story in channel.stories} == {None}
    for story in channel.stories:
        in_channel = [m["id"] for m in row["messages"] if m["id"] in message_ids(story)]
        assert in_channel == message_ids(story)


LOST: list[dict[str, Any]] = [
    {"fault": "reset_after", "method": "POST", "times": 3},
    {"fault": "late", "method": "POST", "seconds": 0.4, "after": 6},
]


@pytest.mark.parametrize("kind", ["forum", "text"])
def test_the_bot_tells_everything_once(forum: Told, tmp_path: Path, kind: str) -> None:
    """Replies that get lost and requests that arrive late: each message is there once, in its thread, in
    order; and a message that may repeat an earlier one there is none."""
    told = week(tmp_path, kind, bot=True, faults=LOST)
    assert [s["unknown"] for s in told.summaries] == [0] * len(DAYS)
    assert [s["signal_id"] for s in told.stories] == [s["signal_id"] for s in forum.stories]
    posted = {message["id"]: message for thread in told.threads for message in thread["messages"]}
    done = [message_id for story in told.stories for message_id in message_ids(story)]
    assert sorted(done) == sorted(posted)
    for story in told.stories:
        assert story["thread_id"] == message_ids(story)[0]
        (thread,) = [thread for thread in told.threads if thread["id"] == story["thread_id"]]
        inside = [message["id"] for message in thread["messages"]]
        assert inside == message_ids(story)[0 if kind == "forum" else 1 :]
    assert not [message for message in posted.values() if "may repeat" in texts(message)]
    assert told.program.leaks("bot-token") == []


def test_without_new_bars_a_run_does_nothing(forum: Told, tmp_path: Path) -> None:
    """A second run at the same close posts and stores nothing new."""
    program = forum.program.copy(tmp_path)
    before = program("signals", "list", "--format", "json").out
    summary = clean(program.run("2018-12-26T00:25:00Z", TEST_DISCORD_WEBHOOK=None)).row
    assert (summary["signals"], summary["shadow_signals"], summary["follow_ups"]) == (0, 0, 0)
    assert program("signals", "list", "--format", "json").out == before


def test_three_missed_days_are_caught_up_bar_by_bar(forum: Told, tmp_path: Path) -> None:
    """A bot that was down for days ends with the same market truth as one that ran daily."""
    program = Program(tmp_path, {**forum.program.settings, "TEST_DISCORD_WEBHOOK": ""}).without_notices()
    for day in (DAYS[0], DAYS[1], DAYS[-1]):
        clean(program.run(day))
    keys = ("signal_id", "market_status", "market_exit_reason", "result_r", "entry_fill", "closed_at")
    caught_up = {s["signal_id"]: s for s in program.signals()}
    for story in forum.stories:
        assert [caught_up[story["signal_id"]][key] for key in keys] == [story[key] for key in keys]


@pytest.fixture
def equity_close(tmp_path: Path) -> Iterator[Program]:
    with running_simulator() as simulator:
        settings = {
            "BARS_URL": f"file:{EQUITY}",
            "EQUITY_SYMBOLS": "TSLA",
            "TEST_DISCORD_WEBHOOK": simulator.forum_webhook,
        }
        yield Program(tmp_path, settings).without_notices()


def test_a_stock_is_announced_20_minutes_after_its_close(equity_close: Program) -> None:
    """TSLA of 2018-01-08: not at 21:19, announced at 21:20 UTC, and its stamp is that session's date."""
    for now, announced in (("05T21:20", 0), ("08T21:19", 0), ("08T21:20", 1)):
        summary = clean(equity_close.run(f"2018-01-{now}:00Z")).row
        assert summary["announcements"] == announced, now
    (row,) = equity_close.signals()
    assert (row["symbol"], row["bar_ts"], row["late_bars"]) == ("TSLA", "2018-01-08T00:00:00Z", 0)
