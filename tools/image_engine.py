"""Builds an image without a container engine: Debian's buildah, nothing running in the background."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from image_base import ENVIRONMENT, call, make_root

NEEDED = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}
PIP_OPTIONS = (
    "index-url",
    "extra-index-url",
    "trusted-host",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
)
BUNDLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def missing() -> list[str]:
    """Debian's packages that have to be installed first, and what else stands in the way."""
    wanting = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    return wanting + ([] if os.geteuid() == 0 else ["root"])


@dataclass(frozen=True)
class Image:
    """A built image: its files, and what its containers are started with."""

    root: Path
    config: dict[str, Any] = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.config["Env"])


class Engine:
    """buildah with a store of its own in ``work``, which is thrown away by throwing ``work`` away."""

    def __init__(self, work: Path) -> None:
        self._work = work
        work.mkdir(parents=True, exist_ok=True)
        self._opened: list[str] = []
        self._store = ("--root", work / "store", "--runroot", work / "run", "--storage-driver", "vfs")

    def buildah(self, *words: object) -> str:
        return call("buildah", *self._store, *words).strip()

    def has(self, name: str) -> bool:
        return name in self.buildah("images", "--noheading", "--format", "{{.Name}}:{{.Tag}}").splitlines()

    def stand_in(self, name: str) -> None:
        """Makes a base image under the name of the real one, unless it is there."""
        if self.has(name):
            return
        root = self._work / "base"
        make_root(root)
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, root, "/")
        words = [word for line in ENVIRONMENT for word in ("--env", line)]
        self.buildah("config", *words, "--cmd", "python3", container)
        self.buildah("commit", "--quiet", "--rm", container, name)
        shutil.rmtree(root)

    def build(self, source: Path, tag: str, **arguments: str) -> None:
        """What this machine needs to reach a package index is lent to the build, not put into the image."""
        pip = self._work / "pip.conf"
        pip.write_text("[global]\n" + "".join(f"{line}\n" for line in _pip_options()), encoding="utf-8")
        words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        lent = ["--volume", f"{pip}:/etc/pip.conf:ro", "--volume", f"{_bundle()}:{BUNDLE}:ro"]
        plain = ("--isolation", "chroot", "--layers=false", "--format", "docker", "--pull-never", "--quiet")
        self.buildah("build", *plain, *lent, *words, "--tag", tag, source)

    def open(self, name: str) -> Image:
        """Its files in a folder, and its configuration."""
        config = json.loads(self.buildah("inspect", "--type", "image", name))["Docker"]["config"]
        container = self.buildah("from", "--pull-never", name)
        self._opened.append(container)
        return Image(Path(self.buildah("mount", container)), config)

    def close(self) -> None:
        """Gives back what ``open`` took."""
        self.buildah("rm", *self._opened)


def _bundle() -> Path:
    """The certificates that this machine trusts."""
    named = (os.environ.get(name) for name in BUNDLES)
    return Path(next(filter(None, named), BUNDLE)).resolve()


def _pip_options() -> list[str]:
    """What pip was told here about the way to the index; files of this machine are no use inside."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    told = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    options = {name.rpartition(".")[2]: value.strip("'\"") for name, value in told.items()}
    lines = {
        name: " ".join(word for word in options[name].split() if not word.startswith("file:"))
        for name in PIP_OPTIONS
        if name in options
    }
    return [f"cert = {BUNDLE}", *(f"{name} = {value}" for name, value in lines.items() if value)]
