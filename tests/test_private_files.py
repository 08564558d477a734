"""Files that are for one user: whatever the umask, and whichever command comes first."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto_signals.home import private
from e2e.program import CRYPTO, Program, clean


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A home that is not there yet, below a folder that is not there either."""
    before = os.umask(0o022)
    home = str(tmp_path / "deep" / "home")
    yield Program(
        tmp_path, {"SENTINEL_HOME": home, "BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD"}
    )
    os.umask(before)


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("signals", "list"),
        ("health",),
        ("demo", "--days", "1"),
        ("backtest", "--bars", CRYPTO, "--symbol", "BTC/USD", "--charts", "0"),
        ("evidence", "--bars", CRYPTO, "--symbol", "BTC/USD", "--to", "2016-12-31"),
    ],
    ids=lambda words: words[0],
)
def test_the_state_is_for_its_user_alone(program: Program, words: tuple[object, ...]) -> None:
    """Nobody else can enter the folder, so whatever is in it is out of reach."""
    clean(program(*words))
    assert program.home.stat().st_mode & 0o777 == 0o700
    assert any(program.home.iterdir())


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody may have shared it on purpose, as the volume of a container is."""
    tmp_path.chmod(0o755)
    private(tmp_path / "a" / "b")
    modes = [folder.stat().st_mode & 0o777 for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")]
    assert modes == [0o755, 0o700, 0o700]
    private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
