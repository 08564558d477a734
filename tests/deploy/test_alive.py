"""The health check of a container: what it says is what ``/healthz`` says."""

from collections.abc import Iterator
from contextlib import contextmanager

from crypto_signals.scripts.alive import alive
from crypto_signals.web.server import Page, serving


@contextmanager
def living(*, good: bool) -> Iterator[str]:
    """HOST:PORT of a program that lives, or of one that is stuck."""
    with serving("127.0.0.1:0", {"/healthz": lambda: Page.of("…", good=good)}) as url:
        yield url.removeprefix("http://")


def test_a_program_that_lives_is_well() -> None:
    """200 is a yes."""
    with living(good=True) as bind:
        assert alive(bind)


def test_a_program_that_listens_everywhere_is_asked_here() -> None:
    """A container's program binds to 0.0.0.0, which is this machine to whoever asks it."""
    with living(good=True) as bind:
        assert alive(bind.replace("127.0.0.1", "0.0.0.0"))  # noqa: S104 - only asked


def test_a_stuck_program_and_none_at_all_are_not() -> None:
    """503 is a no, and so is silence."""
    with living(good=False) as bind:
        assert not alive(bind)
    assert not alive(bind)
