"""The folder in which a program keeps its state, held by one program at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from crypto_signals.domain.errors import StoreUnusable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class HeldByAnother(Exception):
    """Another program runs on this folder; the message says which."""


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Holds ``folder`` for as long as the block lasts. The kernel lets go when the process ends,
    however it ends. Raises ``HeldByAnother`` at once, or ``StoreUnusable``."""
    with _translated(folder):
        private(folder)
        handle = (folder / "lock").open("ab+", buffering=0)
    with handle:
        with _translated(folder):
            _take(handle, folder)
        yield folder


def private(folder: Path) -> None:
    """Makes ``folder``; whatever of its path was not there is for this user alone. Raises ``OSError``."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)


def _take(handle: FileIO, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().decode(errors="replace").strip() or "another process"
        raise HeldByAnother(f"{folder} is held by {holder}; nothing was done here.") from None
    handle.truncate(0)
    handle.write(f"process {os.getpid()}\n".encode())


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "Free some space there" if error.errno in _FULL else "Set SENTINEL_HOME"
        raise StoreUnusable(f"the folder {folder} cannot be used: {error.strerror}. {advice}.") from error


def identity(home: Path) -> str:
    """How this host and folder are called where several hosts share a store; the same after a restart."""
    file = home / "instance"
    with _translated(home):
        name = file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else ""
        if not name:
            name = uuid4().hex[:8]
            file.write_text(f"{name}\n", encoding="utf-8")
    return f"{gethostname()}/{name}"
