"""The first process of a container: the kernel drops what it does not listen to."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WAITING = """
import time
from crypto_signals.cli.interruptions import hear_termination
hear_termination()
print("listening", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="a namespace of its own takes root, and unshare"
)
def test_the_first_process_ends_by_sigterm() -> None:
    """A command that has nothing to finish ends with 143, instead of waiting for SIGKILL."""
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            os.kill(int(children.split()[0]), signal.SIGTERM)
            assert process.wait(10) == 128 + signal.SIGTERM
        finally:
            process.kill()
