"""Pytest plugin: a line for each failed test when it fails, not only at the end of the run.

A run that is ended from outside, by a limit of time, prints no summary; its output then still names
what failed and what hung. A worker that ends during a test, because the test hung or ended its
process, is reported as a failure of that test.
"""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Print the lines where reports of all workers arrive, and nowhere else."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailedTests(config))


class FailedTests:
    """Prints the test, its phase and its duration in seconds."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the line of a failed report."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            phase = "worker ended" if report.when == "???" else f"{report.when}"
            terminal.ensure_newline()
            terminal.write_line(f"FAILED {report.nodeid} ({phase}, {report.duration:.0f} s)")
