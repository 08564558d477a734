"""A thin client for Alpaca's historical bars: explicit time-outs, bounded pages, retries, tolerant reading.

SourceFailed
├── Unreachable    no answer at all: another symbol will fare no better
├── NotEntitled    the keys are good, but this plan may not see these bars (403)
└── NotUnderstood  the service refuses the question (400, 404, 422), perhaps for one symbol of many

Plain SourceFailed: any other answer that holds no bars. No message holds a key, a header or a full URL.
"""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
)

from crypto_signals.domain.errors import SourceFailed, UsageError
from crypto_signals.engine.ports import Wait

ATTEMPTS: Final = 3
MAX_PAGES: Final = 2_000
PAGE_BARS: Final = 10_000
MAX_WAIT_S: Final = 65.0
_TIMEOUT: Final = httpx.Timeout(connect=3.0, read=8.0, write=5.0, pool=3.0)

Rows = dict[str, list[object]]


class Unreachable(SourceFailed):
    pass


class NotEntitled(SourceFailed):
    pass


class NotUnderstood(SourceFailed):
    pass


class _Busy(SourceFailed):
    """429, 5xx, or no JSON. ``wait_s``: until the service says that it will answer again."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        self.wait_s = wait_s
        super().__init__(message)


def waited(seconds: float) -> bool:
    """Waits, whatever it takes."""
    time.sleep(seconds)
    return True


@dataclass(frozen=True, slots=True)
class Keys:
    key_id: str = field(repr=False)
    secret: str = field(repr=False)


class AlpacaClient:
    """Reads bars; counts its ``requests`` and ``retries``.

    Raises ``UsageError`` for an address that is neither https nor on loopback, or that holds a password.
    ``first_wait_s`` is the wait before the second attempt; it doubles, and jitter is added. ``wait`` waits so
    many seconds, or says no at once where the run must not wait.
    """

    def __init__(
        self,
        base_url: str,
        keys: Keys | None = None,
        *,
        first_wait_s: float = 0.5,
        wait: Wait = waited,
    ) -> None:
        url = _checked_url(base_url)
        self.host = url.host
        self.requests = 0
        self.retries = 0
        self._keys = keys
        self._first_wait_s, self._wait = first_wait_s, wait
        headers = {"APCA-API-KEY-ID": keys.key_id, "APCA-API-SECRET-KEY": keys.secret} if keys else {}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=not _is_loopback(url.host)
        )

    def close(self) -> None:
        self._http.close()

    def bars(self, path: str, params: Mapping[str, str]) -> Rows:
        """Every page of one question: the bars of each symbol that has any, as the service wrote them."""
        found: Rows = {}
        token: str | None = None
        for _ in range(MAX_PAGES):
            page = {"limit": str(PAGE_BARS), **params} | ({"page_token": token} if token else {})
            body = self._get(path, page)
            _add_rows(found, body.get("bars"))
            following = body.get("next_page_token")
            if not following:
                return found
            if not isinstance(following, str) or following == token:
                raise SourceFailed("Alpaca's answer never ends: its next_page_token repeats")
            token = following
        raise SourceFailed(f"Alpaca's answer has more than {MAX_PAGES} pages; ask for fewer bars")

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, object]:
        retrying = Retrying(
            retry=retry_if_exception_type((_Busy, Unreachable)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._backoff,
            sleep=self._pause,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                self.requests += 1
                self.retries += attempt.retry_state.attempt_number > 1
                return self._once(path, params)
        raise AssertionError("the last attempt's error is raised again")

    def _backoff(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: as long as the service said, else growing, with jitter."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Busy) and error.wait_s is not None:
            return error.wait_s
        first = self._first_wait_s
        return float(first * 2 ** (state.attempt_number - 1) + random.uniform(0, first))  # noqa: S311 - jitter

    def _pause(self, seconds: float) -> None:
        if not self._wait(seconds):
            raise SourceFailed(
                f"Alpaca ({self.host}) asked to wait {seconds:.0f} s, longer than this run may take"
            )

    def _once(self, path: str, params: Mapping[str, str]) -> dict[str, object]:
        try:
            response = self._http.get(path, params=params)
        except httpx.HTTPError as error:
            raise Unreachable(_reason(error)) from None
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        body = _json(response)
        if not isinstance(body, dict):
            raise _Busy(f"Alpaca ({self.host}) answered with something that is not a JSON object")
        return body

    def _refusal(self, response: httpx.Response) -> SourceFailed:
        status = response.status_code
        said = self._message(response)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return _Busy("Alpaca asks to slow down (429)", _until_reset(response))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return _Busy(f"Alpaca failed ({status}){said}")
        if status == httpx.codes.FORBIDDEN and "subscription" in said:
            return NotEntitled(f"Alpaca refuses these bars on this plan (403){said}")
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return SourceFailed(
                f"Alpaca refused the keys ({status}){said}; check ALPACA_API_KEY and ALPACA_SECRET_KEY"
            )
        if status in {httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND, httpx.codes.UNPROCESSABLE_ENTITY}:
            return NotUnderstood(f"Alpaca refused the request ({status}){said}")
        return SourceFailed(f"Alpaca gave an unexpected answer ({status}){said}")

    def _message(self, response: httpx.Response) -> str:
        """What the service said, in one short line without keys; empty for HTML and the like."""
        body = _json(response)
        text = body.get("message") if isinstance(body, dict) else None
        if not isinstance(text, str):
            return ""
        for secret in (self._keys.key_id, self._keys.secret) if self._keys else ():
            text = text.replace(secret, "***")
        return f": {' '.join(text.split())[:200]}"


def _add_rows(found: Rows, bars: object) -> None:
    """``bars`` maps symbols to lists; null stands for none at all."""
    if bars is None:
        return
    if not isinstance(bars, dict):
        raise SourceFailed("Alpaca's answer holds no bars by symbol")
    for symbol, rows in bars.items():
        if not isinstance(rows, list | None):
            raise SourceFailed(f"Alpaca's answer holds no list of bars for {symbol}")
        found.setdefault(symbol, []).extend(rows or [])


def _json(response: httpx.Response) -> object:
    try:
        body: object = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body


def _until_reset(response: httpx.Response) -> float | None:
    """Seconds until a second after ``X-RateLimit-Reset`` (UNIX seconds), with jitter; bounded."""
    try:
        reset = float(response.headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    wait = max(0.0, reset - time.time()) + 1.0 + random.uniform(0.0, 0.5)  # noqa: S311 - jitter is no secret
    return min(wait, MAX_WAIT_S)


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    if isinstance(error, httpx.ConnectError):
        text = str(error)
        if "refused" in text:
            return "the connection was refused"
        if "CERTIFICATE" in text or "SSL" in text:
            return "its certificate could not be verified"
        return "the name is not known or the network is down"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused the connection"
    return "the connection broke"


def _checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        raise UsageError(
            "ALPACA_DATA_URL is not an address; write it like https://data.alpaca.markets"
        ) from None
    if url.userinfo:
        raise UsageError("ALPACA_DATA_URL holds a user name or password; remove it")
    if not url.host or (url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host))):
        raise UsageError("ALPACA_DATA_URL must begin with https:// (http:// is accepted on loopback only)")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
