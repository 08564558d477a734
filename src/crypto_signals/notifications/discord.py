"""Discord by webhook: a forum channel gets a thread a signal, a text channel a row of messages.

A webhook cannot be asked what it has posted, so every outcome that is not plainly known is reported as
`OutcomeUnknown`, and whoever retries says that the message may repeat an earlier one.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace

import httpx
from pydantic import SecretStr

from crypto_signals.domain.errors import DeliveryError, NotSent, UsageError
from crypto_signals.domain.notices import Notice
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.domain.wording import one_line
from crypto_signals.engine.ports import Letter, Picture, Receipt, Wait
from crypto_signals.notifications import discord_answers as answers
from crypto_signals.notifications.discord_client import DiscordClient, checked, wait
from crypto_signals.notifications.discord_edits import edit
from crypto_signals.notifications.discord_marks import mark_of
from crypto_signals.notifications.discord_posts import JsonObject, linked, posts, thread_title
from crypto_signals.notifications.messages import message, shows_picture
from crypto_signals.notifications.notices import notice_message
from crypto_signals.outgoing import TIMEOUT

USERNAME = "Crypto Sentinel"
_PATH = re.compile(r"/webhooks/[^/]+/[^/]+/?$")
_ADVICE = "check the webhook in the channel's settings"


class DiscordWebhook:
    """A `Channel` over one webhook.

    ``url`` must be https, or http on loopback; anything else raises `UsageError`. ``name`` is how errors
    call it.  Whether the channel has threads is found out
    with the first post and then remembered.
    """

    can_find = False
    can_edit = True

    def __init__(
        self,
        url: str,
        name: str = "Discord webhook",
        *,
        timeout: httpx.Timeout = TIMEOUT,
        wait: Wait = wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        address = checked(url, name)
        if not _PATH.search(address.path):
            raise UsageError(f"{name}: the address is not that of a Discord webhook")
        secret = SecretStr(address.path.rpartition("/")[2])
        self._client = DiscordClient(
            name, address, secret, _ADVICE, timeout=timeout, wait=wait, monotonic=monotonic
        )
        self._place: tuple[object, object] | None = None
        self._has_threads = True
        self._parts_sent: dict[str, tuple[int, Receipt]] = {}

    def __repr__(self) -> str:
        return f"DiscordWebhook({self.name!r})"

    def close(self) -> None:
        self._client.close()

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:
        """An announcement opens a thread in a forum channel, whose id is in the receipt; what follows is told
        there, or names its signal and leads to its announcement; a thread that was deleted gets a successor.
        If one post of several is not sent, posting the same letter again goes on from there."""
        told = message(letter, may_repeat=may_repeat)
        announces = letter.kind is EffectKind.ANNOUNCE
        thread_id = None if announces else letter.signal.thread_id
        drawn = picture() if shows_picture(letter) else None
        named = not announces and thread_id is None
        bodies = posts(told, mark_of(letter), named=named, picture=drawn is not None)
        if named and letter.first_message is not None:
            bodies = linked(bodies, *self._where(), letter.first_message)
        digest = hashlib.sha256(json.dumps([thread_id, bodies]).encode()).hexdigest()
        sent, receipt = self._parts_sent.pop(digest, (0, None))
        for number in range(sent, len(bodies)):
            into = thread_id or (receipt.thread_id if receipt else None)
            try:
                latest = self._post(bodies[number], into, thread_title(told), None if number else drawn)
            except answers.PlaceGone:
                if letter.signal.thread_id is None:
                    raise
                return self.post(
                    replace(letter.without_thread(), first_message=None), lambda: drawn, may_repeat=may_repeat
                )
            except NotSent:
                if receipt is not None:
                    self._parts_sent[digest] = (number, receipt)
                raise
            receipt = receipt or latest
        assert receipt is not None  # noqa: S101 - a message has at least one post
        return receipt

    def _where(self) -> tuple[object, object]:
        """The server and the channel that it posts into, asked once; a link is worth no message."""
        if self._place is None:
            try:
                about = self._client.read("")
            except DeliveryError:
                return None, None
            self._place = about.get("guild_id"), about.get("channel_id")
        return self._place

    def find(self, letter: Letter) -> Receipt | None:  # noqa: ARG002
        """A webhook cannot be asked what it has posted."""
        return None

    def edit(self, letter: Letter, message_id: str) -> None:
        """In a forum a message is found only together with its thread."""
        thread_id = letter.signal.thread_id
        edit(self._client, f"/messages/{message_id}", letter, {"thread_id": thread_id} if thread_id else None)

    def check(self) -> str:
        return f"posts as the webhook {one_line(str(self._client.read('').get('name')))}"

    def tell(self, notice: Notice) -> None:
        """In a forum each opens a thread of its own."""
        told, thread_id = notice_message(notice), None
        for body in posts(told, f"{told.ts:%Y-%m-%d}"):
            thread_id = self._post(body, thread_id, thread_title(told), None).thread_id

    def _post(self, body: JsonObject, thread_id: str | None, title: str, picture: bytes | None) -> Receipt:
        """One post. The kind of the channel is learnt from its refusals, which posted nothing."""
        query = {"wait": "true"} | ({"thread_id": thread_id} if thread_id else {})
        for _ in range(2):
            new_thread = thread_id is None and self._has_threads
            whole = {"username": USERNAME} | body | ({"thread_name": title} if new_thread else {})
            response = self._client.send("", whole, query=query, picture=picture)
            refused = answers.code(response) if response.status_code == 400 else None
            if new_thread and refused == answers.NO_THREADS_HERE:
                self._has_threads = False
            elif thread_id is None and not new_thread and refused == answers.NEEDS_THREAD:
                self._has_threads = True
            else:
                break
        ids = answers.receipt_ids(response) if response.is_success else None
        if ids is None:
            raise self._client.problem(response)
        return Receipt(ids[0], thread_id or (ids[1] if new_thread else None))
