"""Prints the sheet of the crash proof, whose parts may have run in several processes."""

import pytest

from .sheet import lines

PROPERTY = "schedules"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    told = [p for report in reports for p in getattr(report, "user_properties", ()) if p[0] == PROPERTY]
    parts = [counts for _, counts in told]
    if parts:
        terminalreporter.section("crashes at every step")
        for line in lines(parts):
            terminalreporter.write_line(line)
