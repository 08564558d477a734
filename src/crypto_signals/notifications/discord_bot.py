"""Discord by bot: every message is told once, because the bot can look for what it has posted.

In a text channel a signal's thread is started from its announcement, in a forum the announcement opens it.
Two things keep a message from being told twice: a nonce, by which Discord itself recognises a request that
is repeated within minutes, and the mark at the end of each post, by which the bot finds its own afterwards.
"""

import time
from collections.abc import Callable, Collection
from typing import TypeVar

import httpx
from pydantic import SecretStr

from crypto_signals.domain.errors import ChannelPaused, DeliveryError, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.notices import Notice
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.domain.wording import one_line
from crypto_signals.engine.ports import Letter, Picture, Receipt, Wait
from crypto_signals.notifications import discord_answers as answers
from crypto_signals.notifications.discord_client import DiscordClient, checked, wait
from crypto_signals.notifications.discord_edits import edit
from crypto_signals.notifications.discord_history import DiscordHistory
from crypto_signals.notifications.discord_marks import mark_of, nonce_of, part_in
from crypto_signals.notifications.discord_posts import JsonObject, linked, posts, thread_title
from crypto_signals.notifications.messages import message, shows_picture
from crypto_signals.notifications.notices import notice_message
from crypto_signals.outgoing import TIMEOUT

API_URL = "https://discord.com/api/v10"
FORUM_TYPES = frozenset({15, 16})
SHOWN_FOR_MINUTES = 10_080
_ADVICE = "check the bot's token, the channel's id and what the bot may do there"

T = TypeVar("T")


