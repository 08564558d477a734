"""Closed signals as lines of JSON, a file a month of their end."""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from pydantic import TypeAdapter

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.engine.ports import Story

_STORY = TypeAdapter(Story)


class FileArchive:
    """An `Archive` in a folder. A signal that was kept twice stands there twice, with the same id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, stories: Sequence[Story]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for month, told in groupby(sorted(stories, key=_month), key=_month):
                self._append(self._folder / f"{month}.jsonl", [_STORY.dump_json(story) for story in told])
            _sync(self._folder)
        except OSError as error:
            raise StoreUnusable(
                f"the archive {self._folder} cannot be written: {error.strerror}. Nothing was deleted. "
                "Check its permissions and the space on its disk, and run again."
            ) from error

    def _append(self, path: Path, lines: list[bytes]) -> None:
        """A line that an earlier cut left unfinished is ended first: it is no story, and harms none."""
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                lines = lines if file.read() == b"\n" else [b"", *lines]
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _month(story: Story) -> str:
    return f"{story.signal.progress.closed_at:%Y-%m}"


def _sync(folder: Path) -> None:
    """A new file is safe only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
