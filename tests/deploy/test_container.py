"""The image and the compose file say what was promised of them; with ``make soak`` they are built and run."""

import json
import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LINES = DOCKERFILE.replace("\\\n", " ").splitlines()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
BOT = COMPOSE["services"]["sentinel"]
CLOUD = {name: service for name, service in COMPOSE["services"].items() if name != "sentinel"}


def said(instruction: str) -> list[str]:
    """What follows each ``instruction`` of the Dockerfile."""
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def sent(path: str) -> bool:
    """Whether an engine is shown ``path``: the last line of .dockerignore that fits it decides."""
    shown = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and _fits(pattern, path):
            shown = line.startswith("!")
    return shown


def _fits(pattern: str, path: str) -> bool:
    """A pattern fits a path and all that is below it; ``**/`` stands for any number of folders."""
    parts = path.split("/")
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in parts)
    wanted = pattern.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatch, parts, wanted))


def test_hadolint_has_nothing_to_say() -> None:
    """Each rule that is left aside says why where it is."""
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_exists_and_is_sent() -> None:
    """An image that builds here and not from a clean clone would be of no use."""
    copied = [word for line in said("COPY") if "--from" not in line for word in line.split()[:-1]]
    locks = ["requirements.lock", "requirements-cloud.lock"]
    for name in [word for word in copied if word != "${LOCK}"] + locks:
        assert (ROOT / name).exists(), name
        assert sent(name), name


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".sentinel/sentinel.db",
        "src/.env",
        "src/crypto_signals/.env",
        "sentinel.toml",
        "tests/conftest.py",
        ".venv/bin/python",
        "src/crypto_signals/__pycache__/home.cpython-311.pyc",
        "deploy/compose/cloud.env",
    ],
)
def test_nothing_else_is_sent(path: str) -> None:
    """No secret, no state, no history reaches the engine, and so none can reach a layer."""
    assert not sent(path)
    assert sent("src/crypto_signals/home.py")


def test_the_image_is_of_this_version() -> None:
    """Its label and its Python agree with what the project says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"VERSION={project['version']}" in said("ARG")
    (base,) = (line for line in said("ARG") if line.startswith("BASE="))
    found = re.search(r"python:(\d+\.\d+)\.\d+-slim-", base)
    assert found, "a version of Python, to the last digit"
    assert project["requires-python"] == f">={found[1]}"


def test_everything_that_is_installed_is_locked() -> None:
    """Each package with its hash, the project itself without looking for any."""
    (installed,) = (line for line in said("RUN") if "--requirement" in line or "-r " in line)
    assert "--require-hashes" in installed
    (own,) = (line for line in said("RUN") if "install" in line and "--no-deps" in line)
    assert "--no-build-isolation" in own


def test_it_runs_as_a_user_without_rights_and_is_stopped_by_a_signal() -> None:
    """No shell stands between the engine's SIGTERM and the program."""
    assert said("USER") == ["1000:1000"]
    assert json.loads(said("ENTRYPOINT")[0]) == ["sentinel"]
    assert json.loads(said("CMD")[0]) == ["serve"]
    assert said("VOLUME") == ["/state"]


def test_a_run_is_never_called_unhealthy_before_its_budget_is_spent() -> None:
    """A container that makes one run serves nothing: its check may fail for as long as a run may last."""
    from crypto_signals.config.settings import Settings  # noqa: PLC0415 - for its default alone

    found = re.search(r"--start-period=(\d+)s", DOCKERFILE)
    assert found
    assert int(found[1]) > Settings.model_fields["run_budget_seconds"].default


def test_the_bot_is_confined() -> None:
    """What it may use, and what it may do."""
    assert BOT["deploy"]["resources"]["limits"] == {"cpus": "2", "memory": "1G"}
    assert BOT["read_only"] is True
    assert BOT["cap_drop"] == ["ALL"]
    assert BOT["security_opt"] == ["no-new-privileges:true"]
    assert BOT["volumes"] == ["state:/state"]
    assert int(BOT["stop_grace_period"].removesuffix("s")) > 10
    assert BOT["env_file"] == [{"path": ".env", "required": False}]
    assert "profiles" not in BOT


def test_every_service_is_limited_and_shown_to_this_machine_alone() -> None:
    """None can take the machine, none can be reached from elsewhere."""
    for name, service in COMPOSE["services"].items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_the_cloud_profile_has_the_emulator_and_who_watches() -> None:
    """Each pinned to a version, each started only when asked for."""
    assert CLOUD.keys() == {"firestore", "prometheus", "grafana"}
    for name, service in CLOUD.items():
        assert service["profiles"] == ["cloud"], name
        assert re.search(r":v?\d+\.\d+\.\d+(-emulators)?$", service["image"]), name


def test_what_is_mounted_exists_and_fits_together() -> None:
    """Prometheus reads the bot and the shipped rules; Grafana reads Prometheus and the shipped dashboard."""
    mounted = dict(_mounts())
    assert all((ROOT / place).exists() for place in mounted.values())
    prometheus = yaml.safe_load((ROOT / mounted["/etc/prometheus/prometheus.yml"]).read_text())
    assert prometheus["rule_files"] == ["/etc/prometheus/alerts.yml"]
    (job,) = prometheus["scrape_configs"]
    port = BOT["environment"]["HTTP_BIND"].partition(":")[2]
    assert job["static_configs"] == [{"targets": [f"sentinel:{port}"]}]
    (source,) = _provisioned("datasources")
    assert source["url"] == "http://prometheus:9090"
    (dashboards,) = _provisioned("dashboards")
    assert (ROOT / mounted[dashboards["options"]["path"]] / "crypto-sentinel.json").exists()


def _mounts() -> list[tuple[str, str]]:
    """Where in a container, and which file of the project."""
    volumes = [words.split(":") for service in CLOUD.values() for words in service.get("volumes", [])]
    return [(words[1], words[0]) for words in volumes if words[0].startswith("./")]


def _provisioned(kind: str) -> list[dict[str, Any]]:
    (file,) = (ROOT / "deploy" / "compose" / "grafana" / "provisioning" / kind).iterdir()
    told: dict[str, list[dict[str, Any]]] = yaml.safe_load(file.read_text())
    return told["providers" if kind == "dashboards" else kind]


def test_the_cloud_settings_send_the_store_to_the_emulator() -> None:
    """The file that goes with the profile names what compose passes on, and a lock that has the library."""
    lines = (ROOT / "deploy" / "compose" / "cloud.env").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert told["STORE_URL"].startswith("firestore://")
    host, _, port = told["FIRESTORE_EMULATOR_HOST"].partition(":")
    assert f"--host-port=0.0.0.0:{port}" in CLOUD[host]["command"]
    assert "google-cloud-firestore==" in (ROOT / told["LOCK"]).read_text()
    for name in ("STORE_URL", "FIRESTORE_EMULATOR_HOST"):
        assert BOT["environment"][name] == f"${{{name}:-}}"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_image_is_what_was_promised() -> None:
    """Built and run: size, start, memory, no compilation, no rights, no secrets, and an end by SIGTERM."""
    words = [sys.executable, "tools/build_image.py", "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 2 and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip())
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    bad = [f"{finding['what']}: {finding['found']}" for finding in report["findings"] if not finding["good"]]
    assert not bad, "\n".join(bad)
