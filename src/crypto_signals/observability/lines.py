"""One line a symbol and one a run, each of which says all there is to say."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import structlog

from crypto_signals.engine.ports import Delivery, Looked
from crypto_signals.observability.logs import OWN


class LogLines:
    """A `Watcher` that writes log lines."""

    def __init__(self, environment: str) -> None:
        self._log = structlog.stdlib.get_logger(OWN).bind(environment=environment)

    def started(self, run_id: str) -> None:
        structlog.contextvars.bind_contextvars(run_id=run_id)

    def step(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def looked(self, look: Looked) -> None:
        say = self._log.warning if look.error else self._log.info
        say(
            "symbol",
            symbol=look.symbol,
            strategy=look.strategy,
            new_bars=look.new_bars,
            newest=look.newest.isoformat().replace("+00:00", "Z") if look.newest else None,
            feed=look.feed,
            signals=look.signals,
            shadow_signals=look.shadow_signals,
            error=look.error,
        )

    def delivered(self, delivery: Delivery) -> None:
        say = self._log.info if delivery.outcome == "done" else self._log.warning
        say(
            "delivery",
            symbol=delivery.symbol,
            signal_id=delivery.signal_id,
            channel=delivery.channel,
            kind=delivery.kind.value,
            outcome=delivery.outcome,
            attempts=delivery.attempts,
        )

    def finished(self, summary: Mapping[str, object], exit_code: int, duration_s: float) -> None:
        """The line of the run: every figure of its summary, and its errors by service."""
        figures = {
            name: value for name, value in summary.items() if name not in {"run_id", "errors", "duration_s"}
        }
        say = self._log.info if exit_code == 0 else self._log.warning
        say(
            "run",
            **figures,
            duration_s=round(duration_s, 3),
            exit_code=exit_code,
            errors=errors_by_service(summary),
        )
        structlog.contextvars.clear_contextvars()

    def failed(self, error: BaseException, duration_s: float) -> None:
        """The line of a run that has no summary."""
        what = f"{type(error).__name__}: {error}"
        self._log.error("run", duration_s=round(duration_s, 3), error=what)
        structlog.contextvars.clear_contextvars()


def errors_by_service(summary: Mapping[str, object]) -> dict[str, int]:
    """How many errors each service had."""
    counts: dict[str, int] = {}
    errors = summary.get("errors")
    for error in errors if isinstance(errors, list) else []:
        counts[error["service"]] = counts.get(error["service"], 0) + 1
    return counts
