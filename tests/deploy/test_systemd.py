"""The units for systemd are what DEPLOYMENT.md says of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("crypto-sentinel*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
HARDENED = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "RestrictNamespaces": "yes",
    "SystemCallArchitectures": "native",
}


def section(unit: Path, name: str) -> dict[str, list[str]]:
    """Every key of a section with all its values; a key may stand there several times."""
    found = re.search(
        rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", unit.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found, name
    pairs: dict[str, list[str]] = {}
    for line in found[1].splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            pairs.setdefault(key, []).append(value)
    return pairs


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_may_do_little(unit: Path) -> None:
    """A user of its own, no rights, a read-only system; and room for what was compiled to be executed."""
    told = section(unit, "Service")
    assert {key: told[key] for key in HARDENED} == {key: [value] for key, value in HARDENED.items()}
    assert "MemoryDenyWriteExecute" not in told
    assert "ReadWritePaths" not in told


def test_both_services_keep_the_same_state_in_the_same_way() -> None:
    """One may go over from serving to a timer and back."""
    first, second = (section(unit, "Service") for unit in SERVICES)
    ways = {"Type", "ExecStart", "Restart", "RestartSec", "TimeoutStartSec"}
    assert {k: v for k, v in first.items() if k not in ways} == {
        k: v for k, v in second.items() if k not in ways
    }


def test_a_stop_is_waited_for_and_is_no_failure() -> None:
    """The program needs ten seconds at most, and exits with 143."""
    for unit in SERVICES:
        told = section(unit, "Service")
        assert int(told["TimeoutStopSec"][0]) > 10
        assert told["SuccessExitStatus"] == ["143"]


def test_the_page_speaks_of_the_paths_of_the_units() -> None:
    """Who follows it puts the files where they are looked for."""
    page = (ROOT / "DEPLOYMENT.md").read_text(encoding="utf-8")
    for unit in SERVICES:
        told = section(unit, "Service")
        assert told["ExecStart"][0].split()[0].removesuffix("/.venv/bin/sentinel") == "/opt/crypto-sentinel"
        assert f"sudo install -m 600 .env.example {told['EnvironmentFile'][0]}" in page
        config = next(v for v in told["Environment"] if v.startswith("SENTINEL_CONFIG="))
        assert f"sentinel.example.toml {config.partition('=')[2]}" in page


def test_systemd_understands_them(tmp_path: Path) -> None:
    """No unknown key, no bad value, no time that never comes; where there is a systemd to ask."""
    if shutil.which("systemd-analyze") is None:
        return
    for unit in UNITS:
        text = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", unit.read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "crypto-sentinel" in line]) == (
        0,
        [],
    )
    for when in section(next(unit for unit in UNITS if unit.suffix == ".timer"), "Timer")["OnCalendar"]:
        said = subprocess.run(
            ["systemd-analyze", "calendar", when], capture_output=True, text=True, check=True
        )
        assert "Next elapse" in said.stdout
