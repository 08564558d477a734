"""The workflows, read as data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
PATHS = sorted((GITHUB / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in PATHS}
ON = True
"""How YAML reads the key ``on``."""


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each as workflow/job."""
    for name, workflow in WORKFLOWS.items():
        for job, said in workflow["jobs"].items():
            yield f"{name}/{job}", said


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with the job that it belongs to."""
    for job, said in jobs():
        for step in said.get("steps", []):
            yield job, step


def script(job: str, name: str) -> str:
    """What a named step of a job runs."""
    return next(str(step["run"]) for where, step in steps() if where == job and step.get("name") == name)
