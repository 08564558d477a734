"""Discord failing in every way it is known to: nothing is lost, nothing happens twice unmarked."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.program import CRYPTO, Program, clean, one_line, texts, until
from simulator.simulator_fixtures import DiscordSimulator

NOW = "2018-12-21T00:05:00Z"
LATER = "2018-12-21T00:25:00Z"
REPEATS = "may repeat"
POST = {"method": "POST", "path": "/webhooks/"}


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The state on the eve of ETH/USD's signal of 2018-12-20: everything seen, nothing announced."""
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"}
    program = Program(tmp_path_factory.mktemp("eve"), settings).without_notices()
    assert clean(program.run("2018-12-20T00:05:00Z")).row["signals"] == 0
    return program


@pytest.fixture
def program(eve: Program, discord_simulator: DiscordSimulator, tmp_path: Path) -> Iterator[Program]:
    """That state, with the stand-in's forum as the test webhook; at the end no token may have leaked."""
    copy = eve.copy(tmp_path / "program")
    copy.settings |= {"TEST_DISCORD_WEBHOOK": discord_simulator.forum_webhook, "SETTLE_SECONDS": "0"}
    yield copy
    assert copy.leaks("forum-token") == []
    for answer in copy.answers:
        clean(answer)


def threads(simulator: DiscordSimulator) -> list[dict[str, Any]]:
    """Those of signals; what needs a person opens one of its own."""
    return [thread for thread in simulator.threads() if "needs you" not in thread["name"]]


def posted(simulator: DiscordSimulator) -> list[dict[str, Any]]:
    return [message for thread in threads(simulator) for message in thread["messages"]]


def the_signal(program: Program) -> dict[str, Any]:
    (row,) = program.signals()
    return program.story(row["signal_id"])


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def down(simulator: DiscordSimulator) -> str:
    """The same webhook where nobody listens."""
    return simulator.forum_webhook.replace(simulator.url, f"http://127.0.0.1:{closed_port()}")


def test_a_429_is_waited_out(program: Program, discord_simulator: DiscordSimulator) -> None:
    """Retry-After is obeyed within the run: one message, unmarked, counted as a retry."""
    body = {"message": "You are being rate limited.", "retry_after": 1.0, "global": False}
    rule = {"fault": "status", "status": 429, "body": body, "headers": {"Retry-After": "1"}, **POST}
    discord_simulator.faults([rule])
    answer = program.run(NOW)
    assert (answer.code, answer.row["announcements"], answer.row["retries"]) == (0, 1, 1)
    (message,) = posted(discord_simulator)
    assert REPEATS not in texts(message)


