"""The bot's channel against the stand-in Discord, over loopback: posts, threads, and outcomes."""

import logging
import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from crypto_signals.domain.errors import (
    ChannelPaused,
    DeliveryError,
    NotSent,
    OutcomeUnknown,
    Refused,
    UsageError,
)
from crypto_signals.domain.events import EventType
from crypto_signals.notifications.discord_bot import DiscordBot
from notifications.bots import PNG, QUICK, bot, no_picture, owed, posts_of, titles
from notifications.samples import LONG, announced, event, every_event, followed, running, signal
from simulator.simulator_fixtures import DiscordSimulator

ENTERED = every_event(LONG)["entered"]
STOPPED = every_event(LONG)["stopped"]
CANARY = "canary-token-7f3a"


@pytest.fixture(params=["forum", "text"])
def channel(request: pytest.FixtureRequest, discord_simulator: DiscordSimulator) -> Iterator[DiscordBot]:
    """The bot in a forum, and in a text channel."""
    with bot(discord_simulator, request.param) as opened:
        yield opened


@pytest.fixture
def text(discord_simulator: DiscordSimulator) -> Iterator[DiscordBot]:
    with bot(discord_simulator, "text") as opened:
        yield opened


@pytest.fixture
def forum(discord_simulator: DiscordSimulator) -> Iterator[DiscordBot]:
    with bot(discord_simulator, "forum") as opened:
        yield opened


