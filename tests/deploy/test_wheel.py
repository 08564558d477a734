"""What is published: built as release.yml builds it, complete, with nothing of the workshop, and it runs."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from deploy.workflow_files import ROOT, script

BUILD = 'from flit_core import buildapi as b; b.build_sdist("dist"); b.build_wheel("dist")'
PACKAGE = ROOT / "src" / "crypto_signals"
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def built(source: Path, out: Path) -> Path:
    """The folder with sdist and wheel of ``source``."""
    command = [sys.executable, "-c", BUILD.replace('"dist"', repr(str(out)))]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, cwd=source, env=environment, check=True, timeout=120)
    return out


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it lies in site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)  # noqa: S202 - what was built above
    return folder


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_is_built_here_as_it_is_for_a_release() -> None:
    """The same call."""
    assert BUILD in script("release/packages", "Build")


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """Bars, templates, migrations and their licences included; no test, no tool, no cache."""
    here = {
        path.relative_to(ROOT / "src").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and not CACHES & {*path.parts}
    }
    packed = {name for name in names(wheel) if ".dist-info/" not in name}
    assert packed == here
    assert {"crypto_signals/py.typed", "crypto_signals/data/NOTICE"} <= packed


def test_the_wheel_says_what_it_is(unpacked: Path) -> None:
    """Its version, licences and command, and what it needs."""
    (info,) = unpacked.glob("*.dist-info")
    said = message_from_string((info / "METADATA").read_text())
    assert f'version = "{said["Version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert said["Requires-Python"] == ">=3.11"
    assert {"LICENSE", "src/crypto_signals/data/NOTICE"} <= {*said.get_all("License-File", [])}
    assert "sentinel=crypto_signals.cli:main" in (info / "entry_points.txt").read_text()
    assert not [needed for needed in said.get_all("Requires-Dist", []) if "pytest" in needed]


def test_the_sdist_builds_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    """Byte for byte: whoever builds it anew can compare. It holds no tests either."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert not (source / "tests").exists()
    (again,) = built(source, tmp_path / "again").glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_runs(unpacked: Path, tmp_path: Path) -> None:
    """Its own modules, not those of this folder, with the libraries that are installed here."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), "HOME": str(tmp_path)}

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        said = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return said.stdout

    where = python("-c", "import crypto_signals; print(crypto_signals.__file__)").strip()
    assert Path(where).is_relative_to(unpacked)
    assert "sentinel" in python("-m", "crypto_signals", "--help")


@pytest.mark.soak
def test_the_wheel_installs_into_an_empty_environment_and_runs(wheel: Path, tmp_path: Path) -> None:
    """With the locked libraries alone, as README says: the demo over the bundled bars."""
    venv.create(tmp_path / "venv", with_pip=True)
    pip = [tmp_path / "venv" / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    lock = ROOT / "requirements.lock"
    subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True, timeout=280)
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True, timeout=60)
    sentinel = tmp_path / "venv" / "bin" / "sentinel"
    said = subprocess.run(
        [sentinel, "demo", "--days", "5"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert said.returncode == 0, said.stderr
