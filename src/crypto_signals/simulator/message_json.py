"""Messages and webhooks as JSON, as Discord returns them.

Source: discord-api-docs, resources/message and resources/webhook. A file that an embed refers to is shown
inside the embed only: it is absent from ``attachments`` (pull request 8279), and comes back when an edit
drops the reference.
"""

from datetime import datetime
from typing import Any

from crypto_signals.simulator.board import Author, StoredFile, StoredMessage, Thread
from crypto_signals.simulator.discord_errors import JsonObject
from crypto_signals.simulator.settings import GUILD_ID, Channel
from crypto_signals.simulator.uploads import referenced_filename


def message_json(message: StoredMessage, base_url: str) -> JsonObject:
    """A message object."""
    urls = {file.filename: file_url(file, message.channel_id, base_url) for file in message.files}
    return {
        "id": message.id,
        "type": 0,
        "channel_id": message.channel_id,
        "author": author_json(message.author),
        "content": message.content,
        "embeds": [{"type": "rich"} | _resolved(embed, urls) for embed in message.embeds],
        "attachments": [
            file_json(file, message.channel_id, base_url)
            for file in message.files
            if file.filename not in _referenced(message.embeds)
        ],
        "components": message.components,
        "flags": message.flags,
        "tts": message.tts,
        "pinned": False,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "timestamp": stamp(message.timestamp),
        "edited_timestamp": message.edited_timestamp and stamp(message.edited_timestamp),
    } | ({"webhook_id": message.author.id} if message.author.is_webhook else {})


def author_json(author: Author) -> JsonObject:
    """A user object."""
    return {
        "id": author.id,
        "username": author.name,
        "avatar": None,
        "discriminator": "0000",
        "bot": True,
    }


def webhook_json(channel: Channel, base_url: str) -> JsonObject:
    """A webhook object, as asked for with its token."""
    return {
        "id": channel.webhook_id,
        "type": 1,
        "name": channel.name,
        "avatar": None,
        "channel_id": channel.channel_id,
        "guild_id": GUILD_ID,
        "application_id": None,
        "token": channel.token,
        "url": base_url + channel.path,
    }


def thread_json(thread: Thread, base_url: str) -> JsonObject:
    """A thread with its messages and what Discord itself would not tell: all files, and the mention rules."""
    return {
        "id": thread.id,
        "name": thread.name,
        "channel_id": thread.channel.channel_id,
        "webhook_id": thread.channel.webhook_id,
        "archived": thread.archived,
        "forum": thread.channel.forum,
        "messages": [_recorded(message, base_url) for message in thread.messages],
    }


def file_json(file: StoredFile, channel_id: str, base_url: str) -> JsonObject:
    """An attachment object."""
    url = file_url(file, channel_id, base_url)
    facts: JsonObject = {
        "id": file.id,
        "filename": file.filename,
        "size": len(file.data),
        "content_type": file.content_type,
        "url": url,
        "proxy_url": url,
    }
    return facts | ({"description": file.description} if file.description else {})


def file_url(file: StoredFile, channel_id: str, base_url: str) -> str:
    """Where the simulator serves a file."""
    return f"{base_url}/attachments/{channel_id}/{file.id}/{file.filename}"


def stamp(instant: datetime) -> str:
    """Discord's timestamps: microseconds and a numeric offset, ``2022-03-09T05:00:00.000000+00:00``."""
    return instant.isoformat(timespec="microseconds")


def _recorded(message: StoredMessage, base_url: str) -> JsonObject:
    return message_json(message, base_url) | {
        "allowed_mentions": message.allowed_mentions,
        "mentions_open": message.mentions_open,
        "files": [
            file_json(file, message.channel_id, base_url) | {"sha256": file.sha256} for file in message.files
        ],
    }


def _resolved(value: Any, urls: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(inner, urls) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, urls) for inner in value]
    filename = referenced_filename(value)
    return value if filename is None else urls.get(filename, value)


def _referenced(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_referenced, value.values()))
    if isinstance(value, list):
        return set().union(*map(_referenced, value))
    filename = referenced_filename(value)
    return set() if filename is None else {filename}
