"""A folder as a reader of the pages has it, and the program in it."""

import io
import os
import shlex
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.cli import main
from crypto_signals.config import Settings

SYMBOL = "BTC/USD"
DAYS = 700
NOW = "2020-01-18T00:10:00Z"
"""When the newest of the bars has just become known."""


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str


def furnish(folder: Path) -> None:
    """The files that the pages speak of: bars by several names, and a strategy called swing."""
    folder.mkdir(parents=True, exist_ok=True)
    daily = bars("crypto_daily.parquet")
    daily = daily.slice(max(0, daily.num_rows - DAYS))
    shipped = "src/crypto_signals/data/crypto_daily.parquet"
    for file in ("bars.parquet", "my_bars.parquet", "daily.parquet", "bars/btc.parquet", shipped):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(daily, folder / file)
    hourly = bars("crypto_hourly.parquet")
    pq.write_table(hourly.slice(max(0, hourly.num_rows - 24 * 60)), folder / "hourly.parquet")
    (folder / "sentinel.toml").write_text("[strategies.swing]\n", encoding="utf-8")


def bars(file: str) -> pa.Table:
    table = pq.read_table(SAMPLE_BARS / file)
    return table.filter(pc.equal(table["symbol"], SYMBOL))


def sentinel(folder: Path, words: list[str], **settings: str) -> Said:
    """A command in this process, which knows the compiled kernels already."""
    out, err = io.StringIO(), io.StringIO()
    with _elsewhere(folder, settings), redirect_stdout(out), redirect_stderr(err):
        try:
            main(words)
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
    return Said(code, out.getvalue(), err.getvalue())


def commands(text: str) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Each command of a block, with the settings before it."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        settings: dict[str, str] = {}
        while words and "=" in words[0] and words[0].split("=")[0].isupper():
            key, _, value = words.pop(0).partition("=")
            settings[key] = value
        if words:
            yield settings, words


@contextmanager
def _elsewhere(folder: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """In ``folder``, with nothing set but ``settings`` and what makes bars and time stand still."""
    before, here = dict(os.environ), Path.cwd()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ.update({"BARS_URL": "file:bars.parquet", "SENTINEL_NOW": NOW, "COLUMNS": "200", **settings})
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def python(folder: Path, text: str) -> str:
    """What a script prints."""
    out = io.StringIO()
    with _elsewhere(folder, {}), redirect_stdout(out):
        exec(compile(text, "the page", "exec"), {"__name__": "page"})  # noqa: S102 - our own page
    return out.getvalue()
