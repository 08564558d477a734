"""Ctrl-C where Python cannot raise it as itself."""

import pytest

from crypto_signals import cli


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
