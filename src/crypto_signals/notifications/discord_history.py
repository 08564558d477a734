"""What the bot has posted, as Discord shows it: read newest first, in a bounded number of pages."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final

from crypto_signals.domain.errors import NotSent, OutcomeUnknown, Refused
from crypto_signals.notifications.discord_client import DiscordClient
from crypto_signals.notifications.discord_posts import JsonObject

PAGE = 100
PAGES_MAX = 30
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_SKEW: Final = timedelta(hours=1)
"""By how much this machine's clock may be ahead of Discord's."""


class DiscordHistory:
    """Only the bot's own messages are shown: nobody else's count, whatever they say."""

    def __init__(self, client: DiscordClient) -> None:
        self._client = client
        self._me: str | None = None

    def messages(self, place: str, since: datetime) -> Iterator[JsonObject]:
        """Its messages in a channel or thread since then; the newest page is always read to its end.

        Raises ``OutcomeUnknown`` where there are too many to tell, ``ChannelPaused`` where the history may
        not be read.
        """
        before: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = self._objects(
                self._client.read(f"/channels/{place}/messages", {"limit": str(PAGE)} | before)
            )
            if not page and not before:
                self._require_history(place)
            yield from (message for message in page if self._is_mine(message.get("author")))
            if len(page) < PAGE or _posted(page[-1]) < since - _SKEW:
                return
            before = {"before": page[-1]["id"]}
        raise OutcomeUnknown(
            f"{self._client.name}: too many messages since {since:%Y-%m-%d %H:%M} UTC to tell"
        )

    def threads(self, channel: str, guild: str, tag: str, since: datetime) -> Iterator[str]:
        """The ids of a forum's threads whose name ends in ``tag``: the active ones, and those archived since
        then."""
        active = self._client.read(f"/guilds/{guild}/threads/active")
        for thread in chain(self._objects(_in(active, "threads")), self._archived(channel, since)):
            if thread.get("parent_id") == channel and str(thread.get("name")).endswith(tag):
                yield thread["id"]

    def _archived(self, channel: str, since: datetime) -> Iterator[JsonObject]:
        before: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            path = f"/channels/{channel}/threads/archived/public"
            page = self._client.read(path, {"limit": str(PAGE)} | before)
            threads = self._objects(_in(page, "threads"))
            yield from threads
            stamp = _in(_in(threads[-1], "thread_metadata"), "archive_timestamp") if threads else None
            if _in(page, "has_more") is not True or not isinstance(stamp, str):
                return
            if datetime.fromisoformat(stamp) < since - _SKEW:
                return
            before = {"before": stamp}
        raise OutcomeUnknown(
            f"{self._client.name}: too many threads since {since:%Y-%m-%d %H:%M} UTC to tell"
        )

    def _require_history(self, place: str) -> None:
        """Without the permission to read it, a history looks empty; asking for its last message, which may
        have been deleted, tells the two apart."""
        facts = self._client.read(f"/channels/{place}")
        last = _in(facts, "last_message_id")
        if _in(facts, "id") != place:
            raise self._nonsense()
        if last is None:
            return
        try:
            self._client.read(f"/channels/{place}/messages/{last}")
        except Refused:
            return
        raise self._nonsense()

    def _is_mine(self, author: object) -> bool:
        return bool(_in(author, "id") == self._my_id())

    def _my_id(self) -> str:
        if self._me is None:
            me = _in(self._client.read("/users/@me"), "id")
            if not isinstance(me, str):
                raise self._nonsense()
            self._me = me
        return self._me

    def _objects(self, value: object) -> list[JsonObject]:
        """A list of objects with ids; anything else must not be taken for an empty one."""
        if not isinstance(value, list) or not all(str(_in(item, "id")).isdigit() for item in value):
            raise self._nonsense()
        return value

    def _nonsense(self) -> NotSent:
        return NotSent(f"{self._client.name}: what Discord says makes no sense")


def _posted(message: JsonObject) -> datetime:
    """When Discord made the id."""
    return _EPOCH + timedelta(milliseconds=int(message["id"]) >> 22)


def _in(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
