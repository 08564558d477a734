"""A thin client for Alpaca's historical bars: explicit time-outs, bounded pages, retries, tolerant reading.

SourceFailed
├── Unreachable    no answer at all: another symbol will fare no better
│   └── NotAsked   too many requests failed just before: the service is left alone for a while
├── NotEntitled    the keys are good, but this plan may not see these bars (403)
└── NotUnderstood  the service refuses the question (400, 404, 422), perhaps for one symbol of many

Plain SourceFailed: any other answer that holds no bars. No message holds a key, a header or a full URL.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import httpx
from circuitbreaker import CircuitBreaker
from pydantic_core import from_json
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
)

from crypto_signals import hosts, outgoing
from crypto_signals.domain.errors import SourceFailed, UsageError
from crypto_signals.market.pace import Pace, until_reset

ATTEMPTS: Final = 3
FAILURES: Final = 5
"""So many requests that fail one after the other open the circuit: nothing is asked for a while."""
OPEN_S: Final = 30
MAX_PAGES: Final = 2_000
PAGE_BARS: Final = 10_000
_BODY_S: Final = 60.0
_BODY_MB: Final = 64

Rows = dict[str, list[object]]


class Unreachable(SourceFailed):
    pass


class NotAsked(Unreachable):
    pass


class NotEntitled(SourceFailed):
    pass


class NotUnderstood(SourceFailed):
    pass


class _Busy(SourceFailed):
    """5xx, or no JSON: it may be better in a moment."""


class _TooFast(SourceFailed):
    """429. ``told``: the service said when to come back, and the pace waits until then."""

    def __init__(self, message: str, *, told: bool) -> None:
        self.told = told
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Keys:
    key_id: str = field(repr=False)
    secret: str = field(repr=False)


class AlpacaClient:
    """Reads one host of Alpaca's, from any number of threads; counts its ``requests`` and ``retries``.

    Raises ``UsageError`` for an address that is neither https at Alpaca's nor on loopback, or that holds a
    password; ``setting`` is what the address was set with. ``first_wait_s`` is the wait before the second
    attempt; it doubles, and jitter is added. Every attempt keeps to ``pace``, which may be shared.
    """

    def __init__(
        self,
        base_url: str,
        keys: Keys | None = None,
        *,
        pace: Pace | None = None,
        first_wait_s: float = 0.5,
        setting: str = "ALPACA_DATA_URL",
    ) -> None:
        url = _checked_url(base_url, setting)
        self.host = url.host
        self.requests = 0
        self.retries = 0
        self._keys = keys
        self._pace, self._first_wait_s = pace or Pace(), first_wait_s
        self._counting = Lock()
        self._circuits: defaultdict[str, CircuitBreaker] = defaultdict(
            lambda: CircuitBreaker(FAILURES, OPEN_S, (Unreachable, _Busy))
        )
        headers = {"APCA-API-KEY-ID": keys.key_id, "APCA-API-SECRET-KEY": keys.secret} if keys else {}
        bounds = outgoing.Bounds(_BODY_S, _BODY_MB, lambda: self._pace.wait(0.0))
        self._http = outgoing.client(url.host, bounds, base_url=url, headers=headers)

    def breaker(self, path: str) -> str:
        """Whether what lies behind ``path`` is asked: ``closed`` (yes), ``open`` (no), ``half-open`` (once).

        Each has its own, so that crypto still comes where stocks fail.
        """
        return str(self._circuits[path].state).replace("_", "-")

    def close(self) -> None:
        self._http.close()

    def pages(self, path: str, params: Mapping[str, str]) -> Iterator[Rows]:
        """The pages of one question: on each, the bars of some symbols, as the service wrote them."""
        token: str | None = None
        for _ in range(MAX_PAGES):
            page = {"limit": str(PAGE_BARS), **params} | ({"page_token": token} if token else {})
            body = self.get(path, page)
            if not isinstance(body, dict):
                raise SourceFailed(f"Alpaca ({self.host}) answered with something that is not a JSON object")
            yield _rows(body.get("bars"))
            following = body.get("next_page_token")
            if not following:
                return
            if not isinstance(following, str) or following == token:
                raise SourceFailed("Alpaca's answer never ends: its next_page_token repeats")
            token = following
        raise SourceFailed(f"Alpaca's answer has more than {MAX_PAGES} pages; ask for fewer bars")

    def get(self, path: str, params: Mapping[str, str]) -> object:
        """The JSON of one answer; asked again where that may help."""
        retrying = Retrying(
            retry=retry_if_exception_type((_Busy, _TooFast, Unreachable))
            & retry_if_not_exception_type(NotAsked),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._backoff,
            sleep=self._pause,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                return self._attempt(path, params, is_first=attempt.retry_state.attempt_number == 1)
        raise AssertionError("the last attempt's error is raised again")

    def _attempt(self, path: str, params: Mapping[str, str], *, is_first: bool) -> object:
        self._pace.take()
        circuit = self._circuits[path]
        if circuit.opened:
            raise NotAsked(f"{FAILURES} requests failed one after the other; it is left alone for {OPEN_S} s")
        with self._counting:
            self.requests += 1
            self.retries += not is_first
        with circuit:
            return self._once(path, params)

    def _backoff(self, state: RetryCallState) -> float:
        """Seconds until the next attempt, growing, with jitter; none where the pace waits as it was told."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TooFast) and error.told:
            return 0.0
        first = self._first_wait_s
        return float(first * 2 ** (state.attempt_number - 1) + random.uniform(0, first))  # noqa: S311 - jitter

    def _pause(self, seconds: float) -> None:
        if not self._pace.wait(seconds):
            raise SourceFailed(
                f"Alpaca ({self.host}) failed, and to ask again would take longer than this run may"
            )

    def _once(self, path: str, params: Mapping[str, str]) -> object:
        try:
            response = self._http.get(path, params=params)
        except outgoing.TooLarge as error:
            raise SourceFailed(f"Alpaca ({self.host}) sent an answer of {error}") from None
        except httpx.HTTPError as error:
            raise Unreachable(_reason(error)) from None
        self._pace.heard(response.headers)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        body = _json(response)
        if not isinstance(body, dict | list):
            raise _Busy(f"Alpaca ({self.host}) answered with something that is not a JSON object")
        return body

    def _refusal(self, response: httpx.Response) -> SourceFailed:
        status = response.status_code
        said = self._message(response)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            seconds = until_reset(response.headers)
            if seconds is not None:
                self._pace.refused(seconds)
            return _TooFast("Alpaca asks to slow down (429)", told=seconds is not None)
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