def test_a_signal_has_its_thread_wherever_it_is_announced(
    channel: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """Announced with its chart, then followed in the thread that the receipt names."""
    receipt = channel.post(announced(signal()), lambda: PNG, may_repeat=False)
    told_on = running(thread_id=receipt.thread_id)
    answer = channel.post(followed(told_on, [ENTERED]), no_picture, may_repeat=False)
    assert receipt.thread_id == answer.thread_id == receipt.message_id != answer.message_id
    assert titles(discord_simulator) == ["▲ BTC/USD long · Bull flag", "▲ BTC/USD long: entered"]
    thread = discord_simulator.as_bot("GET", f"/channels/{receipt.thread_id}").json()
    assert thread["name"] == "BTC/USD long · bull flag · 2018-07-17 [1a2b3c4d]"
    first, second = posts_of(discord_simulator)
    assert (first["files"][0]["size"], second["files"]) == (len(PNG), [])
    assert (first["mentions_open"], first["author"]["username"]) == (False, "Sentinel")


def test_each_message_ends_with_its_key(channel: DiscordBot, discord_simulator: DiscordSimulator) -> None:
    """The short id of the signal and the number of the event, for people and for the search."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    told_on = running(thread_id=receipt.thread_id)
    channel.post(followed(told_on, [ENTERED], seq=3), no_picture, may_repeat=False)
    footers = [message["embeds"][-1]["footer"]["text"] for message in posts_of(discord_simulator)]
    assert [footer.rpartition(" · ")[2] for footer in footers] == ["1a2b3c4d·1", "1a2b3c4d·3"]


def test_the_same_post_within_minutes_is_one(text: DiscordBot, discord_simulator: DiscordSimulator) -> None:
    """Discord recognises the nonce: the receipt is that of the message that is there."""
    first = text.post(announced(signal()), no_picture, may_repeat=False)
    assert text.post(announced(signal()), no_picture, may_repeat=False) == first
    told_on = followed(running(thread_id=first.thread_id), [ENTERED])
    second = text.post(told_on, no_picture, may_repeat=False)
    assert text.post(told_on, no_picture, may_repeat=False) == second
    assert len(posts_of(discord_simulator)) == 2


def test_a_signal_without_a_thread_is_followed_by_name(
    text: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """What a webhook announced in a text channel is followed there by the bot."""
    receipt = text.post(followed(running(), [ENTERED]), no_picture, may_repeat=False)
    assert receipt.thread_id is None
    assert "[1a2b3c4d]" in titles(discord_simulator)[0]


def test_a_signal_without_a_thread_gets_one_in_a_forum(
    forum: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """A forum has no other place; the receipt says where."""
    receipt = forum.post(followed(running(), [ENTERED]), no_picture, may_repeat=False)
    assert receipt.thread_id == discord_simulator.threads()[0]["id"]


def test_what_allows_no_thread_is_followed_in_the_channel(
    text: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """Too many active threads, say: the announcement stands, and has no thread."""
    body = {"message": "Maximum number of active threads reached", "code": 160006}
    discord_simulator.faults([{"fault": "status", "status": 400, "path": "/threads$", "body": body}])
    receipt = text.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is None
    text.post(followed(running(), [ENTERED]), no_picture, may_repeat=False)
    assert len(discord_simulator.threads()) == 1


def test_many_owed_events_arrive_whole_and_in_order(
    channel: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """What does not fit into one post goes on in the next; each says which it is."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    told_on = running(thread_id=receipt.thread_id)
    channel.post(followed(told_on, owed(120)), no_picture, may_repeat=False)
    messages = posts_of(discord_simulator)[1:]
    said = "\n".join(embed["description"] for message in messages for embed in message["embeds"])
    places = [said.index(f"below {6000 + day:,}.00") for day in range(120)]
    assert places == sorted(places)
    ends = [message["embeds"][-1]["footer"]["text"].rpartition("·")[2] for message in messages]
    assert ends == [f"{number}/{len(messages)}" for number in range(1, len(messages) + 1)]
    assert len(messages) > 1


def status(number: int, code: int = 0, **fault: Any) -> dict[str, Any]:
    body = {"message": "as scripted", "code": code}
    return {"fault": "status", "status": number, "method": "POST", "body": body} | fault


OUTCOMES: list[tuple[dict[str, Any], type[DeliveryError]]] = [
    (status(429, body={"message": "slow", "retry_after": 2.5, "global": True}), NotSent),
    (status(400, 50035), Refused),
    (status(413, 40005), Refused),
    (status(404, 10008), Refused),
    (status(401), ChannelPaused),
    (status(403, 50001), ChannelPaused),
    (status(403, 50013), ChannelPaused),
    (status(404), ChannelPaused),
    (status(409), OutcomeUnknown),
    (status(500), OutcomeUnknown),
    (status(503, body="<html>busy</html>"), OutcomeUnknown),
    ({"fault": "reset_before", "method": "POST"}, OutcomeUnknown),
    ({"fault": "reset_after", "method": "POST"}, OutcomeUnknown),
    ({"fault": "slow", "method": "POST", "seconds": 1.2}, OutcomeUnknown),
    ({"fault": "half_body", "method": "POST"}, OutcomeUnknown),
    ({"fault": "not_json", "method": "POST"}, OutcomeUnknown),
]


@pytest.mark.parametrize(("fault", "outcome"), OUTCOMES, ids=lambda value: str(value)[:60])
def test_each_answer_has_its_outcome(
    channel: DiscordBot,
    discord_simulator: DiscordSimulator,
    fault: dict[str, Any],
    outcome: type[DeliveryError],
) -> None:
    """Done, retry, refused, paused or unknown, as the rules say; and never with the token in it."""
    discord_simulator.faults([fault])
    with pytest.raises(DeliveryError) as raised:
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert type(raised.value) is outcome
    assert "Discord test bot" in str(raised.value)
    assert_no_secret(raised.value, discord_simulator.bot_token)


def assert_no_secret(problem: BaseException, secret: str) -> None:
    assert secret not in "".join(traceback.format_exception(problem))
    assert problem.__context__ is None
    assert problem.__cause__ is None


@pytest.mark.parametrize(
    "fault", [status(500), status(429), {"fault": "reset_before"}, {"fault": "not_json"}], ids=str
)
def test_a_channel_that_cannot_be_looked_at_was_not_posted_to(
    channel: DiscordBot, discord_simulator: DiscordSimulator, fault: dict[str, Any]
) -> None:
    """The bot asks for the kind of the channel first; a failure of that is no unknown outcome."""
    discord_simulator.faults([fault | {"method": "GET"}])
    with pytest.raises(NotSent):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    channel.post(announced(signal()), no_picture, may_repeat=False)
    assert len(posts_of(discord_simulator)) == 1


@pytest.mark.parametrize(
    "fault", [status(429), status(403, 50013), status(500), {"fault": "reset_before"}], ids=str
)
def test_an_announcement_whose_thread_failed_is_not_posted_again(
    text: DiscordBot, discord_simulator: DiscordSimulator, fault: dict[str, Any]
) -> None:
    """Its message is there, so the outcome is unknown whatever kept the thread from being started."""
    discord_simulator.faults([fault | {"path": "/threads$", "times": 2}])
    with pytest.raises(OutcomeUnknown):
        text.post(announced(signal()), no_picture, may_repeat=False)
    assert len(posts_of(discord_simulator)) == 1


def test_a_deleted_thread_is_the_matter_of_its_signal(
    channel: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """What follows is told in the channel, or in a thread of its own in a forum; and found there again."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is not None
    discord_simulator.delete_thread(receipt.thread_id)
    letter = followed(running(thread_id=receipt.thread_id), [ENTERED])
    again = channel.post(letter, no_picture, may_repeat=False)
    assert again.thread_id != receipt.thread_id
    assert channel.find(letter) == again
    assert titles(discord_simulator)[-1].startswith("BTC/USD long · bull flag · 2018-07-17")
    channel.post(announced(signal(signal_id="9" * 36)), no_picture, may_repeat=False)


def test_a_deleted_channel_is_the_matter_of_all(
    channel: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """Nothing gets through until a person mends it, whatever is asked: paused."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    for channel_id in (discord_simulator.text_channel_id, discord_simulator.forum_channel_id):
        discord_simulator.delete_channel(channel_id)
    letters = [
        announced(signal(signal_id="9" * 36)),
        followed(running(thread_id=receipt.thread_id), [ENTERED]),
    ]
    for letter in letters:
        with pytest.raises(ChannelPaused, match="check the bot's token"):
            channel.post(letter, no_picture, may_repeat=False)
        with pytest.raises(ChannelPaused):
            channel.find(letter)


@pytest.mark.parametrize("code", [50083, 160005])
def test_a_locked_thread_is_the_matter_of_its_signal(
    channel: DiscordBot, discord_simulator: DiscordSimulator, code: int
) -> None:
    """Whichever status Discord gives it."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    discord_simulator.faults([status(403, code)])
    with pytest.raises(Refused):
        channel.post(followed(running(thread_id=receipt.thread_id), [ENTERED]), no_picture, may_repeat=False)


def test_an_archived_thread_goes_on(channel: DiscordBot, discord_simulator: DiscordSimulator) -> None:
    """Posting takes it out of the archive."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is not None
    discord_simulator.archive_thread(receipt.thread_id)
    channel.post(followed(running(thread_id=receipt.thread_id), [STOPPED]), lambda: PNG, may_repeat=False)
    assert [len(message["files"]) for message in posts_of(discord_simulator)] == [0, 1]


def test_a_wrong_token_is_not_tried_again(discord_simulator: DiscordSimulator) -> None:
    """Discord bans addresses that keep knocking."""
    url = discord_simulator.discord_api_url
    channel = DiscordBot("wrong", "2002", "Discord test bot", api_url=url, timeout=QUICK)
    for _ in range(3):
        with pytest.raises(ChannelPaused, match=r"^Discord test bot: 401 Unauthorized; "):
            channel.post(announced(signal()), no_picture, may_repeat=False)
    assert len(discord_simulator.requests()) == 1
    channel.close()


def test_each_route_holds_back_for_itself(discord_simulator: DiscordSimulator) -> None:
    """A used-up allowance is waited for before the next request of that route, and of no other."""
    discord_simulator.limits(bot=(1, 20.0))
    waits: list[float] = []

    def no_wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    url = discord_simulator.discord_api_url
    channel = DiscordBot(discord_simulator.bot_token, "2002", api_url=url, wait=no_wait)
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert not waits
    channel.post(followed(running(thread_id=receipt.thread_id), [ENTERED]), no_picture, may_repeat=False)
    assert not waits
    with pytest.raises(NotSent):
        channel.post(announced(signal(signal_id="9" * 36)), no_picture, may_repeat=False)
    assert len(waits) == 1
    assert [request["status"] for request in discord_simulator.requests()].count(429) == 0
    channel.close()


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ({"headers": {"Via": "1.1 google"}, "body": {"retry_after": 20.0, "global": True}}, True),
        ({"headers": {"Retry-After": "20"}, "body": "<html>blocked</html>"}, True),
        ({"headers": {"Via": "1.1 google"}, "body": {"retry_after": 20.0, "global": False}}, False),
    ],
    ids=["global", "from Cloudflare", "of one route"],
)
def test_a_429_for_everything_holds_every_route(
    discord_simulator: DiscordSimulator, answer: dict[str, Any], held: bool
) -> None:
    """The global limit, and Cloudflare's, are not run against again on another route."""
    url = discord_simulator.discord_api_url
    channel = DiscordBot(discord_simulator.bot_token, "2002", api_url=url, wait=lambda _: False)
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    discord_simulator.faults([{"fault": "status", "status": 429, "method": "POST", "times": 1} | answer])
    with pytest.raises(NotSent):
        channel.post(announced(signal(signal_id="9" * 36)), no_picture, may_repeat=False)
    letter = followed(running(thread_id=receipt.thread_id), [ENTERED])
    if held:
        with pytest.raises(NotSent, match="allowance"):
            channel.post(letter, no_picture, may_repeat=False)
    else:
        channel.post(letter, no_picture, may_repeat=False)
    channel.close()


