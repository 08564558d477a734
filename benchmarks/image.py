"""What the container image weighs, how soon it speaks, what a run in it holds; where one can be built."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Bar

TOOL = Path(__file__).parents[1] / "tools" / "build_image.py"
PROMISED = (
    ("container image, added to its base", "added_mb", 500.0, "MB"),
    ("    from start to the first log line", "start_s", 2.0, "s"),
    ("    peak memory, 6 symbols", "peak_mb", 250.0, "MB"),
)


def container_image() -> Iterator[Bar]:
    """Builds it, which takes some minutes."""
    done = subprocess.run(  # noqa: S603 - our own tool
        [sys.executable, str(TOOL), "--json"], capture_output=True, text=True, check=False
    )
    if not done.stdout:
        reason = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        yield Bar(f"container image: {reason}", "-", "-", done.returncode == 2, reason)
        return
    report = json.loads(done.stdout)
    heavy = ", ".join(f"{name} {megabytes:.0f}" for name, megabytes in list(report["heaviest"].items())[:4])
    for work, name, most, unit in PROMISED:
        figure = report["figures"][name]
        said = f"{figure:.0f} {unit}" if unit == "MB" else f"{figure:.2f} {unit}"
        yield Bar(work, said, f"< {most:.0f} {unit}", figure < most, f"heaviest, in MB: {heavy}")
