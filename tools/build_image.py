"""Builds the container image without a container engine, runs it, and says whether it is what was promised.

Usage: ``build_image.py [--json] [--lock requirements-cloud.lock] [--work FOLDER]``, as root, with Debian's
buildah and debootstrap. The base image is a stand-in of the same name (``image_base.py``), the containers are
namespaces of the kernel's (``image_room.py``). ``--work`` keeps the base and the image for the next time.
Exit codes: 0 all is well, 1 something is not, 2 it cannot be tried here.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import image_checks as checks
from image_engine import Engine, Image, missing
from image_room import Room

ROOT = Path(__file__).resolve().parents[1]
CANARY = "sk-canary-that-must-not-be-in-an-image"
GOALS = {"added_mb": 500.0, "start_s": 2.0, "peak_mb": 250.0}
PLAIN = "requirements.lock"


@dataclass(frozen=True)
class Report:
    """What was found, what was measured."""

    findings: list[checks.Finding]
    figures: dict[str, float]
    heaviest: dict[str, float]

    @property
    def good(self) -> bool:
        return all(finding.good for finding in self.findings)


def context(folder: Path) -> Path:
    """The project as a user may have it: what is under version control, and beside it what must stay out."""
    files = subprocess.run(  # noqa: S603 - our own words
        ["git", "-C", str(ROOT), "ls-files", "-z"],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in (
        ".env",
        "src/.env",
        "src/crypto_signals/.env",
        ".git/config",
        ".sentinel/sentinel.db",
        "notes.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CANARY, encoding="utf-8")
    return folder


def base_name() -> str:
    """What the Dockerfile starts from."""
    (name,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return str(name)


def build(engine: Engine, lock: str, folder: Path) -> tuple[Image, Image, float]:
    """The base, the image, and the seconds that it took to build."""
    engine.stand_in(base_name())
    began = time.monotonic()
    tag = f"crypto-sentinel:{lock.removesuffix('.lock')}"
    engine.build(context(folder), tag, LOCK=lock)
    return engine.open(base_name()), engine.open(f"localhost/{tag}"), time.monotonic() - began


def examine(base: Image, image: Image, folder: Path, *, plain: bool) -> Report:
    """Everything that is promised of it."""
    room = Room(image, folder)
    findings = [*checks.privileges(room, image), *checks.secrets(image, CANARY, *machine_words())]
    findings += [*checks.extensions(room), *checks.commands(room), *checks.stopping(room)]
    figures = checks.running(room, findings)._asdict()
    figures["added_mb"] = checks.added_bytes(base.root, image.root) / 1e6
    if plain:
        findings += [
            checks.Finding(name, f"{figures[name]:.2f}, goal < {goal:.0f}", figures[name] < goal)
            for name, goal in GOALS.items()
        ]
    return Report(
        findings, {name: round(figure, 2) for name, figure in figures.items()}, checks.heaviest(image.root)
    )


def machine_words() -> list[str]:
    """What this machine alone knows: the way to its package index."""
    named = [os.environ.get(name, "") for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_PROXY")]
    return [word for value in named for word in value.split()]


def show(report: Report) -> None:
    for finding in report.findings:
        print(f"{'good' if finding.good else 'BAD '}  {finding.what}: {finding.found}")
    for title, figures in (("figures", report.figures), ("heaviest, MB", report.heaviest)):
        print(f"{title}: " + ", ".join(f"{name} {figure}" for name, figure in figures.items()))


def main() -> int:
    """Reads the options, builds, examines, reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="an object on stdout instead of lines")
    parser.add_argument("--lock", default=PLAIN, help="the locked requirements to install")
    parser.add_argument("--work", type=Path, help="a folder to keep the base and the image in")
    options = parser.parse_args()
    if wanting := missing():
        print(f"cannot build an image here: missing {', '.join(wanting)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="sentinel-image-", dir="/var/tmp") as name:
        folder = Path(name)
        engine = Engine(options.work or folder / "work")
        (folder / "context").mkdir()
        (folder / "room").mkdir()
        base, image, seconds = build(engine, options.lock, folder / "context")
        report = examine(base, image, folder / "room", plain=options.lock == PLAIN)
        report.figures["build_s"] = round(seconds, 1)
        engine.close()
    if options.json:
        findings = [finding._asdict() for finding in report.findings]
        print(json.dumps({"figures": report.figures, "heaviest": report.heaviest, "findings": findings}))
    else:
        show(report)
    return int(not report.good)


if __name__ == "__main__":
    sys.exit(main())
