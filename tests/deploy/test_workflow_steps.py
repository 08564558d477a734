"""The scripts of a deployment, run with a stand-in for gcloud and with the real curl and jq."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.workflow_files import WORKFLOWS, script

NEW, OLD = f"sha256:{'1' * 64}", f"sha256:{'0' * 64}"
GCLOUD = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in *describe*) echo "$FORMERLY" ;; esac
"""


class Heard(BaseHTTPRequestHandler):
    """Discord, as far as a notice needs it."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def discord() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address, and what it was told."""
    handler = type("Handler", (Heard,), {"bodies": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/webhooks/1/secret", handler.bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "digest").write_text(NEW)
    (tmp_path / "gcloud").write_text(GCLOUD)
    (tmp_path / "gcloud").chmod(0o755)
    return tmp_path


def run(name: str, folder: Path, **environment: str) -> str:
    """What a step of the deployment says, run as GitHub does."""
    given = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_REF_NAME": "v1.2.3",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "7",
        "JOB": "sentinel",
        "REGION": "us-central1",
        "IMAGE": "registry/sentinel",
    }
    bash = [
        shutil.which("bash") or "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        script("deploy/deploy", name),
    ]
    said = subprocess.run(
        bash, cwd=folder, env=given | environment, capture_output=True, text=True, timeout=60, check=True
    )
    return said.stdout


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_an_image_is_deployed_by_its_digest_and_the_former_one_is_remembered(folder: Path) -> None:
    """A tag could have been moved since."""
    run("Deploy", folder, FORMERLY=f"registry/sentinel@{OLD}")
    assert (
        calls(folder)[-1] == f"run jobs update sentinel --region=us-central1 --image=registry/sentinel@{NEW}"
    )
    assert (folder / "output").read_text() == f"former=registry/sentinel@{OLD}\n"


def test_it_is_tried_out_by_an_execution_that_posts_nothing(folder: Path) -> None:
    """``sentinel health``, and the step waits for how it ends."""
    run("Try it out", folder)
    (call,) = calls(folder)
    assert call.startswith("run jobs execute sentinel")
    assert "--args=health" in call
    assert call.endswith("--wait")


def test_what_ran_before_runs_again_after_a_failure(folder: Path) -> None:
    """The step is run where one before it failed or was cancelled, and not before something was deployed."""
    run("Roll back", folder, FORMER=f"registry/sentinel@{OLD}")
    assert calls(folder) == [f"run jobs update sentinel --region=us-central1 --image=registry/sentinel@{OLD}"]
    steps = {step.get("name"): step for step in WORKFLOWS["deploy"]["jobs"]["deploy"]["steps"]}
    assert steps["Roll back"]["if"] == "(failure() || cancelled()) && steps.deploy.outputs.former"
    names = list(steps)
    assert names.index("Deploy") < names.index("Try it out") < names.index("Roll back")


@pytest.mark.parametrize(("outcome", "words"), [("success", f"Deployed v1.2.3 ({NEW})"), ("failure", OLD)])
def test_people_are_told_how_it_went(
    folder: Path, discord: tuple[str, list[dict[str, Any]]], outcome: str, words: str
) -> None:
    """In one message that calls nobody, whatever a tag is named; the webhook stays out of what is printed."""
    address, heard = discord
    said = run("Tell Discord", folder, WEBHOOK=address, OUTCOME=outcome, FORMER=OLD, GITHUB_REF_NAME="v1.2.3")
    (message,) = heard
    assert words in message["content"]
    assert message["allowed_mentions"] == {"parse": []}
    assert "secret" not in said


def test_without_a_webhook_nobody_is_told_and_nothing_fails(folder: Path) -> None:
    """A notice is wished for, not needed."""
    assert "nobody is told" in run("Tell Discord", folder, WEBHOOK="", OUTCOME="success", FORMER="")
