"""Runs tests over mutants: each in a process forked from one that has imported and collected everything.

``python -m proofs.mutant_hunt`` reads a JSON object from stdin (``mutants``: their names; ``stages``: lists
of pytest's arguments) and prints the names of those that passed every stage.
"""

import json
import os
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from proofs.mutating import Mutant, apply, mutants

UNTAMED_S = 300
LIMIT_BYTES = 3 * 2**30


class Hunt:
    """A pytest plugin whose test loop is run once a mutant, on every core, until the first failure.

    First the program as it is has to pass; a mutant that takes several times as long goes round in circles.
    """

    def __init__(self, prey: Sequence[Mutant]) -> None:
        self.prey = list(prey)
        self.survivors: list[Mutant] = []
        self.sane = False
        self._limit_s = UNTAMED_S
        self._running: dict[int, Mutant | None] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        base = factory.getbasetemp()
        if session.items and not session.testsfailed:
            self._start(session, None, base / "sane")
            self._await_one()
        for number, mutant in enumerate(self.prey if self.sane else ()):
            if len(self._running) >= (os.cpu_count() or 1):
                self._await_one()
            self._start(session, mutant, base / str(number))
        while self._running:
            self._await_one()
        return True

    def _start(self, session: pytest.Session, mutant: Mutant | None, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child:
            self._running[child] = mutant
            return
        passed = False
        try:
            signal.alarm(UNTAMED_S)
            resource.setrlimit(resource.RLIMIT_CPU, (self._limit_s, self._limit_s))
            resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
            folder.mkdir()
            session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
            if mutant is not None:
                apply(mutant)
            passed = _passes(session)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0 if passed else 1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What fails without any mutant has to be seen."""
        if report.failed and not self.sane:
            print(report.nodeid, report.longreprtext[-2000:], sep="\n", file=sys.stderr)

    def _await_one(self) -> None:
        child, status, used = os.wait4(-1, 0)
        mutant = self._running.pop(child)
        if mutant is None:
            self.sane = status == 0
            self._limit_s = 3 + int(3 * (used.ru_utime + used.ru_stime))
        elif status == 0:
            self.survivors.append(mutant)


def _passes(session: pytest.Session) -> bool:
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def hunt(prey: Sequence[Mutant], stages: Sequence[Sequence[str]]) -> list[Mutant]:
    """Those whom no test finds out. The program as it is has to pass every stage."""
    for arguments in stages:
        found = Hunt(prey)
        plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", "-o", "addopts=")
        with redirect_stdout(StringIO()):
            pytest.main([*plain, *arguments], plugins=[found])
        if not found.sane:
            raise RuntimeError(f"without any mutant these tests do not pass: {' '.join(arguments)}")
        prey = found.survivors
    return list(prey)


def main() -> None:
    asked = json.load(sys.stdin)
    modules = sorted({"crypto_signals." + name.partition(":")[0] for name in asked["mutants"]})
    known = {mutant.name: mutant for module in modules for mutant in mutants(module)}
    prey = [known[name] for name in asked["mutants"]]
    survivors = hunt(prey, asked["stages"])
    print(json.dumps([mutant.name for mutant in survivors]))


if __name__ == "__main__":
    main()
