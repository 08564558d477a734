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
_GONE_FROM_THREAD = frozenset({10003, 10008})
_SAID_MAX = 400
_ADDRESS = re.compile(r"(https?:/+\S+|\S*webhooks/\S*)")
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def code(response: httpx.Response) -> int | None:
    """Discord's own error code, where the body has one."""
    value = _json(response).get("code")
    return value if isinstance(value, int) else None


def error(name: str, response: httpx.Response, secret: str) -> DeliveryError:
    """The outcome that an answer other than a useful 2xx stands for.

    A deleted thread or message (10003, 10008) concerns one signal, so it is a refusal although it
    comes as a 404; every other 404 means that the webhook is gone.
    """
    status = response.status_code
    said = f"{name}: {status} {_said(response, secret)}".rstrip()
    if status == 429:
        return NotSent(said, retry_after_s(response))
    if status in {400, 413} or (status == 404 and code(response) in _GONE_FROM_THREAD):
        return Refused(said)
    if status in {401, 403, 404}:
        return ChannelPaused(f"{said}; check the webhook in the channel's settings")
    if 200 <= status < 300:
        return OutcomeUnknown(f"{name}: {status}, but the answer does not name the message")
    return OutcomeUnknown(said)


def failure(name: str, problem: httpx.HTTPError | httpx.InvalidURL) -> DeliveryError:
    """The outcome of a request that got no whole answer; only the kind of the problem is told."""
    kind = type(problem).__name__
    if isinstance(problem, _NOT_SENT):
        return NotSent(f"{name}: could not connect ({kind})")
    return OutcomeUnknown(f"{name}: no whole answer ({kind}); the message may have arrived")


def receipt_ids(response: httpx.Response) -> tuple[str, str] | None:
    """The ids of the message and of the channel (or thread) that it is in; ``None`` if either is missing."""
    body = _json(response)
    message_id, channel_id = body.get("id"), body.get("channel_id")
    if isinstance(message_id, str) and message_id and isinstance(channel_id, str) and channel_id:
        return message_id, channel_id
    return None


def retry_after_s(response: httpx.Response) -> float:
    """How long a 429 asks to wait: the longer of header and body, at least a moment."""
    asked = (_seconds(response.headers.get("Retry-After")), _seconds(_json(response).get("retry_after")))
    known = [seconds for seconds in asked if seconds is not None]
    return max(known, default=1.0)


def pause_s(response: httpx.Response) -> float:
    """How long the next request has to wait so that it is not refused."""
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


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _said(response: httpx.Response, secret: str) -> str:
    """Discord's message and its reasons field by field, in one line, without addresses."""
    body = _json(response)
    reasons = "; ".join(_reasons(body.get("errors"), ()))
    parts = [str(body[key]) for key in ("message",) if body.get(key)]
    text = ": ".join([*parts, *([reasons] if reasons else [])])
    number = code(response)
    text = " ".join(text.replace(secret, "***").split())
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
