"""Discord by webhook: a forum channel gets a thread a signal, a text channel a row of messages.

A webhook cannot be asked what it has posted, so every outcome that is not plainly known is reported as
`OutcomeUnknown`, and whoever retries says that the message may repeat an earlier one. The address is a
password: it appears in no error, log line or representation.
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
from pydantic import SecretStr

from crypto_signals import __version__
from crypto_signals.domain.errors import ChannelPaused, DeliveryError, NotSent, UsageError
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import Letter, Picture, Receipt, Wait
from crypto_signals.notifications import discord_answers as answers
from crypto_signals.notifications.discord_posts import PICTURE_NAME, JsonObject, posts, thread_title
from crypto_signals.notifications.messages import CLOSING, Message, message

USER_AGENT = f"DiscordBot (https://pypi.org/project/crypto-sentinel, {__version__})"
TIMEOUT = httpx.Timeout(connect=3.0, read=8.0, write=5.0, pool=3.0)
MAX_WAIT_S: Final = 30.0
_PATH = re.compile(r"/webhooks/[^/]+/[^/]+/?$")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _HideWebhooks(logging.Filter):
    """httpx logs the address of each request; a webhook's address is a password."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple("(a webhook)" if "webhooks" in str(arg) else arg for arg in record.args)
        return True


_HIDE_WEBHOOKS: Final = _HideWebhooks()


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return True


class DiscordWebhook:
    """A `Channel` over one webhook.

    ``url`` must be https, or http on loopback; anything else raises `UsageError`. ``name`` is how errors
    call it. Whether the channel has threads is found out with the first post and then remembered.
    ``wait`` waits so many seconds, or says no at once where the run must not wait.
    """

    can_find = False

    def __init__(
        self,
        url: str,
        name: str = "Discord webhook",
        *,
        timeout: httpx.Timeout = TIMEOUT,
        wait: Wait = _wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        address = _checked(url, name)
        self._url = SecretStr(str(address))
        self._client = httpx.Client(
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            trust_env=address.host not in _LOOPBACK,
        )
        self._wait, self._monotonic = wait, monotonic
        self._resume_at = 0.0
        self._has_threads = True
        self._gone: str | None = None
        self._parts_sent: dict[str, tuple[int, Receipt]] = {}
        logging.getLogger("httpx").addFilter(_HIDE_WEBHOOKS)

    def __repr__(self) -> str:
        return f"DiscordWebhook({self.name!r})"

    def close(self) -> None:
        self._client.close()

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:
        """An announcement opens a thread in a forum channel, whose id is in the receipt; what follows is told
        there, or names its signal. What closes the trade shows the chart again."""
        thread_id = letter.signal.thread_id
        announces = letter.kind is EffectKind.ANNOUNCE
        shown = announces or any(event.type in CLOSING for event in letter.events)
        return self._tell(
            message(letter, may_repeat=may_repeat),
            letter.signal.signal_id,
            None if announces else thread_id,
            picture() if shown else None,
            named=not announces,
        )

    def find(self, letter: Letter) -> Receipt | None:  # noqa: ARG002
        """A webhook cannot be asked what it has posted."""
        return None

    def _tell(
        self,
        told: Message,
        signal_id: str,
        thread_id: str | None,
        picture: bytes | None,
        *,
        named: bool = False,
    ) -> Receipt:
        """All posts of a message. If one is not sent, telling the same message again goes on from there."""
        bodies = posts(told, named=named and thread_id is None, picture=picture is not None)
        digest = hashlib.sha256(json.dumps([signal_id, thread_id, bodies]).encode()).hexdigest()
        sent, receipt = self._parts_sent.pop(digest, (0, None))
        for number in range(sent, len(bodies)):
            files = picture if number == 0 else None
            into = thread_id or (receipt.thread_id if receipt else None)
            try:
                latest = self._post(bodies[number], into, thread_title(told), files)
            except NotSent:
                if receipt is not None:
                    self._parts_sent[digest] = (number, receipt)
                raise
            receipt = receipt or latest
        assert receipt is not None  # noqa: S101 - a message has at least one post
        return receipt

    def _post(self, body: JsonObject, thread_id: str | None, title: str, picture: bytes | None) -> Receipt:
        """One post. The kind of the channel is learnt from its refusals, which posted nothing."""
        for _ in range(2):
            new_thread = thread_id is None and self._has_threads
            whole = {**body, "thread_name": title} if new_thread else body
            response = self._send(whole, thread_id, picture)
            refused = answers.code(response) if response.status_code == 400 else None
            if new_thread and refused == answers.NO_THREADS_HERE:
                self._has_threads = False
            elif thread_id is None and not new_thread and refused == answers.NEEDS_THREAD:
                self._has_threads = True
            else:
                break
        ids = answers.receipt_ids(response) if response.is_success else None
        if ids is None:
            raise self._problem(response)
        return Receipt(ids[0], thread_id or (ids[1] if new_thread else None))

    def _problem(self, response: httpx.Response) -> DeliveryError:
        problem = answers.error(self.name, response, self._secret())
        if isinstance(problem, ChannelPaused) and response.status_code in {401, 404}:
            self._gone = str(problem)
        return problem

    def _send(self, body: JsonObject, thread_id: str | None, picture: bytes | None) -> httpx.Response:
        if self._gone is not None:
            raise ChannelPaused(self._gone)
        self._hold_back()
        query = {"wait": "true"} | ({"thread_id": thread_id} if thread_id else {})
        response = self._request(query, body, picture)
        if isinstance(response, DeliveryError):
            raise response
        self._resume_at = self._monotonic() + answers.pause_s(response)
        return response

    def _request(
        self, query: dict[str, str], body: JsonObject, picture: bytes | None
    ) -> httpx.Response | DeliveryError:
        """A problem is returned, not raised: an error that leaves here must not drag the request along."""
        content: dict[str, Any] = {"json": body}
        if picture is not None:
            parts = {"files[0]": (PICTURE_NAME, picture, "image/png")}
            content = {"data": {"payload_json": json.dumps(body)}, "files": parts}
        try:
            return self._client.post(self._url.get_secret_value(), params=query, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            return answers.failure(self.name, problem)

    def _hold_back(self) -> None:
        """Waits until the webhook's allowance is full again; what would take too long is left for later."""
        wait = self._resume_at - self._monotonic()
        if wait > 0 and (wait > MAX_WAIT_S or not self._wait(wait)):
            raise NotSent(f"{self.name}: the allowance is used up for {wait:.0f} s", wait)

    def _secret(self) -> str:
        return httpx.URL(self._url.get_secret_value()).path.rpartition("/")[2]


def _checked(url: str, name: str) -> httpx.URL:
    """The address, if it can be trusted with messages. The error never quotes it."""
    try:
        address = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError, ValueError):
        address = None
    if address is None or not address.host or not _PATH.search(address.path):
        raise UsageError(f"{name}: the address is not that of a Discord webhook")
    if address.scheme != "https" and not (address.scheme == "http" and address.host in _LOOPBACK):
        raise UsageError(f"{name}: the address must start with https")
    return address.copy_with(path=address.path.rstrip("/"), query=None, fragment=None)
