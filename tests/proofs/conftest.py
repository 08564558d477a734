"""Prints the sheet of the crash proof, whose parts may have run in several processes."""

import pytest

from .sheet import lines

PROPERTY = "schedules"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    parts = [counts for report in calls for name, counts in report.user_properties if name == PROPERTY]
    if parts:
        terminalreporter.section("crashes at every step")
        for line in lines(parts):
            terminalreporter.write_line(line)
