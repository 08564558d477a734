"""What is under ``deploy/gcp``, read as data: expressions stay the text that they are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
GCP = DEPLOY / "gcp"
INDEXES = DEPLOY / "firestore" / "firestore.indexes.json"
PROVIDER: dict[str, Any] = json.loads((Path(__file__).parent / "google_provider.json").read_text())[
    "resources"
]
"""What each resource takes and tells; its source is named in it."""
META = {"depends_on", "for_each", "count", "lifecycle", "provider"}
_PLAIN = re.compile(r'"(.*)"', re.DOTALL)


def plain(value: Any) -> Any:
    """Without the quotes of strings and the marks of the parser."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if not key.startswith("__")}
        return {plain(key): plain(inner) for key, inner in kept.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and (quoted := _PLAIN.fullmatch(value)):
        return quoted[1].replace('\\"', '"')
    return value


@cache
def parsed(name: str) -> dict[str, Any]:
    with (GCP / name).open() as file:
        found: dict[str, Any] = plain(hcl2.load(file))
    return found


def resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The kind, the name and the arguments of each."""
    for path in sorted(GCP.glob("*.tf")):
        for entry in parsed(path.name).get("resource", []):
            for kind, named in entry.items():
                for name, arguments in named.items():
                    yield kind, name, arguments


def resource(kind: str, name: str) -> dict[str, Any]:
    return next(found for k, n, found in resources() if (k, n) == (kind, name))


def local(file: str, name: str) -> Any:
    return next(entry[name] for entry in parsed(file)["locals"] if name in entry)


def variables() -> dict[str, dict[str, Any]]:
    return {name: said for entry in parsed("variables.tf")["variable"] for name, said in entry.items()}


def container() -> dict[str, Any]:
    """The only container of the job."""
    task = resource("google_cloud_run_v2_job", "sentinel")["template"][0]["template"][0]
    (found,) = task["containers"]
    return dict(found)


def manifest() -> dict[str, Any]:
    """The job's task in ``job.yaml``."""
    task: dict[str, Any] = yaml.safe_load((GCP / "job.yaml").read_text())["spec"]["template"]["spec"]
    return task


def terraform(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """Runs it without any configuration of this machine."""
    found = shutil.which("terraform")
    assert found
    environment = {"PATH": str(Path(found).parent), "HOME": str(at), "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(
        [found, *arguments], cwd=at, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
