"""Several watchers as one, none of which can harm a run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from crypto_signals.engine.ports import Delivery, Looked, Watcher

_LOG = logging.getLogger("crypto_signals.observability")


class NotReported(Exception):
    """Says what could not be reported, without addresses."""


class Watchers:
    """A `Watcher` that tells all others; one that fails is named in the log and disturbs nobody."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def started(self, run_id: str) -> None:
        self._tell(lambda watcher: watcher.started(run_id))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with ExitStack() as stack:
            self._tell(lambda watcher: stack.enter_context(watcher.step(name)))
            yield

    def looked(self, look: Looked) -> None:
        self._tell(lambda watcher: watcher.looked(look))

    def delivered(self, delivery: Delivery) -> None:
        self._tell(lambda watcher: watcher.delivered(delivery))

    def _tell(self, tell: Callable[[Watcher], object]) -> None:
        for watcher in self._watchers:
            try:
                tell(watcher)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
                with suppress(Exception):
                    _LOG.warning("%s failed: %s", type(watcher).__name__, error)
