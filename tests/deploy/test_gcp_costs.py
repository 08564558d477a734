"""What docs/how-to/google-cloud.md computes a month from: the reads, writes and seconds of a run.

``python -m pytest -m soak -s tests/deploy/test_gcp_costs.py`` measures them anew, and prints them.
"""

import os
import re
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean

import grpc
import pytest
from google.cloud.firestore_v1.types import CommitRequest, RunQueryResponse

from deploy.workflow_files import ROOT
from e2e.program import CRYPTO, EQUITY, Program
from repository.firestore_backend import emulator
from repository.firestore_proxy import RUN_QUERY, Proxy
from simulator.simulator_fixtures import running_simulator

__all__ = ["emulator"]
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]
DAYS = int(os.environ.get("COST_DAYS", "5"))
FIRST = datetime(2018, 11, 5, tzinfo=UTC)
DUE = [timedelta(hours=hour, minutes=minute) for hour, minute in ((0, 5), (0, 20), (1, 0))]
DUE += [timedelta(hours=21, minutes=25), timedelta(hours=21, minutes=40), timedelta(hours=22, minutes=20)]
"""Every day in UTC, as in winter; at weekends those of stocks only recover, as on a holiday."""
SYMBOLS = {"CRYPTO_SYMBOLS": "BTC/USD,ETH/USD,LTC/USD", "EQUITY_SYMBOLS": "SPY,TSLA"}
SEEN = {"reads": "documents read", "writes": "documents written", "cpu_s": "CPU seconds"}
PAGE = ROOT / "docs" / "how-to" / "google-cloud.md"


class Meter(Proxy):
    """Counts as Google does: documents that were read, one a query at least, and documents written."""

    reads = 0
    writes = 0

    def _stream(self, method: str, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        found = 0
        for answer in super()._stream(method, request, context):
            found += method != RUN_QUERY or "document" in RunQueryResponse.deserialize(answer)
            yield answer
        self.reads += max(found, 1)

    def _commit(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.writes += len(CommitRequest.deserialize(request).writes)
        return super()._commit(request, context)


@dataclass
class Run:
    """What one run cost, and whether it had new bars to look at."""

    reads: int
    writes: int
    cpu_s: float
    wall_s: float
    requests: int
    log_bytes: int
    first: bool


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def runs(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Some days on Google Cloud: Firestore's emulator, and for each run an empty folder."""
    folder = tmp_path_factory.mktemp("cloud")
    meter = Meter(emulator)
    done: list[Run] = []
    with running_simulator(bars=[CRYPTO, EQUITY], now=FIRST.isoformat()) as simulator:
        settings = SYMBOLS | {
            "STORE_URL": "firestore://costs-1",
            "FIRESTORE_EMULATOR_HOST": meter.host,
            "ALPACA_DATA_URL": simulator.alpaca_data_url,
            "ALPACA_TRADING_URL": simulator.alpaca_trading_url,
            "ALPACA_API_KEY": "key",
            "ALPACA_SECRET_KEY": "secret",
            "TEST_DISCORD_WEBHOOK": simulator.forum_webhook,
            "LOG_FORMAT": "gcp",
        }
        program = Program(folder, settings)
        for day in range(DAYS):
            for number, due in enumerate(DUE):
                now = (FIRST + timedelta(days=day) + due).isoformat().replace("+00:00", "Z")
                simulator.clock(now)
                reads, writes, cpu_s, asked = (
                    meter.reads,
                    meter.writes,
                    children_s(),
                    len(simulator.requests()),
                )
                began = time.monotonic()
                answer = program.run(now, SENTINEL_HOME=str(folder / f"home-{day}-{number}"))
                assert answer.code == 0, answer.everything[-2000:]
                done.append(
                    Run(
                        reads=meter.reads - reads,
                        writes=meter.writes - writes,
                        cpu_s=children_s() - cpu_s,
                        wall_s=time.monotonic() - began,
                        requests=len(simulator.requests()) - asked,
                        log_bytes=len(answer.err.encode()),
                        first=number in (0, 3),
                    )
                )
    meter.close()
    return done


def kinds(runs: list[Run]) -> dict[str, list[Run]]:
    """Those after a close, those that recover, and all."""
    return {"first": [r for r in runs if r.first], "later": [r for r in runs if not r.first], "all": runs}


def stated(words: str) -> float:
    """The number that the page has for a run, on average."""
    found = re.search(rf"\| {re.escape(words)}[^|]*\| ([\d.]+) ", PAGE.read_text())
    assert found is not None, words
    return float(found[1])


@pytest.mark.parametrize("name", ["reads", "writes", "cpu_s"])
def test_a_run_costs_no_more_than_the_page_says(runs: list[Run], name: str) -> None:
    """On average over the runs of a day; half as much again is allowed for a busier week or machine."""
    for kind, some in kinds(runs).items():
        figures = {key: round(mean(getattr(run, key) for run in some), 1) for key in vars(some[0])}
        print(f"\n{kind}: {len(some)} runs, {figures}, most {max(getattr(run, name) for run in some)}")
    assert mean(getattr(run, name) for run in runs) <= 1.5 * stated(SEEN[name])
