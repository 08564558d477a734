"""Ctrl-C where Python cannot raise it as itself."""

import ctypes
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from crypto_signals import cli
from crypto_signals.cli.interruptions import hear_interruptions


@pytest.fixture
def hearing() -> Iterator[None]:
    """Interruptions are heard while the test lasts."""
    hook, handlers = sys.unraisablehook, {n: signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hear_interruptions()
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.unraisablehook = hook
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("hearing")
def test_an_interruption_that_a_callback_drops_comes_again() -> None:
    """What is raised where compiled code calls Python is lost there, and raised once more outside."""

    def call() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come in any of the two
        ctypes.CFUNCTYPE(None)(call)()
        time.sleep(5)


@pytest.mark.usefixtures("hearing")
def test_an_interruption_spares_the_compiler() -> None:
    """It calls back from its own code, which cannot bear it: what it has in hand is finished first."""
    compiler: dict[str, object] = {"__name__": "llvmlite.binding.executionengine", "signal": signal}
    exec("def notify():\n    signal.raise_signal(signal.SIGINT)\n    return 'whole'", compiler)  # noqa: S102
    notify = compiler["notify"]
    assert callable(notify)
    assert notify() == "whole"
    with pytest.raises(KeyboardInterrupt):
        time.sleep(5)


def broken_by(cause: BaseException) -> SystemError:
    """What CPython makes of an exception that is set while a compiled function hands over its result."""
    error = SystemError("returned a result with an exception set")
    error.__cause__ = cause
    return error


def test_an_interruption_inside_compiled_code_ends_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 130, no traceback."""

    def command(_arguments: object) -> None:
        raise broken_by(KeyboardInterrupt())

    monkeypatch.setattr(cli, "application", command)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 130


def test_another_break_inside_compiled_code_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect stays visible."""

    def command(_arguments: object) -> None:
        raise broken_by(ValueError())

    monkeypatch.setattr(cli, "application", command)
    with pytest.raises(SystemError):
        cli.main([])
