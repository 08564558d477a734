"""A bot to post with, and what it has posted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from crypto_signals.domain.events import Event, EventType
from crypto_signals.notifications.discord_bot import DiscordBot
from notifications.samples import event
from simulator.simulator_fixtures import DiscordSimulator

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360f8cf500f0003860180a35dc4670000000049454e44ae426082"
)
QUICK = httpx.Timeout(0.5)


def no_picture() -> bytes | None:
    return None


@contextmanager
def bot(simulator: DiscordSimulator, kind: str) -> Iterator[DiscordBot]:
    """A bot for the ``forum`` or the ``text`` channel."""
    channel_id = simulator.forum_channel_id if kind == "forum" else simulator.text_channel_id
    url = simulator.discord_api_url
    channel = DiscordBot(simulator.bot_token, channel_id, "Discord test bot", api_url=url, timeout=QUICK)
    try:
        yield channel
    finally:
        channel.close()


def posts_of(simulator: DiscordSimulator) -> list[dict[str, Any]]:
    """All messages of all places, in the order in which they were posted."""
    messages = [message for thread in simulator.threads() for message in thread["messages"]]
    return sorted(messages, key=lambda message: int(message["id"]))


def titles(simulator: DiscordSimulator) -> list[str]:
    return [message["embeds"][0]["title"] for message in posts_of(simulator)]


def owed(count: int) -> list[Event]:
    """So many events, each with its own price."""
    return [event(EventType.STRUCTURE_BROKEN, day, price=6000.0 + day) for day in range(count)]
