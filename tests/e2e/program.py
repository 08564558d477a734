"""The real program as a process of its own: in its own folder, with nothing of this machine's configuration.

Where nothing but its own settings differs, and a test waits for its end, it is forked from one that has
loaded other people's libraries already (`e2e.starting`); else it is started as a user starts it.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.starting import kept, may_be_warm, warmly

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "src" / "crypto_signals" / "data"
CRYPTO = BUNDLED / "crypto_daily.parquet"
EQUITY = BUNDLED / "equity_daily.parquet"
REAL_DATA = ROOT.parent / "shared" / "data"
SENTINEL = str(Path(sys.executable).parent / "sentinel")
LIMIT_S = 90
ISO_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """stdout as JSON lines; anything else on it fails here."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """The only object on stdout."""
        (row,) = self.rows
        return row

    @property
    def said(self) -> list[str]:
        """The lines of stderr."""
        return self.err.splitlines()

    @property
    def everything(self) -> str:
        return self.out + self.err


@dataclass
class Program:
    """``sentinel`` started in ``folder``, its state in ``folder/home``, nothing set but ``settings``."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return Path(self.settings.get("SENTINEL_HOME", self.folder / "home"))

    def without_notices(self) -> "Program":
        """Told of signals alone, and of no day and no week."""
        wanted = "[messages]\nheartbeat = false\nweekly = false\n"
        (self.folder / "sentinel.toml").write_text(wanted, encoding="utf-8")
        return self

    def environment(self, **settings: object) -> dict[str, str]:
        """A clean environment; a setting given as ``None`` is not set."""
        given = {"SENTINEL_HOME": str(self.home), **self.settings, **settings}
        return kept() | {name: str(value) for name, value in given.items() if value is not None}

    def __call__(self, *words: object, **settings: object) -> Answer:
        return self.command([SENTINEL, *map(str, words)], **settings)

    def command(self, command: list[str], **settings: object) -> Answer:
        environment = self.environment(**settings)
        if command[0] == SENTINEL and may_be_warm(environment):
            done = warmly(command, self.folder, environment, LIMIT_S)
        else:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        return self._noted(Answer(done.returncode, done.stdout, done.stderr))

    def start(self, *words: object, **settings: object) -> subprocess.Popen[str]:
        """A command that goes on while the test does something else; end it with ``finish``."""
        return subprocess.Popen(
            [SENTINEL, *map(str, words)],
            cwd=self.folder,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str], seconds: float = LIMIT_S) -> Answer:
        """Waits for the end; a process that outlives its time is killed and fails the test."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self._noted(Answer(process.returncode, out, err))
            raise AssertionError(f"still running after {seconds} s; it said: {err[-500:]}") from None
        return self._noted(Answer(process.returncode, out, err))

    def stop(self, process: subprocess.Popen[str], number: signal.Signals, seconds: float = 10) -> Answer:
        """Sends a signal and waits for the end, no longer than the design allows."""
        process.send_signal(number)
        return self.finish(process, seconds)

    def run(self, now: str | None = None, **settings: object) -> Answer:
        """One run of the main job, with its summary as JSON."""
        return self("run", "--format", "json", SENTINEL_NOW=now, **settings)

    def signals(self) -> list[dict[str, Any]]:
        """Everything stored that is no shadow."""
        rows = self("signals", "list", "--format", "json").rows
        return [row for row in rows if row["status"] != "REJECTED_BY_FILTER"]

    def story(self, signal_id: str) -> dict[str, Any]:
        return self("signals", "show", signal_id, "--format", "json").row

    def copy(self, folder: Path) -> "Program":
        """The same program with a copy of the state."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.home, folder / "home")
        for file in self.folder.glob("sentinel.toml"):
            shutil.copy(file, folder)
        return Program(folder, dict(self.settings))

    def leaks(self, *secrets: str) -> list[str]:
        """Where one of ``secrets`` can be read: in what was printed, or in a file of the state."""
        found = [
            f"{secret} in output: {answer.everything[:300]}"
            for answer in self.answers
            for secret in secrets
            if secret in answer.everything
        ]
        for path in (p for p in self.home.rglob("*") if p.is_file()):
            content = path.read_bytes()
            found += [f"{secret} in {path}" for secret in secrets if secret.encode() in content]
        return found

    def _noted(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def clean(answer: Answer) -> Answer:
    """An answer without a traceback or a warning of Python's own."""
    assert "Traceback" not in answer.everything, answer.everything[-2000:]
    assert "Warning:" not in answer.err, answer.err[-2000:]
    return answer


def one_line(answer: Answer, code: int) -> str:
    """The single line on stderr with which a command ended; nothing on stdout."""
    clean(answer)
    assert (answer.code, answer.out, len(answer.said)) == (code, "", 1), answer
    return answer.said[0]


def texts(message: dict[str, Any]) -> str:
    """All the words of a Discord message."""
    parts = [message["content"]]
    for embed in message["embeds"]:
        parts += [
            embed.get("title", ""),
            embed.get("description", ""),
            embed.get("footer", {}).get("text", ""),
        ]
        parts += [f"{item['name']}\n{item['value']}" for item in embed.get("fields", [])]
    return "\n".join(parts)
