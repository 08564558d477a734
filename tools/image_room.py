"""A program in an image as a careful user runs it: UID 1000, no privileges, a root that cannot be written.

What a container engine does with ``--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges``
is done with the kernel's own means: namespaces for mounts and processes, in which the program is the first
process. The network is this machine's.
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from image_engine import Image

USER = 1000
LIMIT_S = 300
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT
_DEVICES = ("null", "zero", "full", "random", "urandom")

_ENTER = """
set -eu
root=$1 state=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$state" "$root/state"
mount -t tmpfs -o mode=1777,size=256m,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,size=64k tmpfs "$root/dev"
for device in DEVICES; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev tmpfs "$root/dev/shm"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -o remount,bind,ro "$root"
exec env -i -C / "PATH=$PATH" chroot "$root" setpriv --reuid USER --regid USER --clear-groups \\
  --no-new-privs --bounding-set=-all --inh-caps=-all env -C /state "$@"
""".replace("DEVICES", " ".join(_DEVICES)).replace("USER", str(USER))


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the most memory that it, or any process that it began, held."""

    code: int
    out: str
    err: str
    seconds: float
    peak_mb: float

    @property
    def compiled(self) -> tuple[int, int]:
        """How many kernels were compiled, and how many were there already; for ``NUMBA_DEBUG_CACHE``."""
        return self.out.count("[cache] data saved"), self.out.count("[cache] data loaded")


class Running:
    """A program in a room. What it says goes into files, so that it never waits for a reader."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._said = [folder / "stdout", folder / "stderr"]
        with self._said[0].open("wb") as out, self._said[1].open("wb") as err:
            self._began = time.monotonic()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)  # noqa: S603

    def said(self) -> str:
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in self._said)

    def first_word(self) -> float:
        """Seconds from the start until it said anything."""
        while not any(path.stat().st_size for path in self._said):
            self._expect_life()
            time.sleep(0.005)
        return time.monotonic() - self._began

    def until(self, words: str) -> None:
        """Waits for something that it says."""
        while words not in self.said():
            self._expect_life()
            time.sleep(0.02)

    def terminate(self) -> None:
        """SIGTERM to the first process of the room, as a container engine sends it."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        os.kill(int(children[0]), signal.SIGTERM)

    def end(self, limit_s: float = LIMIT_S) -> Ended:
        """Waits for the end. What outlives its time is killed, and ends with -9."""
        deadline = time.monotonic() + limit_s
        while (over := os.wait4(self._process.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                self._process.kill()
            time.sleep(0.01)
        self._process.returncode = os.waitstatus_to_exitcode(over[1])
        out, err = (path.read_text(encoding="utf-8", errors="replace") for path in self._said)
        seconds = time.monotonic() - self._began
        return Ended(self._process.returncode, out, err, seconds, over[2].ru_maxrss * 1024 / 1e6)

    def _expect_life(self) -> None:
        if time.monotonic() - self._began > LIMIT_S or os.waitid(os.P_PID, self._process.pid, _PEEK):
            raise RuntimeError(f"it ended too soon: {self.said()[-2000:]}")


class Room:
    """Where programs of ``image`` run, one after the other or beside each other, on one ``/state``."""

    def __init__(self, image: Image, folder: Path, **settings: str) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        os.chown(self.state, USER, USER)
        self._image, self._folder, self._settings, self._count = image, folder, settings, 0

    def start(self, *words: str, entry: tuple[str, ...] = ("sentinel",), **settings: str) -> Running:
        """The main program of a container; an ``entry`` other than the image's is a look inside."""
        told = self._image.environment | self._settings | settings
        environment = [f"{name}={value}" for name, value in told.items()]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "enter"]
        self._count += 1
        own = self._folder / str(self._count)
        own.mkdir()
        return Running([*enter, str(self._image.root), str(self.state), *environment, *entry, *words], own)

    def run(self, *words: str, entry: tuple[str, ...] = ("sentinel",), **settings: str) -> Ended:
        """A program, to its end."""
        return self.start(*words, entry=entry, **settings).end()

    def python(self, code: str) -> Ended:
        """What the image's Python makes of ``code``."""
        return self.run("-c", code, entry=("python",))
