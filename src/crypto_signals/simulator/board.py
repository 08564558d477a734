"""What was posted: channels, threads, messages and files, in memory and in the order in which they came."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from crypto_signals.simulator.discord_errors import JsonObject
from crypto_signals.simulator.settings import BOT_ID, BOT_NAME, Channel

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
FIRST_SNOWFLAKE = 10**17


class Snowflakes:
    """Ids as Discord makes them: milliseconds since 2015 in the upper bits, always growing.

    They keep growing when the virtual clock is set back, or stands before 2015.
    """

    def __init__(self) -> None:
        self._last = FIRST_SNOWFLAKE

    def next(self, now: datetime) -> str:
        """A fresh id for something made at ``now``."""
        milliseconds = int((now - DISCORD_EPOCH).total_seconds() * 1000)
        self._last = max(self._last + 1, milliseconds << 22)
        return str(self._last)


@dataclass(slots=True)
class StoredFile:
    """An uploaded file."""

    id: str
    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str | None = None

    @property
    def sha256(self) -> str:
        """The digest by which a test recognises what it sent."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Author:
    """Who posts: the bot, or a webhook, which may call itself anything."""

    id: str
    name: str
    is_webhook: bool


BOT = Author(BOT_ID, BOT_NAME, is_webhook=False)


@dataclass(slots=True)
class StoredMessage:
    """A message; ``embeds`` are kept as they were sent, with their ``attachment://`` references.

    ``allowed_mentions`` is what the newest request that set the content said, because Discord does not
    carry it over to an edit. ``saved_at`` is real time, which a search lag is counted from.
    """

    id: str
    channel_id: str
    author: Author
    avatar_url: str | None
    timestamp: datetime
    content: str = ""
    embeds: list[JsonObject] = field(default_factory=list)
    components: list[JsonObject] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    allowed_mentions: JsonObject | None = None
    flags: int = 0
    tts: bool = False
    edited_timestamp: datetime | None = None
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def mentions_open(self) -> bool:
        """True when text in the message could ping somebody."""
        allowed = self.allowed_mentions
        if allowed is None or allowed.get("parse") != []:
            return True
        return bool(allowed.get("users") or allowed.get("roles"))

    @property
    def empty(self) -> bool:
        """True when there is nothing to show."""
        return not (self.content.strip() or self.embeds or self.components or self.files)


@dataclass(slots=True)
class Thread:
    """A thread of a channel; a text channel is itself one, with the channel's own id.

    ``last_message_id`` stays when that message is deleted.
    """

    id: str
    name: str
    channel: Channel
    owner_id: str
    archive_timestamp: datetime
    messages: list[StoredMessage] = field(default_factory=list)
    last_message_id: str | None = None
    archived: bool = False
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def is_channel(self) -> bool:
        """True for a text channel itself."""
        return self.id == self.channel.channel_id

    def add(self, message: StoredMessage) -> None:
        """The newest message; it takes a thread out of the archive."""
        message.channel_id = self.id
        self.messages.append(message)
        self.last_message_id = message.id
        self.archived = False

    def find(self, message_id: str) -> StoredMessage | None:
        """The message with this id, if it is here."""
        return next((message for message in self.messages if message.id == message_id), None)


class Board:
    """Everything the Discord stand-in remembers."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._configured = tuple(channels)
        self.ids = Snowflakes()
        self.webhooks: dict[str, Channel] = {}
        self.threads: dict[str, Thread] = {}
        self.nonces: dict[str, StoredMessage] = {}
        self._gone: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Forget what was posted and restore deleted webhooks and channels; ids go on growing."""
        self.webhooks = {channel.webhook_id: channel for channel in self._configured}
        self.threads = {}
        self.nonces = {}
        self._gone = set()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels as configured, whether or not their webhook was deleted."""
        return self._configured

    def channel(self, channel_id: str) -> Channel | None:
        """The channel with this id, unless it was deleted."""
        known = (c for c in self._configured if c.channel_id == channel_id and channel_id not in self._gone)
        return next(known, None)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel with its threads and its webhook."""
        self._gone.add(channel.channel_id)
        self.webhooks.pop(channel.webhook_id, None)
        self.threads = {key: thread for key, thread in self.threads.items() if thread.channel != channel}

    def thread(self, channel: Channel, thread_id: str) -> Thread | None:
        """The thread with this id, if it belongs to the channel."""
        thread = self.threads.get(thread_id)
        return thread if thread is not None and thread.channel == channel else None

    def open_thread(
        self, channel: Channel, thread_id: str, name: str, owner_id: str, now: datetime
    ) -> Thread:
        """Start a thread."""
        thread = Thread(thread_id, name, channel, owner_id, now)
        self.threads[thread_id] = thread
        return thread

    def text_thread(self, channel: Channel) -> Thread:
        """A text channel as the thread that it is."""
        known = self.threads.get(channel.channel_id)
        return known or self.open_thread(channel, channel.channel_id, channel.name, "", DISCORD_EPOCH)

    def file(self, channel_id: str, file_id: str) -> StoredFile | None:
        """An uploaded file that some message still holds."""
        thread = self.threads.get(channel_id)
        files = (file for message in thread.messages for file in message.files) if thread else iter(())
        return next((file for file in files if file.id == file_id), None)
