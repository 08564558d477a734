"""What Discord's answers mean for a message, and how long to wait. No address ever enters an error."""

import math
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

import httpx

from crypto_signals.domain.errors import ChannelPaused, DeliveryError, NotSent, OutcomeUnknown, Refused

NEEDS_THREAD = 220001
NO_THREADS_HERE = 220003
THREAD_EXISTS = 160004
_UNKNOWN_CHANNEL = 10003
_TOO_MANY_EDITS = 30046
_OF_ONE_THREAD = frozenset({_UNKNOWN_CHANNEL, 10008, 50005, 50083, 160005})
_SAID_MAX = 400
_ADDRESS = re.compile(r"(https?:/+\S+|\S*webhooks/\S*)")
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def code(response: httpx.Response) -> int | None:
    """Discord's own error code, where the body has one."""
    value = _json(response).get("code")
    return value if isinstance(value, int) else None


class PlaceGone(Refused):
    """The channel or thread that a request named does not exist any more."""


class ThreadGone(Refused):
    """The thread of one signal does not exist any more; its channel does."""


def error(name: str, response: httpx.Response, secret: str, advice: str) -> DeliveryError:
    """The outcome that an answer other than a useful 2xx stands for.

    A deleted thread or message (10003, 10008), a locked thread (50083, 160005) and a message of somebody
    else (50005) concern one signal, so they are refusals although they come as a 404 or 403; every other such
    answer concerns the channel, and ``advice`` says what to look at. Old messages may be edited only so often
    (30046).
    """
    status = response.status_code
    said = f"{name}: {status} {_said(response, secret)}".rstrip()
    if status == 429 or code(response) == _TOO_MANY_EDITS:
        return NotSent(said, retry_after_s(response))
    if status == 404 and code(response) == _UNKNOWN_CHANNEL:
        return PlaceGone(said)
    if status in {400, 413} or (status in {403, 404} and code(response) in _OF_ONE_THREAD):
        return Refused(said)
    if status in {401, 403, 404}:
        return ChannelPaused(f"{said}; {advice}")
    if 200 <= status < 300:
        return OutcomeUnknown(f"{name}: {status}, but the answer does not name the message")
    return OutcomeUnknown(said)


def failure(name: str, problem: httpx.HTTPError | httpx.InvalidURL, method: str) -> DeliveryError:
    """The outcome of a request that got no whole answer; only the kind of the problem is told."""
    kind = type(problem).__name__
    if isinstance(problem, _NOT_SENT):
        return NotSent(f"{name}: could not connect ({kind}); check the network")
    if method == "GET":
        return NotSent(f"{name}: no whole answer ({kind})")
    return OutcomeUnknown(f"{name}: no whole answer ({kind}); the message may have arrived")


def receipt_ids(response: httpx.Response) -> tuple[str, str] | None:
    """The ids of the message and of the channel (or thread) that it is in; ``None`` if either is missing."""
    return ids(_json(response), "id", "channel_id")


def thread_ids(response: httpx.Response) -> tuple[str, str] | None:
    """The same of the answer that opened a thread with its first message."""
    body = _json(response)
    first = body.get("message")
    return ids({**body, "message": first.get("id") if isinstance(first, dict) else None}, "message", "id")


def ids(body: dict[str, Any], first: str, second: str) -> tuple[str, str] | None:
    """Two ids of an object, if it has both."""
    one, two = body.get(first), body.get(second)
    if isinstance(one, str) and one and isinstance(two, str) and two:
        return one, two
    return None


def retry_after_s(response: httpx.Response) -> float:
    """How long a 429 asks to wait: the longer of header and body, at least a moment."""
    asked = (_seconds(response.headers.get("Retry-After")), _seconds(_json(response).get("retry_after")))
    known = [seconds for seconds in asked if seconds is not None]
    return max(known, default=1.0)


def holds_all(response: httpx.Response) -> bool:
    """Whether a 429 means every route: Discord's global limit, or Cloudflare's, which has no ``Via``."""
    if response.status_code != 429:
        return False
    told = response.headers.get("X-RateLimit-Global") == "true" or _json(response).get("global") is True
    return told or "Via" not in response.headers


def pause_s(response: httpx.Response) -> float:
    """How long the next request of the route has to wait so that it is not refused."""
    if response.status_code == 429:
        return retry_after_s(response)
    if response.headers.get("X-RateLimit-Remaining") != "0":
        return 0.0
    return _seconds(response.headers.get("X-RateLimit-Reset-After")) or 0.0


def _seconds(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def content(response: httpx.Response) -> Any:
    """The body, or ``None`` where it is no JSON."""
    try:
        return response.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None


def _json(response: httpx.Response) -> dict[str, Any]:
    body = content(response)
    return body if isinstance(body, dict) else {}


def _said(response: httpx.Response, secret: str) -> str:
    """Discord's message and its reasons field by field, in one line, without addresses and the status."""
    body = _json(response)
    reasons = "; ".join(_reasons(body.get("errors"), ()))
    parts = [str(body[key]) for key in ("message",) if body.get(key)]
    text = ": ".join([*parts, *([reasons] if reasons else [])])
    number = code(response)
    text = " ".join(text.replace(secret, "***").split()).removeprefix(f"{response.status_code}: ")
    text = _ADDRESS.sub("***", text)[:_SAID_MAX]
    return f"{text} (code {number})" if number else text


def _reasons(errors: object, path: tuple[str, ...], depth: int = 12) -> Iterator[str]:
    if not isinstance(errors, dict) or not depth:
        return
    for key, value in errors.items():
        if key == "_errors" and isinstance(value, list):
            said = [str(item.get("message")) for item in value if isinstance(item, dict)]
            yield f"{'.'.join(path)}: {' '.join(said)}"
        else:
            yield from _reasons(value, (*path, str(key)), depth - 1)