def test_a_429_beyond_the_budget_is_left_to_the_next_run(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """What the budget does not allow stays owed, exit 1, and the next run delivers it, once, unmarked."""
    rule = {"fault": "status", "status": 429, "headers": {"Retry-After": "600"}, "times": 1, **POST}
    discord_simulator.faults([rule])
    answer = program.run(NOW, RUN_BUDGET_SECONDS=5)
    assert (answer.code, answer.row["owed"], answer.row["announcements"]) == (1, 1, 0)
    assert program.run(LATER).code == 0
    (message,) = posted(discord_simulator)
    assert REPEATS not in texts(message)


def test_a_500_is_unknown_and_repeated_with_a_mark(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """After the settle time the message is sent again in the same run, and says that it may be a repeat."""
    discord_simulator.faults([{"fault": "status", "status": 500, **POST}])
    answer = program.run(NOW)
    assert (answer.row["announcements"], answer.row["owed"], answer.row["unknown"]) == (1, 0, 0)
    (message,) = posted(discord_simulator)
    assert REPEATS in texts(message)
    (effect,) = the_signal(program)["effects"]
    assert (effect["status"], effect["attempts"]) == ("done", 2)


def test_an_unknown_outcome_waits_for_the_settle_time(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """Without the time to wait: exit 1 with unknown: 1; repeated only once the settle time has passed."""
    discord_simulator.faults([{"fault": "status", "status": 500, **POST}])
    slow = {"SETTLE_SECONDS": 3600, "RUN_BUDGET_SECONDS": 5}
    for now in (NOW, LATER):
        answer = program.run(now, **slow)
        assert (answer.code, answer.row["unknown"], posted(discord_simulator)) == (1, 1, [])
    answer = program.run("2018-12-21T01:06:00Z", **slow)
    assert (answer.code, answer.row["unknown"]) == (0, 0)
    (message,) = posted(discord_simulator)
    assert REPEATS in texts(message)


def test_a_reset_before_is_repeated_once(program: Program, discord_simulator: DiscordSimulator) -> None:
    """A connection that breaks without an answer ends in exactly one message."""
    discord_simulator.faults([{"fault": "reset_before", **POST}])
    assert program.run(NOW).row["announcements"] == 1
    assert len(posted(discord_simulator)) == 1
    assert the_signal(program)["thread_id"] == discord_simulator.threads()[0]["id"]


@pytest.mark.parametrize("fault", ["reset_after", "half_body", "not_json"])
def test_a_lost_reply_costs_at_most_a_marked_repeat(
    program: Program, discord_simulator: DiscordSimulator, fault: str
) -> None:
    """The accepted message cannot be known: it is repeated once, marked, and follow-ups go to one thread."""
    discord_simulator.faults([{"fault": fault, **POST}])
    program.run(NOW)
    first, second = posted(discord_simulator)
    assert REPEATS not in texts(first)
    assert REPEATS in texts(second)
    assert the_signal(program)["thread_id"] == second["channel_id"]


def test_a_gone_webhook_pauses_the_channel_and_heals(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """404: exit 1, the effect stays owed and the summary says why; with a right webhook it is announced."""
    gone = discord_simulator.forum_webhook.replace("1001", "1009")
    answer = program.run(NOW, TEST_DISCORD_WEBHOOK=gone)
    assert (answer.code, answer.row["owed"], answer.row["cancelled"]) == (1, 1, 0)
    assert any("webhook" in error["service"] + error["error"] for error in answer.row["errors"])
    assert the_signal(program)["status"] == "CREATED"
    assert program.run(LATER).code == 0
    (message,) = posted(discord_simulator)
    assert REPEATS not in texts(message)
    assert the_signal(program)["status"] == "WAITING"


def test_a_refused_announcement_is_a_dead_letter(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """400: the signal is CANCELLED for people, its effect dead, exit 1; the market is still followed."""
    echo = {"message": f"Invalid Form Body {discord_simulator.forum_webhook}", "code": 50035}
    discord_simulator.faults([{"fault": "status", "status": 400, "body": echo, **POST}])
    answer = program.run(NOW)
    assert (answer.code, answer.row["dead"], answer.row["cancelled"], answer.row["owed"]) == (1, 1, 1, 0)
    next_day = program.run("2018-12-22T00:05:00Z")
    assert (next_day.code, posted(discord_simulator)) == (0, [])
    story = the_signal(program)
    assert (story["status"], story["market_status"]) == ("CANCELLED", "ACTIVE")
    assert story["exit_reason"] == "undeliverable"
    assert [effect["status"] for effect in story["effects"]] == ["dead"]


def test_a_follow_up_that_is_refused_blocks_nothing(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """A dead follow-up is named with exit 1; a note says in its thread what is missing, and the next one is
    told there."""
    program.run(NOW)
    discord_simulator.faults([{"fault": "status", "status": 400, **POST}])
    answer = program.run("2018-12-22T00:05:00Z")
    assert (answer.code, answer.row["dead"]) == (1, 1)
    assert program.run("2018-12-25T00:05:00Z").code == 0
    (thread,) = threads(discord_simulator)
    _, note, told = thread["messages"]
    assert "an update is missing" in texts(note)
    assert "entered" in texts(note)
    assert "Target 1 hit" in texts(told)


def test_an_announcement_that_is_too_late_is_cancelled(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """Discord down until after ``valid_until``: owed, then visibly CANCELLED, never a late announcement."""
    answer = program.run(NOW, TEST_DISCORD_WEBHOOK=down(discord_simulator))
    assert (answer.code, answer.row["owed"]) == (1, 1)
    answer = program.run("2018-12-22T00:05:00Z")
    assert (answer.row["cancelled"], answer.row["owed"], posted(discord_simulator)) == (1, 0, [])
    story = the_signal(program)
    assert (story["status"], story["market_status"]) == ("CANCELLED", "ACTIVE")
    assert {effect["status"] for effect in story["effects"]} == {"superseded"}


def test_follow_ups_of_an_outage_become_one_message(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """Days of silence end in one message that lists everything in order; the outcome is unchanged."""
    program.run(NOW)
    nobody = down(discord_simulator)
    for day in (22, 25):
        answer = program.run(f"2018-12-{day}T00:05:00Z", TEST_DISCORD_WEBHOOK=nobody)
        assert (answer.code, answer.row["announcements"]) == (1, 0)
        assert answer.row["owed"] > 0
    assert program.run("2018-12-26T00:05:00Z").code == 0
    _, message = posted(discord_simulator)
    said = texts(message)
    places = [
        said.index(words) for words in ("In at 114.54", "Target 1 hit", "Target 2 hit", "Closed: +1.48 R")
    ]
    assert places == sorted(places)
    assert the_signal(program)["exit_reason"] == "tp1_lock"


def test_no_outage_makes_the_program_wait_for_every_signal(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """A Discord that refuses connections is given up on after the first message, not after every one."""
    everything = {"CRYPTO_SYMBOLS": "BTC/USD,ETH/USD,LTC/USD", "SENTINEL_HOME": program.folder / "other"}
    program.run("2018-06-14T00:05:00Z", **everything)
    nobody = down(discord_simulator)
    answer = program.run("2018-06-15T00:05:00Z", TEST_DISCORD_WEBHOOK=nobody, **everything)
    assert answer.row["owed"] == 2
    assert answer.row["retries"] <= 4


def test_a_kill_in_the_middle_of_a_request_loses_nothing(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """kill -9 while Discord thinks: the next run finishes what was owed, at most with a marked repeat."""
    discord_simulator.faults([{"fault": "slow", "seconds": 2, **POST}])
    process = program.start("run", SENTINEL_NOW=NOW)
    until(discord_simulator.requests)
    process.kill()
    assert program.finish(process).code == -signal.SIGKILL
    until(lambda: posted(discord_simulator))
    assert program.run(LATER).code == 0
    first, second = posted(discord_simulator)
    assert (REPEATS in texts(first), REPEATS in texts(second)) == (False, True)
    story = the_signal(program)
    assert [effect["status"] for effect in story["effects"]] == ["done"]
    assert program.run("2018-12-22T00:05:00Z").row["follow_ups"] == 1


def test_the_second_of_two_runs_steps_aside(program: Program, discord_simulator: DiscordSimulator) -> None:
    """It exits 0 at once, says in one line which process holds the state, and does nothing."""
    discord_simulator.faults([{"fault": "slow", "seconds": 5, **POST}])
    first = program.start("run", "--format", "json", SENTINEL_NOW=NOW)
    until(discord_simulator.requests)
    line = one_line(program.run(NOW), 0)
    assert str(first.pid) in line
    listed = program("signals", "list", "--format", "json")
    assert listed.code == 0
    assert program.finish(first).code == 0
    assert len(posted(discord_simulator)) == 1


def stopped_within_10_s(program: Program, simulator: DiscordSimulator, **settings: object) -> None:
    """SIGTERM once the first request is there: exit 143 in time, and the next run works."""
    process = program.start("run", "--format", "json", SENTINEL_NOW=NOW, **settings)
    until(simulator.requests)
    assert program.stop(process, signal.SIGTERM).code == 143
    simulator.clear_faults()
    simulator.limits(webhook=None, alpaca=None)
    assert program.run(LATER, **settings).code == 0


def test_sigterm_finishes_the_effect_in_hand(program: Program, discord_simulator: DiscordSimulator) -> None:
    """The message that is being sent is waited for and recorded, then the program exits 143."""
    discord_simulator.faults([{"fault": "slow", "seconds": 3, **POST}])
    stopped_within_10_s(program, discord_simulator)
    (message,) = posted(discord_simulator)
    assert REPEATS not in texts(message)


def test_sigterm_ends_a_slow_request_in_time(program: Program, discord_simulator: DiscordSimulator) -> None:
    """A Discord that takes 15 s to answer does not keep the program longer than 10 s."""
    discord_simulator.faults([{"fault": "slow", "seconds": 15, **POST}])
    stopped_within_10_s(program, discord_simulator)


def test_sigterm_ends_the_wait_for_discords_allowance(
    program: Program, discord_simulator: DiscordSimulator
) -> None:
    """Held back by X-RateLimit headers for 25 s, the program still exits within 10 s."""
    program.settings |= {"CRYPTO_SYMBOLS": "ETH/USD,LTC/USD", "SENTINEL_HOME": str(program.folder / "two")}
    program.run("2018-12-20T00:05:00Z")
    discord_simulator.limits(webhook=(1, 25.0))
    stopped_within_10_s(program, discord_simulator)


def test_sigterm_ends_a_wait_for_settling(program: Program, discord_simulator: DiscordSimulator) -> None:
    """The settle time is cut short by a stop request; what is unknown is left to the next run."""
    discord_simulator.faults([{"fault": "status", "status": 500, **POST}])
    process = program.start("run", "--format", "json", SENTINEL_NOW=NOW, SETTLE_SECONDS=60)
    until(lambda: any(request["status"] == 500 for request in discord_simulator.requests()))
    answer = program.stop(process, signal.SIGTERM)
    assert (answer.code, answer.row["unknown"]) == (143, 1)


def test_sigint_ends_a_run_with_130(program: Program, discord_simulator: DiscordSimulator) -> None:
    """Ctrl-C does what SIGTERM does."""
    discord_simulator.faults([{"fault": "slow", "seconds": 2, **POST}])
    process = program.start("run", "--format", "json", SENTINEL_NOW=NOW)
    until(discord_simulator.requests)
    assert program.stop(process, signal.SIGINT).code == 130
