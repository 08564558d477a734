"""Requests to the outside: to whom the settings name and to nobody else, bounded in time and in size.

No redirect is followed, since a header that holds a secret would travel along. A time-out of the HTTP client
holds for each piece of an answer and begins anew with it, and a small body may be huge once it is unpacked:
so the whole has bounds of its own.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from crypto_signals.hosts import on_loopback

TIMEOUT: Final = httpx.Timeout(connect=3.0, read=8.0, write=5.0, pool=3.0)
_PIECE_BYTES: Final = 65_536
_MB: Final = 1_000_000


class TooLarge(httpx.ReadError):
    """The answer is larger than any honest one."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A body has so many ``seconds`` to arrive, as long as it ``goes_on``, and so many megabytes unpacked."""

    seconds: float
    megabytes: int
    goes_on: Callable[[], bool] = lambda: True


def client(
    host: str,
    bounds: Bounds,
    *,
    base_url: httpx.URL | str = "",
    headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout = TIMEOUT,
) -> httpx.Client:
    """For requests to ``host``. A proxy of the environment is used, but for loopback."""
    return httpx.Client(
        base_url=base_url,
        headers={"Accept-Encoding": "gzip"} | dict(headers or {}),
        timeout=timeout,
        follow_redirects=False,
        trust_env=not on_loopback(host),
        event_hooks={"response": [lambda response: _bound(response, bounds)]},
    )


def glance(url: str, seconds: float) -> httpx.Response:
    """What is answered to a GET, its body left unread. Raises ``httpx.HTTPError`` or ``httpx.InvalidURL``."""
    address, timeout = httpx.URL(url), httpx.Timeout(seconds)
    asking = client(address.host, Bounds(seconds, 1), timeout=timeout)
    with asking, asking.stream("GET", address) as answer:
        return answer


def _bound(response: httpx.Response, bounds: Bounds) -> None:
    """Unpacks here, a little at a time: the client would unpack each piece that arrives in one go."""
    if isinstance(response.stream, httpx.SyncByteStream):
        packed = response.headers.pop("Content-Encoding", "identity").strip().lower()
        response.stream = _Bounded(response.stream, packed, bounds)


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, packed: str, bounds: Bounds) -> None:
        self._stream, self._packed, self._bounds = stream, packed, bounds
        self._end = time.monotonic() + bounds.seconds

    def __iter__(self) -> Iterator[bytes]:
        left = self._bounds.megabytes * _MB
        for piece in self._unpacked():
            left -= len(piece)
            if left < 0:
                raise TooLarge(f"more than {self._bounds.megabytes} MB")
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        if self._packed == "identity":
            return self._in_time()
        if self._packed == "gzip":
            return _gunzipped(self._in_time())
        raise httpx.DecodingError("packed in a way that was not asked for")

    def _in_time(self) -> Iterator[bytes]:
        for piece in self._stream:
            if time.monotonic() > self._end or not self._bounds.goes_on():
                raise httpx.ReadTimeout("the answer does not end")
            yield piece

    def close(self) -> None:
        self._stream.close()


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gunzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for packed in pieces:
            rest = packed
            while rest:
                yield gunzip.decompress(rest, _PIECE_BYTES)
                if gunzip.unused_data:
                    raise httpx.DecodingError("it goes on after its end")
                rest = gunzip.unconsumed_tail
        yield gunzip.flush()
    except zlib.error:
        raise httpx.DecodingError("packed wrongly") from None
