"""Bars that were fetched once, in files under the state folder: one file for each kind of bars.

A file is numpy's ``.npz``, a zip archive: its checksums tell when a byte is not what was written. What cannot
be read is fetched again, and what cannot be written costs the next run some requests: the cache never fails
a run. Only one program at a time may use the folder.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto_signals.market.fetching import BarKind
from crypto_signals.market.raw import VALUES, RawBars

FORMAT = 1
_STAMP = np.dtype("datetime64[us]")


@dataclass(frozen=True, slots=True)
class Kept:
    """One symbol's completed bars as the service sent them, by stamp, all that there were from
    ``asked_from`` on."""

    asked_from: np.datetime64
    bars: RawBars


class BarCache:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._warnings: list[str] = []

    def said(self) -> list[str]:
        """What could not be read or written since this was asked last, for people."""
        said, self._warnings = self._warnings, []
        return said

    def load(self, kind: BarKind) -> dict[str, Kept]:
        """Every symbol's bars of one kind; nothing where there is no good file."""
        path = self._path(kind)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return _unpacked(stored)
        except FileNotFoundError:
            return {}
        except (
            OSError,
            ValueError,
            KeyError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            zipfile.BadZipFile,
        ):
            self._warnings.append(f"the bar cache {path} is damaged: its bars are fetched again")
            return {}

    def save(self, kind: BarKind, kept: Mapping[str, Kept]) -> None:
        """Puts these in the place of all that was kept of this kind; at once, or not at all."""
        path = self._path(kind)
        draft = path.with_suffix(".draft")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **_packed(kept))
            draft.replace(path)
        except OSError as error:
            self._warnings.append(
                f"the bar cache {path} cannot be written ({error.strerror}); the next run fetches again"
            )

    def _path(self, kind: BarKind) -> Path:
        words = (kind.asset_class.value, kind.timeframe.name, kind.feed, kind.adjustment)
        return self._folder / f"{'-'.join(words)}.npz"


def _packed(kept: Mapping[str, Kept]) -> dict[str, NDArray[Any]]:
    """Columns of all symbols end to end, with the length of each."""
    joined = RawBars.joined([own.bars for own in kept.values()])
    return {
        "format": np.array(FORMAT),
        "symbols": np.array(list(kept), np.str_),
        "asked_from": np.array([own.asked_from for own in kept.values()], _STAMP),
        "lengths": np.array([len(own.bars) for own in kept.values()], np.int64),
        "ts": joined.ts,
        **dict(zip(VALUES, joined.values, strict=True)),
    }


def _unpacked(stored: Mapping[str, NDArray[Any]]) -> dict[str, Kept]:
    """Raises ``ValueError`` where the columns do not fit each other."""
    if stored["format"] != FORMAT:
        raise ValueError("another format")
    columns = [stored[name] for name in ("ts", *VALUES)]
    lengths = stored["lengths"]
    ends = np.cumsum(lengths).tolist()
    if {len(column) for column in columns} != {ends[-1] if ends else 0} or np.any(lengths < 1):
        raise ValueError("columns of other lengths")
    stamps = {stored[name].dtype for name in ("ts", "asked_from")}
    if stamps != {_STAMP} or {column.dtype for column in columns[1:]} != {np.dtype(np.float64)}:
        raise ValueError("columns of other kinds")
    rows = zip(stored["symbols"].tolist(), stored["asked_from"], [0, *ends], ends, strict=False)
    return {
        symbol: Kept(asked_from, RawBars(*(column[start:end] for column in columns)))
        for symbol, asked_from, start, end in rows
    }