def _rows(bars: object) -> Rows:
    """``bars`` maps symbols to lists; null stands for none at all."""
    if bars is None:
        return {}
    if not isinstance(bars, dict):
        raise SourceFailed("Alpaca's answer holds no bars by symbol")
    for symbol, rows in bars.items():
        if not isinstance(rows, list | None):
            raise SourceFailed(f"Alpaca's answer holds no list of bars for {symbol}")
    return {symbol: rows or [] for symbol, rows in bars.items()}


def _json(response: httpx.Response) -> object:
    """``None`` for what is no JSON. A page of bars is large: this reader takes a third of the usual time."""
    try:
        body: object = from_json(response.content)
    except ValueError:
        return None
    return body


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


def _checked_url(base_url: str, setting: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        raise UsageError(f"{setting} is not an address; write it like https://data.alpaca.markets") from None
    if url.userinfo:
        raise UsageError(f"{setting} holds a user name or password; remove it")
    if not url.host or (url.scheme != "https" and not (url.scheme == "http" and hosts.on_loopback(url.host))):
        raise UsageError(f"{setting} must begin with https:// (http:// is accepted on loopback only)")
    if not hosts.belongs(url.host, hosts.ALPACA):
        raise UsageError(f"{setting} must lie at alpaca.markets, or on loopback: the keys go nowhere else")
    return url
