"""Who watches a run: log lines always, metrics where they are wanted, a dead man's switch at the end."""

import atexit
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from crypto_signals.config import Configuration, Settings
from crypto_signals.domain.errors import LeaseHeld
from crypto_signals.engine.ports import Watcher
from crypto_signals.engine.summary import Summary
from crypto_signals.home import HeldByAnother
from crypto_signals.observability.lines import LogLines
from crypto_signals.observability.logs import logging_to
from crypto_signals.observability.redaction import Redactor
from crypto_signals.observability.watchers import NotReported, Watchers

if TYPE_CHECKING:
    from crypto_signals.observability.metrics import Metrics

Say = Callable[[str], None]
Note = Callable[[Summary], None]


class Reporter(Watcher, Protocol):
    """A `Watcher` that is also told how a run ended."""

    def finished(self, summary: Mapping[str, object], exit_code: int, duration_s: float) -> None: ...

    def failed(self, error: BaseException, duration_s: float) -> None: ...


class Watch:
    """Watches runs for the life of a process. ``say`` tells a person what could not be reported."""

    def __init__(self, settings: Settings, say: Say, metrics: "Metrics | None" = None) -> None:
        self.say, self.metrics, self._settings = say, metrics, settings
        lines = LogLines(settings.environment)
        self._reporters: Sequence[Reporter] = [lines] if metrics is None else [lines, metrics]
        if metrics is not None and settings.metrics_textfile is not None:
            from crypto_signals.observability.exports import last_success  # noqa: PLC0415

            earlier = last_success(settings.metrics_textfile)
            if earlier is not None:
                metrics.succeeded(earlier)

    @property
    def watcher(self) -> Watcher:
        """Who is told what a run does."""
        return Watchers(self._reporters)

    @contextmanager
    def run(self, hurried: Callable[[], bool] = lambda: False) -> Iterator[Note]:
        """Around one run, from before its parts are put together; it is told the run's summary.

        One that another program holds up is no run. Whatever else ends it without a summary is a failure.
        Where it is ``hurried`` to its end, nothing is sent anywhere.
        """
        start = time.monotonic()
        summaries: list[Summary] = []
        try:
            yield summaries.append
        except (HeldByAnother, LeaseHeld):
            raise
        except Exception as error:
            self._ended(error, time.monotonic() - start, hurried=hurried())
            raise
        for summary in summaries:
            self._ended(summary, time.monotonic() - start, hurried=hurried())

    def _ended(self, outcome: Summary | Exception, duration_s: float, *, hurried: bool) -> None:
        for reporter in self._reporters:
            if isinstance(outcome, Summary):
                self._try(reporter.finished, outcome.as_dict(), outcome.exit_code, duration_s)
            else:
                self._try(reporter.failed, outcome, duration_s)
        self._report(good=isinstance(outcome, Summary) and outcome.exit_code == 0, hurried=hurried)

    def _report(self, *, good: bool, hurried: bool) -> None:
        settings = self._settings
        gateway, file, deadman = (
            settings.metrics_pushgateway_url,
            settings.metrics_textfile,
            settings.deadman_url,
        )
        if not (gateway or file or deadman):
            return
        from crypto_signals.observability import exports  # noqa: PLC0415 - loads the HTTP client

        if self.metrics and gateway and not hurried:
            group = {"environment": settings.environment}
            self._try(exports.push, gateway.get_secret_value(), self.metrics.registry, group)
        if self.metrics and file:
            self._try(exports.write, file, self.metrics.registry)
        if deadman and not hurried:
            self._try(lambda: exports.ping(deadman.get_secret_value(), good=good))

    def _try(self, export: Callable[..., None], *words: object) -> None:
        """Reporting never fails a run; what went wrong is said."""
        try:
            export(*words)
        except NotReported as problem:
            self.say(str(problem))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has ended well or badly without it
            self.say(f"a report of this run failed: {type(error).__name__}")


def watch(configuration: Configuration, say: Say, *, served: bool = False) -> Watch:
    """Begins to log, until the process ends, and gives who watches its runs."""
    settings = configuration.settings
    stack = ExitStack()
    redactor = Redactor(configuration.secrets)
    stack.enter_context(logging_to(sys.stderr, settings.log_format, settings.log_level, redactor))
    atexit.register(stack.close)
    metrics = None
    if served or settings.metrics_pushgateway_url or settings.metrics_textfile:
        from crypto_signals.observability.metrics import Metrics  # noqa: PLC0415 - loaded where wanted

        metrics = Metrics()
    return Watch(settings, say, metrics)
