"""Prints the sheet of the crash proof, whose parts may have run in several processes, and other figures."""

import pytest

from .sheet import lines

PROPERTY = "schedules"
FIGURE = "figure"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    said = [(name, value) for report in calls for name, value in report.user_properties]
    parts = [value for name, value in said if name == PROPERTY]
    if parts:
        terminalreporter.section("crashes at every step")
        for line in lines(parts):
            terminalreporter.write_line(line)
    figures = [value for name, value in said if name == FIGURE]
    if figures:
        terminalreporter.section("measured")
        for line in figures:
            terminalreporter.write_line(line)
