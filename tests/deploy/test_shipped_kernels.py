"""An installation that brings its kernels compiled: they are found where nothing of it can be written."""

import sys
from pathlib import Path

from crypto_signals import compile_cache
from e2e.program import Program, clean

KERNEL = """
import sys
sys.prefix = sys.argv[1]
from crypto_signals.compile_cache import njit

@njit(cache=True)
def kernel(number):
    return number + 1

print(kernel(1))
"""


def test_what_was_shipped_is_not_compiled_again(tmp_path: Path) -> None:
    """A cache elsewhere shows the shipped kernel, and no process adds any."""
    program = Program(tmp_path, {"NUMBA_DEBUG_CACHE": "1"})
    shipped, elsewhere = tmp_path / "prefix" / "share", tmp_path / "elsewhere"
    (tmp_path / "kernel.py").write_text(KERNEL)
    words = [sys.executable, "kernel.py", str(tmp_path / "prefix")]
    first = clean(program.command(words, XDG_CACHE_HOME=shipped, NUMBA_CACHE_DIR=None))
    assert "data saved" in first.out
    second = clean(program.command(words, XDG_CACHE_HOME=elsewhere, NUMBA_CACHE_DIR=None))
    assert "data saved" not in second.out
    assert "data loaded" in second.out
    assert all(path.is_symlink() for path in elsewhere.rglob("*.nb?"))


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    """A kernel that this user compiled is not replaced, and a second start changes nothing."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for folder, words in ((shipped, "shipped"), (own, "own")):
        (folder / "room").mkdir(parents=True)
        (folder / "room" / "kernel.nbi").write_text(words)
    (shipped / "room" / "other.nbi").write_text("shipped")
    for _ in range(2):
        compile_cache._link(shipped, own)
    assert (own / "room" / "kernel.nbi").read_text() == "own"
    assert (own / "room" / "other.nbi").readlink() == shipped / "room" / "other.nbi"
