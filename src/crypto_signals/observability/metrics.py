"""What a run did and in what state it left things, as Prometheus reads it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from crypto_signals import __version__
from crypto_signals.engine.ports import Delivery, Looked
from crypto_signals.observability.lines import errors_by_service

if TYPE_CHECKING:
    from datetime import datetime

LAST_SUCCESS = "sentinel_last_success_timestamp_seconds"
BREAKERS = {"closed": 0, "half-open": 1, "open": 2}
_STEPS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_COUNTED = ("requests", "retries", "quarantined", "cancelled", "announcements", "follow_ups")


class Metrics:
    """A `Watcher` with a registry of its own, filled over the life of the process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        gauge = partial(Gauge, namespace="sentinel", registry=self.registry)
        counter = partial(Counter, namespace="sentinel", registry=self.registry)
        histogram = partial(Histogram, namespace="sentinel", registry=self.registry, buckets=_STEPS_S)
        self._build = gauge("build_info", "The version that runs.", ["version"])
        self._build.labels(__version__).set(1)
        self._runs = counter("runs", "Runs, by how they ended.", ["outcome"])
        self._last_run = gauge("last_run_timestamp_seconds", "When the last run ended.")
        self._last_success: Gauge | None = None
        self._duration = histogram("run_duration_seconds", "How long runs took.")
        self._steps = histogram("step_duration_seconds", "How long the steps of runs took.", ["step"])
        self._symbols = counter("symbols", "Symbols looked at.", ["asset_class", "outcome"])
        self._signals = counter("signals", "New signals.", ["asset_class", "kind"])
        self._deliveries = counter("deliveries", "Attempts to tell people.", ["channel", "kind", "outcome"])
        self._errors = counter("errors", "What runs named as failed.", ["service"])
        self._done = counter("done", "What runs counted.", ["what"])
        self._breakers = gauge(
            "breaker_state", "Whether a service is asked: 0 yes, 1 on trial, 2 no.", ["service"]
        )
        self._effects = gauge("effects", "Messages that are not delivered.", ["status"])
        self._owed_age = gauge("oldest_owed_seconds", "How long ago that happened which is to be told first.")
        self._open = gauge("open_signals", "Signals that are followed.")
        self._drift = gauge(
            "drifted", "Setups worse than was measured.", ["detector", "direction", "asset_class"]
        )
        self._newest = gauge("newest_bar_timestamp_seconds", "The newest bar of any symbol.", ["asset_class"])
        self._stalest = gauge(
            "stalest_bar_timestamp_seconds",
            "The newest bar of the symbol that is furthest behind.",
            ["asset_class"],
        )
        self._bars: dict[str, list[datetime]] = {}

    def started(self, run_id: str) -> None:  # noqa: ARG002
        self._bars.clear()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with self._steps.labels(name).time():
            yield

    def looked(self, look: Looked) -> None:
        kind = look.asset_class.value
        self._symbols.labels(kind, "failed" if look.error else "done").inc()
        self._signals.labels(kind, "signal").inc(look.signals)
        self._signals.labels(kind, "shadow").inc(look.shadow_signals)
        if look.newest is not None:
            self._bars.setdefault(kind, []).append(look.newest)

    def delivered(self, delivery: Delivery) -> None:
        self._deliveries.labels(delivery.channel, delivery.kind.value, delivery.outcome).inc()

    def finished(self, summary: Mapping[str, object], exit_code: int, duration_s: float) -> None:
        """Notes the figures of a run that has a summary."""
        self._ended("done" if exit_code == 0 else "incomplete", duration_s)
        if exit_code == 0:
            self.succeeded(time.time())
        for service, count in errors_by_service(summary).items():
            self._errors.labels(service).inc(count)
        for name in _COUNTED:
            self._done.labels(name).inc(_number(summary, name))
        for status in ("owed", "unknown", "dead"):
            self._effects.labels(status).set(_number(summary, status))
        self._owed_age.set(_number(summary, "oldest_owed_s"))
        self._open.set(_number(summary, "open_signals"))
        breakers = summary.get("breakers")
        for service, state in breakers.items() if isinstance(breakers, dict) else ():
            self._breakers.labels(service).set(BREAKERS.get(state, 2))
        self._drift.clear()
        drift = summary.get("drift")
        for row in drift if isinstance(drift, list) else ():
            self._drift.labels(row["detector"], row["direction"], row["asset_class"]).set(1)
        for kind, stamps in self._bars.items():
            self._newest.labels(kind).set(max(stamps).timestamp())
            self._stalest.labels(kind).set(min(stamps).timestamp())

    def failed(self, error: BaseException, duration_s: float) -> None:
        """Notes a run that has no summary."""
        self._ended("failed", duration_s)
        self._errors.labels(type(error).__name__).inc()

    def succeeded(self, when: float) -> None:
        """The time of a success is shown from the first one on: no success is not one in 1970."""
        if self._last_success is None:
            said = "When the last run ended in which all went well."
            self._last_success = Gauge(LAST_SUCCESS, said, registry=self.registry)
        self._last_success.set(when)

    def _ended(self, outcome: str, duration_s: float) -> None:
        self._runs.labels(outcome).inc()
        self._duration.observe(duration_s)
        self._last_run.set(time.time())


def _number(summary: Mapping[str, object], name: str) -> float:
    value = summary.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
