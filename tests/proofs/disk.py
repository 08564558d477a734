"""A disk that loses its power: what was synced is there, and of the rest any part, in any order.

A write that was not synced may be there or not, sector by sector; a file that grew may hold zeros or rubbish
where nothing arrived; a file that was made or deleted may be there or not until its folder has been synced,
which SQLite does with the first sync of a new journal or write-ahead log. Sectors of 512 bytes arrive whole.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from proofs.recording import Delete, Op, Sync, Truncate, Write

SECTOR = 512
Choice = Callable[[], bool]


@dataclass
class _File:
    """``pending`` is what was asked for since the last sync."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        for op in self.pending:
            _do(self.durable, op)
        self.pending.clear()

    def after_loss(self, arrives: Choice, rng: random.Random) -> bytes:
        content, grown = bytearray(self.durable), len(self.durable)
        for op in self.pending:
            if isinstance(op, Truncate):
                if arrives():
                    _do(content, op)
                continue
            for piece in _sectors(op):
                if arrives():
                    if piece.offset > len(content) and rng.random() < 0.5:
                        content += rng.randbytes(piece.offset - len(content))
                    _do(content, piece)
        assert len(content) >= 0 <= grown
        return bytes(content)


class Disk:
    """A folder of files, as the recorded operations leave it."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._unsure: dict[str, _File | None] = {}

    def do(self, op: Op) -> None:
        match op:
            case Write(name) | Truncate(name):
                if name not in self._files:
                    self._unsure.setdefault(name, None)
                    self._files[name] = _File()
                self._files[name].pending.append(op)
            case Sync(name):
                if name in self._files:
                    self._files[name].sync()
                    if name in self._unsure and name.endswith(("-wal", "-journal")):
                        self._unsure.clear()
            case Delete(name, synced):
                gone = self._files.pop(name, None)
                self._unsure.setdefault(name, gone)
                if synced:
                    self._unsure.clear()

    def after_loss(self, rng: random.Random) -> dict[str, bytes]:
        """One of the many states in which the power may have left it."""
        share = rng.choice((0.0, 0.0, 1.0, 0.5, 0.1, 0.9))
        names = {**self._unsure, **self._files}
        left = {}
        for name in names:
            file = self._files.get(name)
            if name in self._unsure and rng.random() < 0.5:
                file = self._unsure[name]
            if file is not None:
                left[name] = file.after_loss(lambda: rng.random() < share, rng)
        return left


def _do(content: bytearray, op: Write | Truncate) -> None:
    end = op.size if isinstance(op, Truncate) else op.offset + len(op.data)
    content.extend(bytes(max(0, end - len(content))))
    if isinstance(op, Truncate):
        del content[end:]
    else:
        content[op.offset : end] = op.data


def _sectors(op: Write) -> Iterable[Write]:
    start = op.offset
    while start < op.offset + len(op.data):
        end = min(start - start % SECTOR + SECTOR, op.offset + len(op.data))
        yield Write(op.file, start, op.data[start - op.offset : end - op.offset])
        start = end
