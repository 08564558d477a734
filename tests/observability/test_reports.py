"""What a run reports when it has ended: metrics to a gateway or a file, a ping; and that none can harm it."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Looked
from crypto_signals.engine.watching import Unwatched
from crypto_signals.observability.watchers import Watchers
from e2e.program import CRYPTO, Program, clean
from observability.receivers import Receiver, receiver

NOW = "2018-12-20T00:05:00Z"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path, {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD,ETH/USD"})


def value(text: str, name: str) -> float:
    """The value of one metric, with its labels if it has any."""
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found)


def test_a_run_reports_everywhere_at_once(program: Program, server: Receiver) -> None:
    """Metrics are pushed to a group of this environment and written to the file; the switch is pinged."""
    file = program.folder / "deep" / "sentinel.prom"
    answer = program.run(
        NOW,
        METRICS_PUSHGATEWAY_URL=server.url,
        METRICS_TEXTFILE=file,
        DEADMAN_URL=f"{server.url}/ping/CANARYDEADMAN",
        LOG_FORMAT="json",
    )
    assert clean(answer).code == 0
    pushed, pinged = server.received
    assert pushed[:2] == ("POST", "/metrics/job/sentinel/environment/DEV")
    assert pinged[:2] == ("GET", "/ping/CANARYDEADMAN")
    for text in (pushed[2], file.read_text()):
        assert value(text, 'sentinel_runs_total{outcome="done"}') == 1
        assert value(text, 'sentinel_symbols_total{asset_class="crypto",outcome="done"}') == 2
        assert value(text, 'sentinel_newest_bar_timestamp_seconds{asset_class="crypto"}') == 1545177600
        assert value(text, 'sentinel_step_duration_seconds_count{step="fetch"}') == 1
        assert value(text, "sentinel_last_success_timestamp_seconds") > 1.7e9
    lines = [json.loads(line) for line in answer.said]
    assert [line["event"] for line in lines] == ["symbol", "symbol", "run"]
    assert {line["run_id"] for line in lines} == {answer.row["run_id"]}
    assert program.leaks("CANARY") == []


def test_a_run_that_fails_says_so_and_keeps_the_time_of_the_last_success(
    program: Program, server: Receiver
) -> None:
    """Exit 3: the switch is told of a failure; the last success stays what it was, and is not pushed."""
    file = program.folder / "sentinel.prom"
    reports = {"METRICS_PUSHGATEWAY_URL": server.url, "METRICS_TEXTFILE": file, "DEADMAN_URL": server.url}
    clean(program.run(NOW, **reports))
    before = value(file.read_text(), "sentinel_last_success_timestamp_seconds")
    server.received.clear()
    answer = clean(program.run(NOW, **reports, BARS_URL="alpaca", ALPACA_DATA_URL="http://127.0.0.1:9"))
    assert answer.code == 3
    pushed, pinged = server.received
    assert pinged[1] == "/fail"
    assert value(pushed[2], 'sentinel_runs_total{outcome="failed"}') == 1
    assert value(file.read_text(), "sentinel_last_success_timestamp_seconds") == before


def test_what_cannot_be_reported_fails_no_run_and_gives_nothing_away(program: Program) -> None:
    """Nobody there, a refusal, a file that cannot be written: a line for each, exit 0, no address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    answer = program.run(
        NOW,
        METRICS_PUSHGATEWAY_URL=f"http://user:CANARYPASS@{nobody}",
        METRICS_TEXTFILE=CRYPTO / "x.prom",
        DEADMAN_URL=f"http://{nobody}/CANARYDEADMAN",
        LOG_LEVEL="DEBUG",
    )
    assert clean(answer).code == 0
    for name in ("METRICS_PUSHGATEWAY_URL", "METRICS_TEXTFILE", "DEADMAN_URL"):
        assert sum(name in line for line in answer.said) == 1
    assert program.leaks("CANARY") == []


def test_a_run_that_another_program_holds_up_reports_nothing(program: Program, server: Receiver) -> None:
    """It is no run, so it neither feeds the switch nor sets it off."""
    from crypto_signals.home import held  # noqa: PLC0415

    with held(program.home):
        assert clean(program.run(NOW, DEADMAN_URL=server.url)).code == 0
    assert server.received == []


def test_a_watcher_that_fails_disturbs_neither_the_run_nor_the_others() -> None:
    """Whatever it raises."""
    seen: list[str] = []

    class Bad(Unwatched):
        def looked(self, look: Looked) -> None:
            raise RuntimeError(look.symbol)

    class Good(Unwatched):
        def looked(self, look: Looked) -> None:
            seen.append(look.symbol)

    Watchers([Bad(), Good()]).looked(Looked("default", "BTC/USD", AssetClass.CRYPTO))
    assert seen == ["BTC/USD"]
