"""Channels, threads and what a bot reads in them as JSON, as Discord returns them.

Source: discord-api-docs, resources/channel, resources/message, topics/threads.
"""

from collections.abc import Sequence

from crypto_signals.simulator.board import BOT, Board, StoredMessage, Thread
from crypto_signals.simulator.discord_errors import JsonObject
from crypto_signals.simulator.message_json import author_json, message_json, stamp
from crypto_signals.simulator.settings import GUILD_ID, Channel

GUILD_TEXT, PUBLIC_THREAD, GUILD_FORUM = 0, 11, 15
THREAD_STARTER_MESSAGE = 21
HAS_THREAD = 1 << 5


def bot_json() -> JsonObject:
    """The bot as a user object."""
    return author_json(BOT)


def channel_json(channel: Channel, threads: Sequence[Thread]) -> JsonObject:
    """A channel; a forum's last message is its newest thread."""
    own = next((thread for thread in threads if thread.is_channel), None)
    newest = max((thread.id for thread in threads if not thread.is_channel), key=int, default=None)
    return {
        "id": channel.channel_id,
        "type": GUILD_FORUM if channel.forum else GUILD_TEXT,
        "guild_id": GUILD_ID,
        "name": channel.name,
        "parent_id": None,
        "last_message_id": newest if channel.forum else own and own.last_message_id,
    }


def thread_channel(thread: Thread) -> JsonObject:
    """A thread, which is a channel too."""
    return {
        "id": thread.id,
        "type": PUBLIC_THREAD,
        "guild_id": GUILD_ID,
        "name": thread.name,
        "parent_id": thread.channel.channel_id,
        "owner_id": thread.owner_id,
        "last_message_id": thread.last_message_id,
        "message_count": len(thread.messages),
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": stamp(thread.archive_timestamp),
            "auto_archive_duration": 10080,
            "locked": False,
        },
    }


def found_message(message: StoredMessage, place: Thread, board: Board, base_url: str) -> JsonObject:
    """A message as it is read; one that a thread was started from says so."""
    facts = message_json(message, base_url)
    thread = board.threads.get(message.id) if place.is_channel else None
    if thread is not None:
        facts |= {"thread": thread_channel(thread), "flags": message.flags | HAS_THREAD}
    return facts


def starter(place: Thread, found: Sequence[JsonObject]) -> list[JsonObject]:
    """The system message at the very start of a thread that was started from a message of its channel."""
    if place.is_channel or place.channel.forum or len(found) < len(place.messages):
        return []
    reference = {"channel_id": place.channel.channel_id, "message_id": place.id, "guild_id": GUILD_ID}
    return [
        {
            "id": str(int(place.id) + 1),
            "type": THREAD_STARTER_MESSAGE,
            "channel_id": place.id,
            "author": author_json(BOT),
            "content": "",
            "embeds": [],
            "attachments": [],
            "message_reference": reference,
        }
    ]
