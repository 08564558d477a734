"""The compiler of the kernels. What it made is kept where this user may write, and is never out of date.

Kernels take ``njit`` from here, so that it is slow to load for them alone.
"""

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from numba import config, njit

__all__ = ["njit"]
_KERNELS = tuple(Path(__file__).parent / room for room in ("analysis", "domain", "research"))
"""Where they are, and what they take their constants from."""
_SHIPPED = Path(sys.prefix) / "share" / "crypto-sentinel"
"""Where an image brings them compiled."""


def _choose() -> None:
    """Points the compiler at a folder of this user's, named after the sources of the kernels.

    The compiler notices a change in a kernel's own file alone, not in what it calls. Where the user has no
    folder that can be written, kernels are compiled anew by each process, but for those that were shipped.
    ``NUMBA_CACHE_DIR`` wins.
    """
    if not config.CACHE_DIR:  # type: ignore[attr-defined] # set when numba reads its environment
        fingerprint = _fingerprint()
        folder = _folder(fingerprint)
        _link(_SHIPPED / fingerprint, folder)
        config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


def _link(shipped: Path, folder: Path) -> None:
    """Shows in ``folder`` what was shipped: the compiler reads only where it may write, and replaces files
    whole."""
    for path in shipped.glob("*/*"):
        link = folder / path.relative_to(shipped)
        link.parent.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(path)


def _folder(fingerprint: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - "~" may stay
    folder = Path(home) / "crypto-sentinel" / fingerprint
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        own = tempfile.mkdtemp(prefix="crypto-sentinel-")
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return Path(own)


def _fingerprint() -> str:
    sources = sorted(path for room in _KERNELS for path in room.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


_choose()
