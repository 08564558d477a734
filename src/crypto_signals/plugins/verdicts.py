"""Which detectors of a source passed the conformance kit: asked once for each content and program version."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from crypto_signals import __version__
from crypto_signals.domain.errors import UsageError
from crypto_signals.plugins.sources import Source, check_syntax, fingerprint

PATIENCE_S = 30.0
"""How long the import of a source, or the judging of one of its detectors, may take."""
POLL_S = 0.1
MOST_DETECTORS = 200
KEPT_VERDICTS = 200

Verdict = Mapping[str, str]
"""For each detector of a source, what it failed; empty: nothing."""


@dataclass(slots=True)
class _Report:
    """What a process of its own said before it ended, or was ended."""

    ending: str
    imported: list[str] | None = None
    usage: list[str] = field(default_factory=list)
    judging: str | None = None
    faults: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class Verdicts:
    """Verdicts kept in ``detectors.json`` of the state folder, by content of the source and program version.

    Where nothing can be written, each program judges again.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / "detectors.json"
        self._kept: dict[str, dict[str, str]] = _read(self._file)

    def of(self, source: Source) -> Verdict:
        """Raises ``UsageError`` for a source that cannot be imported."""
        check_syntax(source)
        key = f"{__version__} {fingerprint(source)}"
        if key not in self._kept:
            self._kept[key] = dict(judge(source))
            self._write()
        return self._kept[key]

    def _write(self) -> None:
        newest = dict(list(self._kept.items())[-KEPT_VERDICTS:])
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._file.parent, delete=False
            ) as file:
                json.dump(newest, file, indent=1)
            Path(file.name).replace(self._file)


def judge(source: Source, patience_s: float = PATIENCE_S) -> Verdict:
    """Runs the kit on every detector of the source in a process of its own, then asks a second process.

    A process that does not come back is ended; the detector it was at has failed, the others are judged by
    a new one. Raises ``UsageError``.
    """
    verdict: dict[str, str] = {}
    digests: dict[str, str] = {}
    for _ in range(MOST_DETECTORS):
        report = _inspected(source, "judge", verdict, patience_s)
        if report.usage:
            raise UsageError(report.usage)
        if report.imported is None:
            raise UsageError(f"{source}: {report.ending} while it was imported; {source.remedy}")
        verdict |= report.faults
        digests |= report.digests
        if report.judging is None:
            break
        verdict[report.judging] = f"well_formed: it {report.ending}"
    failed = [name for name, fault in verdict.items() if fault]
    if len(failed) < len(verdict):
        again = _inspected(source, "digests", failed, patience_s)
        for name in verdict.keys() - set(failed):
            if again.digests.get(name) != digests[name]:
                verdict[name] = "deterministic: says something else in another process"
    return verdict


def _inspected(source: Source, job: str, left_out: Iterable[str], patience_s: float) -> _Report:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        path = "" if source.path is None else str(source.path.absolute())
        command = [sys.executable, "-m", "crypto_signals.plugins.inspection", str(report), job]
        ending = _run([*command, path, source.entry_point, *left_out], report, patience_s)
        return _read_report(report, ending)


def _run(command: list[str], report: Path, patience_s: float) -> str:
    """Waits as long as the process makes progress; how it ended, in words."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(  # noqa: S603 - this Python, with arguments of our own
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return _awaited(process, report, patience_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _awaited(process: "subprocess.Popen[bytes]", report: Path, patience_s: float) -> str:
    size, deadline = 0, time.monotonic() + patience_s
    while True:
        with suppress(subprocess.TimeoutExpired):
            return f"ended the process with {_code(process.wait(POLL_S))}"
        grown = report.stat().st_size if report.exists() else 0
        if grown > size:
            size, deadline = grown, time.monotonic() + patience_s
        elif time.monotonic() > deadline:
            return f"did not come back within {patience_s:g} s"


def _code(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _read_report(path: Path, ending: str) -> _Report:
    report = _Report(ending)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        said = json.loads(line)
        report.usage += said.get("usage", [])
        report.imported = said.get("imported", report.imported)
        report.judging = said.get("judging", report.judging)
        if name := said.get("judged"):
            report.judging = None
            report.faults[name] = said.get("fault", "")
            report.digests[name] = said["digest"]
    return report


def _read(path: Path) -> dict[str, dict[str, str]]:
    """What was kept; nothing where the file is missing or is not ours."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
