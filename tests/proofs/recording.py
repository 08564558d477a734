"""What SQLite asks of the disk, recorded: every write, sync, truncation and deletion, in order.

SQLite does all its I/O through a table of functions (its VFS). While a recording lasts, new connections get
a copy of the usual table in which the functions that change files are wrapped: each is noted, then done. That
is above the kernel and below all of SQLite, needs no tracer and no compiler, and works wherever Python's
SQLite is a shared library. What SQLite promises of its own table (that xSync is an fsync) is taken from it.
"""

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK = 0
SYNC_FULL = 3
_VOID, _INT, _I64, _CHARS = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_char_p


@dataclass(frozen=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True)
class Sync:
    """``full``: down to the platter, where the system knows a difference."""

    file: str
    full: bool


@dataclass(frozen=True)
class Delete:
    """``synced``: with its folder."""

    file: str
    synced: bool


@dataclass(frozen=True)
class Said:
    """Not of the disk: the program was told that what it asked for has been done."""

    what: int


Op = Write | Truncate | Sync | Delete | Said


class _File(ctypes.Structure):
    _fields_ = (("methods", _VOID),)


class _Vfs(ctypes.Structure):
    _fields_ = (
        *(("version", _INT), ("file_size", _INT), ("path_size", _INT), ("next", _VOID), ("name", _CHARS)),
        *(("data", _VOID), ("open", _VOID), ("delete", _VOID)),
        ("others", _VOID * 14),
    )


_METHODS = 19
"""Pointers in sqlite3_io_methods, the first of which stands for its version number."""
_READ_FROM = {"write": 3, "truncate": 4, "sync": 5}

_Open = ctypes.CFUNCTYPE(_INT, _VOID, _VOID, _VOID, _INT, ctypes.POINTER(_INT))
_Delete = ctypes.CFUNCTYPE(_INT, _VOID, _VOID, _INT)
_Write = ctypes.CFUNCTYPE(_INT, _VOID, _VOID, _INT, _I64)
_Truncate = ctypes.CFUNCTYPE(_INT, _VOID, _I64)
_Sync = ctypes.CFUNCTYPE(_INT, _VOID, _INT)


@dataclass
class Recording:
    """The operations on files in one folder, by the names of the files. Shared-memory files are left out:
    they are never synced and made anew after a crash."""

    ops: list[Op] = field(default_factory=list)
    _kept: list[object] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)

    def say(self, what: int) -> None:
        self.ops.append(Said(what))

    def _opened(self, file: int, path: int | None) -> None:
        """Gives the file a copy of its own table, with our functions in it."""
        if path is None:
            return
        handle = ctypes.cast(file, ctypes.POINTER(_File)).contents
        usual = (_VOID * _METHODS).from_address(handle.methods)
        table = (_VOID * _METHODS)(*usual)
        self._names[file] = _name(path)
        for name, wrapped in self._wrapped(usual).items():
            table[_READ_FROM[name]] = ctypes.cast(wrapped, _VOID)
            self._kept.append(wrapped)
        self._kept.append(table)
        handle.methods = ctypes.addressof(table)

    def _wrapped(self, usual: Any) -> dict[str, Any]:
        really_write, really_truncate = _Write(usual[3]), _Truncate(usual[4])
        really_sync = _Sync(usual[5])

        def write(file: int, data: int, size: int, offset: int) -> int:
            self.ops.append(Write(self._names[file], offset, ctypes.string_at(data, size)))
            return really_write(file, data, size, offset)

        def truncate(file: int, size: int) -> int:
            self.ops.append(Truncate(self._names[file], size))
            return really_truncate(file, size)

        def sync(file: int, flags: int) -> int:
            done = really_sync(file, flags)
            self.ops.append(Sync(self._names[file], full=flags & 0x0F == SYNC_FULL))
            return done

        return {"write": _Write(write), "truncate": _Truncate(truncate), "sync": _Sync(sync)}


def _name(path: int) -> str:
    """Of a path in SQLite's own memory, which has to be handed on as it is: SQLite keeps the pointer."""
    return Path(ctypes.string_at(path).decode()).name


@contextmanager
def recording() -> Iterator[Recording]:
    """Records what connections opened while it lasts do; they have to be closed before it ends."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    usual = library.sqlite3_vfs_find(None)
    ours, made = _Vfs(), Recording()
    ctypes.pointer(ours)[0] = usual.contents
    ours.name = b"recording"
    really_open, really_delete = _Open(usual.contents.open), _Delete(usual.contents.delete)

    def open_file(_vfs: int, path: int | None, file: int, flags: int, out: Any) -> int:
        code = really_open(ctypes.addressof(usual.contents), path, file, flags, out)
        if code == OK:
            made._opened(file, path)
        return code

    def delete(_vfs: int, path: int, synced: int) -> int:
        made.ops.append(Delete(_name(path), bool(synced)))
        return really_delete(ctypes.addressof(usual.contents), path, synced)

    opening, deleting = _Open(open_file), _Delete(delete)
    ours.open, ours.delete = ctypes.cast(opening, _VOID), ctypes.cast(deleting, _VOID)
    library.sqlite3_vfs_register(ctypes.byref(ours), 1)
    try:
        yield made
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(ours))
        library.sqlite3_vfs_register(usual, 1)
