"""Log lines on stderr: for people, as JSON, or with the names that Google Cloud understands."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor

from crypto_signals.observability.redaction import HideSecrets, Redactor

LogFormat = Literal["console", "json", "gcp"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
OWN = "crypto_signals"
_APART = "google"
"""Google's libraries take their loggers off the others with their first client, whenever that is made."""
_GCP = "logging.googleapis.com"
_LABELS = ("run_id", "symbol", "signal_id", "environment", "logger")


@contextmanager
def logging_to(file: TextIO, style: LogFormat, level: LogLevel | None, redactor: Redactor) -> Iterator[None]:
    """While the block lasts, whatever is logged goes to ``file``, and what nobody catches is logged there.

    Without a ``level``, JSON has what we say from INFO on; on a console people are told all that by the
    commands themselves. Libraries speak from WARNING on, unless the level is DEBUG.
    """
    handler = logging.StreamHandler(file)
    handler.addFilter(HideSecrets(redactor))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(style, file)],
            foreign_pre_chain=_SHARED,
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root, own, apart = (logging.getLogger(name) for name in (None, OWN, _APART))
    before = root.level, own.level, sys.excepthook, threading.excepthook
    root.addHandler(handler)
    apart.addHandler(handler)
    apart.propagate = False
    root.setLevel(logging.DEBUG if level == "DEBUG" else logging.WARNING)
    own.setLevel(level or (logging.CRITICAL if style == "console" else logging.INFO))
    sys.excepthook, threading.excepthook = _uncaught, _uncaught_in_thread
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = before[2], before[3]
        root.setLevel(before[0])
        own.setLevel(before[1])
        root.removeHandler(handler)
        apart.removeHandler(handler)
        structlog.reset_defaults()


def bound(**fields: str) -> AbstractContextManager[Any]:
    """Every line of the block carries ``fields``."""
    return structlog.contextvars.bound_contextvars(**fields) if fields else nullcontext()


def _renamed(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Google Cloud's names: what can be searched for by label, and the rest as the entry's payload."""
    labels = {name: str(fields.pop(name)) for name in _LABELS if fields.get(name) is not None}
    message = str(fields.pop("event", ""))
    if trace := fields.pop("exception", None):
        message = f"{message}\n{trace}"
    named = {
        "severity": str(fields.pop("level", "default")).upper(),
        "message": message,
        "time": fields.pop("timestamp", None),
        f"{_GCP}/labels": labels,
    }
    return named | dict(fields)


def _rendered(style: LogFormat, file: TextIO) -> list[Processor]:
    if style == "console":
        return [structlog.dev.ConsoleRenderer(colors=file.isatty())]
    json = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [_renamed, json] if style == "gcp" else [json]


_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(OWN).critical("stopped by an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
