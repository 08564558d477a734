"""The webhook channel against the stand-in Discord, over loopback."""

import logging
import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crypto_signals.domain.errors import (
    ChannelPaused,
    DeliveryError,
    NotSent,
    OutcomeUnknown,
    Refused,
    UsageError,
)
from crypto_signals.domain.events import Event, EventType
from crypto_signals.notifications.discord import DiscordWebhook
from crypto_signals.notifications.discord_client import MAX_WAIT_S, USER_AGENT
from notifications.samples import LONG, announced, event, every_event, followed, running, signal
from simulator.simulator_fixtures import DiscordSimulator

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360f8cf500f0003860180a35dc4670000000049454e44ae426082"
)
CANARY = "canary-token-7f3a"
ENTERED = every_event(LONG)["entered"]
STOPPED = every_event(LONG)["stopped"]
QUICK = httpx.Timeout(0.5)


def no_picture() -> bytes | None:
    return None


class Waits(list[float]):
    """A sleep that only notes how long it should have taken."""

    def __call__(self, seconds: float) -> bool:
        self.append(seconds)
        return True


@pytest.fixture
def forum(discord_simulator: DiscordSimulator) -> Iterator[DiscordWebhook]:
    channel = DiscordWebhook(discord_simulator.forum_webhook, "Discord test webhook", timeout=QUICK)
    yield channel
    channel.close()


@pytest.fixture
def text_channel(discord_simulator: DiscordSimulator) -> Iterator[DiscordWebhook]:
    channel = DiscordWebhook(discord_simulator.text_webhook, "Discord test webhook", timeout=QUICK)
    yield channel
    channel.close()


def webhook_posts(simulator: DiscordSimulator) -> list[dict[str, Any]]:
    return [request for request in simulator.requests() if request["method"] == "POST"]


def told(simulator: DiscordSimulator) -> list[list[str]]:
    """The titles of each thread's messages, in order."""
    return [
        [message["embeds"][0]["title"] for message in thread["messages"]] for thread in simulator.threads()
    ]


def test_a_forum_gets_a_thread_a_signal(forum: DiscordWebhook, discord_simulator: DiscordSimulator) -> None:
    """The announcement opens the thread, whose id the receipt carries; follow-ups go into it."""
    receipt = forum.post(announced(signal()), lambda: PNG, may_repeat=False)
    assert receipt.thread_id is not None
    told_on = replace(running(), thread_id=receipt.thread_id)
    answer = forum.post(followed(told_on, [ENTERED]), no_picture, may_repeat=False)
    assert answer.thread_id == receipt.thread_id
    assert answer.message_id != receipt.message_id
    assert told(discord_simulator) == [["▲ BTC/USD long · Bull flag", "▲ BTC/USD long: entered"]]
    thread = discord_simulator.threads()[0]
    assert thread["name"] == "BTC/USD long · bull flag · 2018-07-17 [1a2b3c4d]"
    picture = thread["messages"][0]["files"][0]
    assert picture["filename"] == "chart.png"
    assert picture["description"].startswith("Chart of BTC/USD")
    assert picture["size"] == len(PNG)


