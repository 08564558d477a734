"""The folder in which a program keeps its state, held by one program at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from crypto_signals.domain.errors import StoreUnusable


class HeldByAnother(Exception):
    """Another program runs on this folder; the message says which."""


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Holds ``folder`` for as long as the block lasts. The kernel lets go when the process ends,
    however it ends. Raises ``HeldByAnother`` at once, or ``StoreUnusable``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreUnusable(
            f"the folder {folder} cannot be used: {error.strerror}. Set SENTINEL_HOME."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise HeldByAnother(f"{folder} is held by {holder}; nothing was done here.") from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()}\n")
        handle.flush()
        yield folder


def identity(home: Path) -> str:
    """How this host and folder are called where several hosts share a store; the same after a restart."""
    file = home / "instance"
    name = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    if not name:
        name = uuid4().hex[:8]
        file.write_text(f"{name}\n", encoding="utf-8")
    return f"{gethostname()}/{name}"
