"""Where compiled kernels are kept: where this user may write, and never out of date."""

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

_KERNELS = tuple(Path(__file__).parent / room for room in ("analysis", "domain", "research"))
"""Where they are, and what they take their constants from."""
_VARIABLE = "NUMBA_CACHE_DIR"


def choose() -> None:
    """Points the compiler at a folder of this user's, named after the sources of the kernels.

    The compiler notices a change in a kernel's own file alone, not in what it calls. Where the user has no
    folder that can be written, kernels are compiled anew by each process. ``NUMBA_CACHE_DIR`` wins. The
    compiler itself, slow to load, is left to those who compile: it reads its environment when it is loaded.
    """
    if "numba" in sys.modules:
        from numba import config  # noqa: PLC0415

        config.CACHE_DIR = config.CACHE_DIR or str(_folder())  # type: ignore[attr-defined]
    elif not os.environ.get(_VARIABLE):
        os.environ[_VARIABLE] = str(_folder())


def _folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - "~" may stay
    folder = Path(home) / "crypto-sentinel" / _fingerprint()
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