class DiscordBot:
    """A `Channel` over one channel of the bot's.

    ``api_url`` must be https, or http on loopback; anything else raises `UsageError`. ``name`` is how errors
    call it.
    """

    can_find = True
    can_edit = True

    def __init__(
        self,
        token: str,
        channel_id: str,
        name: str = "Discord bot",
        *,
        api_url: str = API_URL,
        timeout: httpx.Timeout = TIMEOUT,
        wait: Wait = wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._channel_id = channel_id
        self._client = DiscordClient(
            name,
            checked(api_url, name),
            SecretStr(token),
            _ADVICE,
            headers={"Authorization": f"Bot {token}"},
            timeout=timeout,
            wait=wait,
            monotonic=monotonic,
        )
        self._history = DiscordHistory(self._client)
        self._facts: JsonObject | None = None

    def __repr__(self) -> str:
        return f"DiscordBot({self.name!r})"

    def close(self) -> None:
        self._client.close()

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:
        """An announcement opens its thread, whose id is in the receipt; what follows is told there. A signal
        without a thread, or whose thread was deleted, is followed by name in the text channel, and gets a
        thread in the forum."""
        drawn = picture() if shows_picture(letter) else None

        def told(letter: Letter) -> Receipt:
            bodies = self._bodies(letter, may_repeat=may_repeat, picture=drawn is not None)
            return self._posted(letter, bodies, drawn)

        return self._anywhere(letter, told)

    def find(self, letter: Letter) -> Receipt | None:
        """Where the message is. One of which only a part arrived is completed, but only if its first post is
        there, which has the picture; an announcement gets the thread that it lacks."""
        return self._anywhere(letter, self._found)

    def edit(self, letter: Letter, message_id: str) -> None:
        """In a forum the announcement is in its thread, in a text channel its thread hangs on it."""
        self._judged(lambda: self._edit(letter, message_id))

    def check(self) -> str:
        me = self._client.read("/users/@me")
        try:
            channel = self._client.read(f"/channels/{self._channel_id}")
        except answers.PlaceGone as gone:
            raise ChannelPaused(f"{gone}; {_ADVICE}") from None
        return f"posts as {one_line(str(me.get('username')))} in #{one_line(str(channel.get('name')))}"

    def tell(self, notice: Notice) -> None:
        """In a forum each opens a thread of its own."""
        told, place = notice_message(notice), self._channel_id
        for body in posts(told, f"{told.ts:%Y-%m-%d}"):
            if place == self._channel_id and self._is_forum():
                form = {"name": thread_title(told), "message": body}
                response = self._client.send(f"/channels/{place}/threads", form)
                opened = answers.thread_ids(response) if response.is_success else None
                place = opened[1] if opened else place
            else:
                response = self._client.send(f"/channels/{place}/messages", body)
                opened = answers.receipt_ids(response) if response.is_success else None
            if opened is None:
                raise self._client.problem(response)

    def _edit(self, letter: Letter, message_id: str) -> None:
        place = letter.signal.thread_id if self._is_forum() else None
        edit(self._client, f"/channels/{place or self._channel_id}/messages/{message_id}", letter)

    def _posted(self, letter: Letter, bodies: list[JsonObject], picture: bytes | None) -> Receipt:
        """Once something is there, a later failure is one that has to be looked into, not repeated."""
        first = self._first(letter, bodies[0], picture)
        try:
            return self._completed(letter, first, bodies, {1})
        except (NotSent, ChannelPaused) as problem:
            unfinished = OutcomeUnknown(f"{problem}; the message is there, but not all of it")
        raise unfinished

    def _first(self, letter: Letter, body: JsonObject, picture: bytes | None) -> Receipt:
        place = self._place(letter)
        if place != self._channel_id:
            return Receipt(self._say(letter, 1, place, body, picture), place)
        if not self._is_forum():
            return Receipt(self._say(letter, 1, place, body, picture))
        form = _thread_form(letter) | {"message": body}
        response = self._client.send(f"/channels/{place}/threads", form, picture=picture)
        opened = answers.thread_ids(response) if response.is_success else None
        if opened is None:
            raise self._client.problem(response)
        return Receipt(*opened)

    def _completed(
        self, letter: Letter, first: Receipt, bodies: list[JsonObject], there: Collection[int]
    ) -> Receipt:
        """What has a first post, with its thread and all other posts."""
        thread_id = first.thread_id
        if thread_id is None and letter.kind is EffectKind.ANNOUNCE:
            thread_id = self._thread_from(letter, first.message_id)
        for number, body in enumerate(bodies, 1):
            if number not in there:
                self._say(letter, number, thread_id or self._channel_id, body)
        return Receipt(first.message_id, thread_id)

    def _thread_from(self, letter: Letter, message_id: str) -> str | None:
        """The thread of an announcement: it bears the message's id, and starting it again does no harm.
        ``None`` where Discord allows none; what follows is then told in the channel."""
        problem = self._start_thread(letter, message_id)
        if isinstance(problem, OutcomeUnknown):
            problem = self._start_thread(letter, message_id)
        if problem is None:
            return message_id
        if isinstance(problem, Refused) and not isinstance(problem, answers.PlaceGone):
            return None
        raise problem

    def _start_thread(self, letter: Letter, message_id: str) -> DeliveryError | None:
        path = f"/channels/{self._channel_id}/messages/{message_id}/threads"
        try:
            response = self._client.send(path, _thread_form(letter))
        except DeliveryError as problem:
            return problem
        if response.is_success or answers.code(response) == answers.THREAD_EXISTS:
            return None
        return self._client.problem(response)

    def _say(
        self, letter: Letter, number: int, place: str, body: JsonObject, picture: bytes | None = None
    ) -> str:
        """One post and its id; the same one again within minutes is recognised by Discord."""
        once = {"nonce": nonce_of(letter, number), "enforce_nonce": True}
        response = self._client.send(f"/channels/{place}/messages", body | once, picture=picture)
        ids = answers.receipt_ids(response) if response.is_success else None
        if ids is None:
            raise self._client.problem(response)
        return ids[0]

    def _found(self, letter: Letter) -> Receipt | None:
        place, parts = self._located(letter)
        if 1 not in parts:
            return None
        first = Receipt(parts[1]["id"], None if place == self._channel_id else place)
        said = part_in(parts[1], mark_of(letter))
        bodies = self._bodies(letter, may_repeat=False, picture=False)
        if first.thread_id is None and letter.kind is EffectKind.ANNOUNCE:
            started = parts[1].get("thread")
            thread_id = first.message_id if started else self._thread_from(letter, first.message_id)
            first = Receipt(first.message_id, thread_id)
            if len(bodies) > 1 and thread_id is not None:
                parts |= self._parts(letter, thread_id)
        whole = said is not None and len(parts) >= said.count
        there = range(1, len(bodies) + 1) if whole else parts.keys()
        return self._completed(letter, first, bodies, there)

    def _located(self, letter: Letter) -> tuple[str, dict[int, JsonObject]]:
        """The place in which a letter is, or would be, and its posts there."""
        place = self._place(letter)
        if place != self._channel_id or not self._is_forum():
            return place, self._parts(letter, place)
        guild = str(self._channel().get("guild_id"))
        for thread_id in self._history.threads(place, guild, _tag(letter), letter.signal.created_at):
            parts = self._parts(letter, thread_id)
            if parts:
                return thread_id, parts
        return place, {}

    def _parts(self, letter: Letter, place: str) -> dict[int, JsonObject]:
        """The posts of a letter in a place, by number. They were made in order, so the first is the last to
        be met."""
        mark, parts = mark_of(letter), dict[int, JsonObject]()
        for posted in self._history.messages(place, letter.signal.created_at):
            part = part_in(posted, mark)
            if part is not None:
                parts[part.number] = posted
            if 1 in parts:
                break
        return parts

    def _bodies(self, letter: Letter, *, may_repeat: bool, picture: bool) -> list[JsonObject]:
        named = letter.kind is not EffectKind.ANNOUNCE and self._place(letter) == self._channel_id
        told = message(letter, may_repeat=may_repeat)
        bodies = posts(told, mark_of(letter), named=named, picture=picture)
        if not named or self._is_forum():
            return bodies
        return linked(bodies, self._channel().get("guild_id"), self._channel_id, letter.first_message)

    def _place(self, letter: Letter) -> str:
        """Where a letter begins: the signal's thread, or the channel."""
        followed = None if letter.kind is EffectKind.ANNOUNCE else letter.signal.thread_id
        return followed or self._channel_id

    def _is_forum(self) -> bool:
        return self._channel().get("type") in FORUM_TYPES

    def _channel(self) -> JsonObject:
        """What Discord says of the channel, asked once."""
        if self._facts is None:
            facts = self._client.read(f"/channels/{self._channel_id}")
            if not (isinstance(facts, dict) and isinstance(facts.get("type"), int)):
                raise NotSent(f"{self.name}: what Discord says of the channel makes no sense")
            self._facts = facts
        return self._facts

    def _anywhere(self, letter: Letter, call: Callable[[Letter], T]) -> T:
        """In the signal's thread, or as if it had none, where that was deleted."""
        try:
            return self._judged(lambda: call(letter))
        except answers.ThreadGone:
            alone = letter.without_thread()
        return self._judged(lambda: call(alone))

    def _judged(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except answers.PlaceGone as gone:
            problem = gone
        raise self._verdict(problem)

    def _verdict(self, gone: answers.PlaceGone) -> DeliveryError:
        """A thread that was deleted concerns its signal alone, a channel that was deleted all of them."""
        try:
            self._client.read(f"/channels/{self._channel_id}")
        except answers.PlaceGone:
            return ChannelPaused(f"{gone}; {_ADVICE}")
        return answers.ThreadGone(f"{gone}: the thread of this signal was deleted")


def _thread_form(letter: Letter) -> JsonObject:
    return {"name": thread_title(message(letter)), "auto_archive_duration": SHOWN_FOR_MINUTES}


def _tag(letter: Letter) -> str:
    """How the name of a signal's thread ends."""
    return f"[{one_line(letter.signal.short_id)}]"