def test_nobody_there_means_not_sent() -> None:
    """A refused connection is a message that was not sent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    channel = DiscordBot(CANARY, "2002", api_url=f"http://127.0.0.1:{port}/api/v10")
    with pytest.raises(NotSent) as raised:
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert_no_secret(raised.value, CANARY)
    channel.close()


@pytest.mark.parametrize("url", ["http://discord.com/api/v10", "ftp://discord.com", "https:///api", "x", ""])
def test_only_https_or_loopback_is_spoken_to(url: str) -> None:
    """The token goes nowhere else."""
    with pytest.raises(UsageError) as raised:
        DiscordBot(CANARY, "2002", api_url=url)
    assert_no_secret(raised.value, CANARY)


def test_the_token_is_in_no_log_and_no_representation(
    discord_simulator: DiscordSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """At any level, of any library; nor where Discord repeats it."""
    caplog.set_level(logging.DEBUG)
    token = discord_simulator.bot_token
    channel = DiscordBot(token, "2002", "Discord test bot", api_url=discord_simulator.discord_api_url)
    channel.post(announced(signal()), lambda: PNG, may_repeat=False)
    discord_simulator.faults([status(400, body={"message": f"Bot {token} is wrong"})])
    with pytest.raises(Refused) as raised:
        channel.post(announced(signal()), no_picture, may_repeat=False)
    shown = (caplog.text, repr(channel), repr(vars(channel)), repr(vars(channel._client)), str(raised.value))
    assert not [text for text in shown if token in text]
    assert "HTTP Request" in caplog.text
    channel.close()


def test_discord_sees_a_well_behaved_client(channel: DiscordBot, discord_simulator: DiscordSimulator) -> None:
    """No warning, no refused request, on the ordinary way."""
    receipt = channel.post(announced(signal()), lambda: PNG, may_repeat=False)
    moved = [event(EventType.STOP_MOVED, 4, stop=6640.0)]
    channel.post(followed(running(thread_id=receipt.thread_id), moved), no_picture, may_repeat=False)
    channel.find(announced(replace(signal(), thread_id=receipt.thread_id)))
    requests = discord_simulator.requests()
    assert [request["warnings"] for request in requests] == [[]] * len(requests)
    assert all(request["status"] < 400 for request in requests)


def test_what_follows_in_the_channel_leads_to_its_announcement(
    text: DiscordBot, discord_simulator: DiscordSimulator
) -> None:
    """Where there is no thread, or no longer one, the title is a link to the first message."""
    receipt = text.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is not None
    discord_simulator.delete_thread(receipt.thread_id)
    letter = followed(running(thread_id=receipt.thread_id), [ENTERED])
    text.post(replace(letter, first_message=receipt.message_id), no_picture, may_repeat=False)
    last = posts_of(discord_simulator)[-1]["embeds"][0]
    assert str(last["url"]).endswith(f"{discord_simulator.text_channel_id}/{receipt.message_id}")