def test_the_end_of_a_trade_shows_the_chart_again(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """A follow-up draws a picture only when it closes the trade."""
    receipt = forum.post(announced(signal()), no_picture, may_repeat=False)
    told_on = replace(running(), thread_id=receipt.thread_id)
    forum.post(followed(told_on, [ENTERED]), lambda: PNG, may_repeat=False)
    forum.post(followed(told_on, [STOPPED]), lambda: PNG, may_repeat=False)
    messages = discord_simulator.threads()[0]["messages"]
    assert [len(message["files"]) for message in messages] == [0, 0, 1]


def test_a_text_channel_is_found_out_once(
    text_channel: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """Where there are no threads, the receipt has none, and follow-ups name their signal in the title."""
    receipt = text_channel.post(announced(signal()), lambda: PNG, may_repeat=False)
    assert receipt.thread_id is None
    text_channel.post(announced(signal(signal_id="9" * 36)), no_picture, may_repeat=False)
    text_channel.post(followed(running(), [ENTERED]), no_picture, may_repeat=False)
    statuses = [request["status"] for request in webhook_posts(discord_simulator)]
    assert statuses == [400, 200, 200, 200]
    titles = [title for titles in told(discord_simulator) for title in titles]
    assert "[1a2b3c4d]" in titles[-1]
    assert titles[-1].endswith("BTC/USD long: entered")


def test_a_follow_up_without_a_thread_opens_one_in_a_forum(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """A signal that was announced elsewhere is still followed where posts need a thread."""
    receipt = forum.post(followed(running(), [ENTERED]), no_picture, may_repeat=False)
    assert receipt.thread_id == discord_simulator.threads()[0]["id"]


def test_requests_are_what_discord_asks_for(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """wait=true, a User-Agent in Discord's form, and a post that Discord has confirmed."""
    forum.post(announced(signal()), no_picture, may_repeat=False)
    request = webhook_posts(discord_simulator)[0]
    assert request["status"] == 200
    assert "wait=true" in str(request)
    assert USER_AGENT.startswith("DiscordBot (https://")


def test_sixty_owed_events_arrive_whole_and_in_order(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """What does not fit into one post goes on in the next, in the same thread."""
    receipt = forum.post(announced(signal()), no_picture, may_repeat=False)
    told_on = replace(running(), thread_id=receipt.thread_id)
    forum.post(followed(told_on, owed(60)), no_picture, may_repeat=False)
    assert_told(discord_simulator, 60)


def owed(count: int) -> list[Event]:
    return [event(EventType.STRUCTURE_BROKEN, day, price=6000.0 + day) for day in range(count)]


def assert_told(simulator: DiscordSimulator, count: int) -> None:
    messages = simulator.threads()[0]["messages"][1:]
    said = "\n".join(embed["description"] for message in messages for embed in message["embeds"])
    places = [said.index(f"below {6000 + day:,}.00") for day in range(count)]
    assert places == sorted(places)
    assert said.count("Pattern broken") == count


def test_a_part_that_is_refused_for_now_is_sent_alone_later(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """After a 429 between two parts, telling the same again repeats none of them."""
    receipt = forum.post(announced(signal()), no_picture, may_repeat=False)
    told_on = replace(running(), thread_id=receipt.thread_id)
    discord_simulator.faults([{"fault": "status", "status": 429, "after": 1, "method": "POST"}])
    with pytest.raises(NotSent):
        forum.post(followed(told_on, owed(120)), no_picture, may_repeat=False)
    forum.post(followed(told_on, owed(120)), no_picture, may_repeat=False)
    assert_told(discord_simulator, 120)


def unknown_thread() -> dict[str, Any]:
    return {"message": "Unknown Channel", "code": 10003}


OUTCOMES: list[tuple[dict[str, Any], type[DeliveryError]]] = [
    ({"fault": "status", "status": 429, "body": {"message": "slow", "retry_after": 2.5}}, NotSent),
    ({"fault": "status", "status": 400}, Refused),
    ({"fault": "status", "status": 413}, Refused),
    ({"fault": "status", "status": 404, "body": unknown_thread()}, Refused),
    ({"fault": "status", "status": 401}, ChannelPaused),
    ({"fault": "status", "status": 403}, ChannelPaused),
    (
        {"fault": "status", "status": 404, "body": {"message": "Unknown Webhook", "code": 10015}},
        ChannelPaused,
    ),
    ({"fault": "status", "status": 404, "body": "<html>no</html>"}, ChannelPaused),
    ({"fault": "status", "status": 409}, OutcomeUnknown),
    ({"fault": "status", "status": 500}, OutcomeUnknown),
    ({"fault": "status", "status": 503, "body": "<html>busy</html>"}, OutcomeUnknown),
    ({"fault": "reset_before"}, OutcomeUnknown),
    ({"fault": "reset_after"}, OutcomeUnknown),
    ({"fault": "slow", "seconds": 1.2}, OutcomeUnknown),
    ({"fault": "half_body"}, OutcomeUnknown),
    ({"fault": "not_json"}, OutcomeUnknown),
]


@pytest.mark.parametrize(("fault", "outcome"), OUTCOMES, ids=lambda value: str(value)[:60])
def test_each_answer_has_its_outcome(
    forum: DiscordWebhook,
    discord_simulator: DiscordSimulator,
    fault: dict[str, Any],
    outcome: type[DeliveryError],
) -> None:
    """Done, retry, refused, paused or unknown, as the rules say; and never with the address in it."""
    discord_simulator.faults([fault])
    with pytest.raises(DeliveryError) as raised:
        forum.post(announced(signal()), no_picture, may_repeat=False)
    assert isinstance(raised.value, outcome)
    assert "Discord test webhook" in str(raised.value)
    assert_no_secret(raised.value, "forum-token")


def assert_no_secret(problem: BaseException, secret: str) -> None:
    assert secret not in "".join(traceback.format_exception(problem))
    assert problem.__context__ is None
    assert problem.__cause__ is None


def test_a_refusal_repeats_discords_reasons(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """The dead letter says which field was wrong, in Discord's words."""
    errors = {"embeds": {"0": {"title": {"_errors": [{"code": "X", "message": "Must be 256 or fewer."}]}}}}
    body = {"message": "Invalid Form Body", "code": 50035, "errors": errors}
    discord_simulator.faults([{"fault": "status", "status": 400, "body": body}])
    with pytest.raises(
        Refused, match=r"Invalid Form Body: embeds.0.title: Must be 256 or fewer. \(code 50035\)"
    ):
        forum.post(announced(signal()), no_picture, may_repeat=False)


def test_a_429_says_how_long_to_wait(discord_simulator: DiscordSimulator) -> None:
    """Header and body are both believed: the longer wait counts, and nonsense does not. Who posts all the
    same waits for it first."""
    waits = Waits()
    forum = DiscordWebhook(discord_simulator.forum_webhook, wait=waits, monotonic=lambda: 100.0)
    fault = {"fault": "status", "status": 429, "headers": {"Retry-After": "7"}, "body": {"retry_after": 2.5}}
    nonsense = {"fault": "status", "status": 429, "headers": {"Retry-After": "soon"}, "body": "<html>"}
    discord_simulator.faults([fault, nonsense])
    with pytest.raises(NotSent) as raised:
        forum.post(announced(signal()), no_picture, may_repeat=False)
    assert raised.value.retry_after_s == 7.0
    with pytest.raises(NotSent) as raised:
        forum.post(announced(signal()), no_picture, may_repeat=False)
    assert raised.value.retry_after_s == 1.0
    assert waits == [7.0]
    forum.close()


def test_a_webhook_that_is_gone_is_not_asked_again(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """Discord bans those who keep calling a deleted webhook."""
    discord_simulator.faults([{"fault": "status", "status": 404}])
    for _ in range(3):
        with pytest.raises(ChannelPaused, match="404"):
            forum.post(announced(signal()), no_picture, may_repeat=False)
    assert len(webhook_posts(discord_simulator)) == 1


def test_nobody_there_means_not_sent() -> None:
    """A refused connection is a message that was not sent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    channel = DiscordWebhook(f"http://127.0.0.1:{port}/api/webhooks/1/{CANARY}", "Discord test webhook")
    with pytest.raises(NotSent) as raised:
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert_no_secret(raised.value, CANARY)
    channel.close()


def test_the_allowance_is_respected(discord_simulator: DiscordSimulator) -> None:
    """With nothing left in the window, the next request waits for the next window."""
    discord_simulator.limits(webhook=(2, 1.0))
    waits = Waits()
    channel = DiscordWebhook(discord_simulator.forum_webhook, wait=waits, monotonic=lambda: 100.0)
    for _ in range(2):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert not waits
    with pytest.raises(NotSent):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert len(waits) == 1
    assert 0 < waits[0] <= 1.0
    channel.close()


def test_waiting_has_a_bound(discord_simulator: DiscordSimulator) -> None:
    """An allowance that is used up for minutes is reported instead of waited for."""
    discord_simulator.limits(webhook=(1, 300.0))
    waits = Waits()
    channel = DiscordWebhook(discord_simulator.forum_webhook, wait=waits)
    channel.post(announced(signal()), no_picture, may_repeat=False)
    with pytest.raises(NotSent) as raised:
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert raised.value.retry_after_s > MAX_WAIT_S
    assert not waits
    assert len(webhook_posts(discord_simulator)) == 1
    channel.close()


@pytest.mark.parametrize(
    "url",
    [
        f"http://discord.com/api/webhooks/1/{CANARY}",
        f"ftp://discord.com/api/webhooks/1/{CANARY}",
        f"https:///api/webhooks/1/{CANARY}",
        f"https://discord.com/api/{CANARY}",
        f"{CANARY}",
        f"https://discord.com:{CANARY}/api/webhooks/1/x",
        "",
    ],
)
def test_only_https_or_loopback_webhooks_are_taken(url: str) -> None:
    """Anything else is refused at once, in words that do not quote it."""
    with pytest.raises(UsageError) as raised:
        DiscordWebhook(url, "Discord test webhook")
    assert_no_secret(raised.value, CANARY)


def test_the_address_is_in_no_log_and_no_representation(
    discord_simulator: DiscordSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx logs every request at INFO; the webhook's token must not be in it, at any level."""
    caplog.set_level(logging.DEBUG)
    channel = DiscordWebhook(discord_simulator.forum_webhook, "Discord test webhook")
    channel.post(announced(signal()), no_picture, may_repeat=False)
    assert "forum-token" not in caplog.text
    assert "HTTP Request" in caplog.text
    assert "forum-token" not in repr(channel)
    assert "forum-token" not in repr(vars(channel))
    channel.close()


def test_names_from_outside_reach_discord_as_text(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """Mentions and markup in a symbol arrive escaped, and the post allows no mentions."""
    hostile = signal(symbol="@everyone **x**", detector="<@1>_bullish")
    forum.post(announced(hostile), no_picture, may_repeat=False)
    title = discord_simulator.threads()[0]["messages"][0]["embeds"][0]["title"]
    assert title == r"▲ \@everyone \*\*x\*\* long · Bullish \<\@1>"


def test_a_deleted_thread_gets_a_successor(
    forum: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """What follows opens a new one, whose id is in the receipt, and which names its signal."""
    receipt = forum.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is not None
    discord_simulator.delete_thread(receipt.thread_id)
    letter = followed(replace(running(), thread_id=receipt.thread_id), [ENTERED])
    again = forum.post(letter, no_picture, may_repeat=False)
    assert again.thread_id not in (None, receipt.thread_id)
    (titles,) = told(discord_simulator)
    assert titles == ["BTC/USD long · bull flag · 2018-07-17 [1a2b3c4d] · ▲ BTC/USD long: entered"]


def test_a_follow_up_in_a_text_channel_leads_to_its_announcement(
    text_channel: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """Its title is a link, where it is known which message that is."""
    receipt = text_channel.post(announced(signal()), no_picture, may_repeat=False)
    letter = followed(running(), [ENTERED])
    text_channel.post(replace(letter, first_message=receipt.message_id), no_picture, may_repeat=False)
    text_channel.post(letter, no_picture, may_repeat=False)
    (thread,) = discord_simulator.threads()
    links = [message["embeds"][0].get("url") for message in thread["messages"]]
    place = f"{discord_simulator.text_channel_id}/{receipt.message_id}"
    assert (links[0], links[2]) == (None, None)
    assert str(links[1]).startswith("https://discord.com/channels/")
    assert str(links[1]).endswith(place)


def test_a_link_is_worth_no_message(
    text_channel: DiscordWebhook, discord_simulator: DiscordSimulator
) -> None:
    """Where Discord does not say what channel it is, the follow-up goes out without one."""
    discord_simulator.faults([{"fault": "status", "status": 500, "method": "GET", "times": 1}])
    letter = replace(followed(running(), [ENTERED]), first_message="123")
    text_channel.post(letter, no_picture, may_repeat=False)
    (thread,) = discord_simulator.threads()
    assert [message["embeds"][0].get("url") for message in thread["messages"]] == [None]
