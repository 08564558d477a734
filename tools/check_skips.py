"""Fails where a test was skipped for want of something that is there after all.

Usage: ``check_skips.py REPORT.xml…`` with the JUnit reports of the runs. On a user's machine the larger
data sets may be missing, and tests that need them say so and skip. Where they lie beside the project a
skip is a failure.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def skipped(report: Path) -> list[str]:
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - our own report
    return [
        f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
        if skip.get("type") == "pytest.skip"
    ]


def main(reports: list[str]) -> int:
    missing = [line for report in reports for line in skipped(Path(report))]
    if not missing or not DATA.is_dir():
        return 0
    print("skipped although it could have run:", *missing, sep="\n  ")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
