"""Answers that never end: a time-out of the HTTP client's holds for each piece, and begins anew with it."""

import time
from collections.abc import Callable, Iterator

import httpx

Hook = Callable[[httpx.Response], None]


def ends_within(seconds: float, goes_on: Callable[[], bool] = lambda: True) -> Hook:
    """A hook for each response of a client: its body has so many seconds to arrive, as long as
    ``goes_on``; else it counts as timed out."""

    def hook(response: httpx.Response) -> None:
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Bounded(response.stream, time.monotonic() + seconds, goes_on)

    return hook


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, end: float, goes_on: Callable[[], bool]) -> None:
        self._stream, self._end, self._goes_on = stream, end, goes_on

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            if time.monotonic() > self._end or not self._goes_on():
                raise httpx.ReadTimeout("the answer does not end")
            yield piece

    def close(self) -> None:
        self._stream.close()
