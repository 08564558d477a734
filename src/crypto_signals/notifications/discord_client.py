"""Talking to Discord: one client for the webhook and the bot.

What Discord answers becomes a `DeliveryError` here, and its allowance is respected: a request waits until
its route has something left. The secret that opens the door, a webhook's address or a bot's token, appears
in no error, log line or representation.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import httpx
from pydantic import SecretStr

from crypto_signals import __version__, hosts, outgoing
from crypto_signals.domain.errors import ChannelPaused, DeliveryError, NotSent, UsageError
from crypto_signals.engine.ports import Wait
from crypto_signals.notifications import discord_answers as answers
from crypto_signals.notifications.discord_posts import PICTURE_NAME, JsonObject

USER_AGENT = f"DiscordBot (https://github.com/crypto-sentinel/crypto-sentinel, {__version__})"
BODY_S: Final = 3.0
BODY_MB: Final = 16
MAX_WAIT_S: Final = 30.0
_EVERY = "*"


class _HideWebhooks(logging.Filter):
    """httpx logs the address of each request; a webhook's address is a password."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple("(a webhook)" if "webhooks" in str(arg) else arg for arg in record.args)
        return True


_HIDE_WEBHOOKS: Final = _HideWebhooks()


def wait(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def checked(url: str, name: str) -> httpx.URL:
    """An address that can be trusted with messages: https at Discord's, or on loopback. The error never
    quotes it."""
    try:
        address = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError, ValueError):
        address = None
    if address is None or not hosts.belongs(address.host, hosts.DISCORD):
        raise UsageError(f"{name}: the address is not one of Discord's")
    if address.scheme != "https" and not (address.scheme == "http" and hosts.on_loopback(address.host)):
        raise UsageError(f"{name}: the address must start with https")
    return address.copy_with(path=address.path.rstrip("/"), query=None, fragment=None)


class DiscordClient:
    """Requests below one address.

    ``name`` is how errors call the other side, ``advice`` what they say where a person has to mend it.
    ``secret`` is blotted out of whatever Discord says. ``wait`` waits so many seconds, or says no at once
    where the run must not wait.
    """

    def __init__(
        self,
        name: str,
        address: httpx.URL,
        secret: SecretStr,
        advice: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = outgoing.TIMEOUT,
        wait: Wait = wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._secret, self._advice = name, secret, advice
        self._address = SecretStr(str(address))
        bounds = outgoing.Bounds(BODY_S, BODY_MB)
        told = {"User-Agent": USER_AGENT} | dict(headers or {})
        self._client = outgoing.client(address.host, bounds, headers=told, timeout=timeout)
        self._wait, self._monotonic = wait, monotonic
        self._resume_at: dict[str, float] = {}
        self._gone: str | None = None
        logging.getLogger("httpx").addFilter(_HIDE_WEBHOOKS)

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        path: str,
        body: JsonObject,
        *,
        query: Mapping[str, str] | None = None,
        picture: bytes | None = None,
        method: Literal["POST", "PATCH"] = "POST",
    ) -> httpx.Response:
        """Whatever Discord answers. Raises the `DeliveryError` of what got no answer."""
        content: dict[str, Any] = {"json": body}
        if picture is not None:
            parts = {"files[0]": (PICTURE_NAME, picture, "image/png")}
            content = {"data": {"payload_json": json.dumps(body)}, "files": parts}
        answer = self._exchange(method, path, query, content)
        if isinstance(answer, DeliveryError):
            raise answer
        return answer

    def read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What is there. Raises ``Refused`` where nothing is, and ``NotSent`` where Discord does not say:
        reading has no unknown outcome, it can be done again."""
        answer = self._exchange("GET", path, query, {})
        if isinstance(answer, DeliveryError):
            raise answer
        if answer.is_success and (content := answers.content(answer)) is not None:
            return content
        problem = self.problem(answer)
        if isinstance(problem, ChannelPaused | NotSent) or answer.status_code == 404:
            raise problem
        raise NotSent(str(problem))

    def problem(self, response: httpx.Response) -> DeliveryError:
        """What an answer means that is not the one hoped for. Who is not let in does not knock again."""
        problem = answers.error(self.name, response, self._secret.get_secret_value(), self._advice)
        if isinstance(problem, ChannelPaused) and response.status_code in {401, 404}:
            self._gone = str(problem)
        return problem

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str] | None, content: Mapping[str, Any]
    ) -> httpx.Response | DeliveryError:
        """A problem is returned, not raised: an error that leaves here must not drag the request along."""
        if self._gone is not None:
            return ChannelPaused(self._gone)
        route = f"{method} {path}"
        delay = max(self._resume_at.get(which, 0.0) for which in (route, _EVERY)) - self._monotonic()
        if delay > 0 and (delay > MAX_WAIT_S or not self._wait(delay)):
            return NotSent(f"{self.name}: the allowance is used up for {delay:.0f} s", delay)
        url = self._address.get_secret_value() + path
        try:
            response = self._client.request(method, url, params=query, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            return answers.failure(self.name, problem, method)
        held = _EVERY if answers.holds_all(response) else route
        self._resume_at[held] = self._monotonic() + answers.pause_s(response)
        return response
