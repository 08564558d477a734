"""A stand-in for the base image, from Debian's packages, for machines that reach no registry of images.

It has what the Dockerfile relies on: Debian bookworm, Python 3.11 as ``/usr/local/bin/python``, and pip.
The official image differs in having a Python of its own, newer and some megabytes smaller.
"""

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = "ca-certificates,netbase,tzdata,python3.11"
PIP = "pip==24.0"
ENVIRONMENT = ("PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8")


def make_root(root: Path) -> None:
    """Fills ``root`` with the files of the stand-in."""
    call("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
    _forget_downloads(root)
    packages = root / "usr/local/lib/python3.11/dist-packages"
    call(sys.executable, "-m", "pip", "install", "--quiet", "--target", packages, PIP, "setuptools", "wheel")
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()
    for name in ("python", "python3", "python3.11"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3.11")


def _forget_downloads(root: Path) -> None:
    for folder in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / folder)
        (root / folder).mkdir()


def call(*words: object) -> str:
    """Runs a program; gives what it printed, or raises with the end of its complaints."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        end = (done.stderr or done.stdout)[-3000:]
        raise RuntimeError(f"{' '.join(map(str, words[:6]))} … ended with {done.returncode}:\n{end}")
    return done.stdout
