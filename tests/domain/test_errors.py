"""The exception tree is drawn as it is."""

import inspect
import re

from crypto_signals.domain import errors


def classes() -> list[type]:
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    return [kind for kind in found if kind.__module__ == errors.__name__]


def drawn() -> dict[str, str | None]:
    """Each class of the drawing with the one it hangs from."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for text in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([│ ]*(?:[├└]── )?)([A-Z]\w+)(?: {2,}|$)", text)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = above[depth - 1] if depth else None
            above[depth:] = [found[2]]
    return parents


def test_the_drawing_lists_every_class_under_its_base() -> None:
    """Who reads the tree in the docstring sees every class, and where it really hangs."""
    real = {
        kind.__name__: None if kind.__base__ is Exception else kind.__base__.__name__ for kind in classes()
    }
    assert drawn() == real


def test_every_error_can_be_said_to_a_person() -> None:
    """The text of an error is the message it was raised with."""
    assert {str(kind("it broke")) for kind in classes()} == {"it broke"}


def test_a_usage_error_lists_every_problem() -> None:
    """All problems at once, one a line."""
    assert str(errors.UsageError(["first", "second"])) == "first\nsecond"
    assert errors.UsageError("only").problems == ("only",)


def test_not_sent_says_how_long_to_wait() -> None:
    """What the other side asked for is kept, else a second."""
    assert errors.NotSent("later", retry_after_s=7.5).retry_after_s == 7.5
    assert errors.NotSent("later").retry_after_s == 1.0
