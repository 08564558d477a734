"""P7: nothing secret in a log line, an error, a metric, a page or a stored row, whatever goes wrong."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest

from crypto_signals.simulator.secrets import SecretsStandIn, served
from e2e.program import CRYPTO, Program, clean
from repository.postgres_server import PASSWORD, QUOTED, running

pytestmark = pytest.mark.proof

EVE, NOW = "2018-12-20T00:05:00Z", "2018-12-21T00:05:00Z"
LOUD = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "SETTLE_SECONDS": "0", "RUN_BUDGET_SECONDS": "8"}
CANARY = "CANARY"


@dataclass
class Gossip:
    """A server that answers everything with all that it was told: address, headers, body."""

    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def gossip() -> Iterator[Gossip]:
    kept = Gossip()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.asked.append(self.path)
            kept.bodies.append(body)
            if not kept.status:
                self.connection.close()
                return
            heard = f"{kept.url}{self.path} {list(self.headers.items())} {body[:200]!r}"
            said = json.dumps({"message": heard, "name": heard, "code": 50035}).encode()
            self.send_response(kept.status, self.path)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Location", f"{kept.url}{self.path}?again")
            self.send_header("X-Echo", self.headers.get("Authorization") or self.path)
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - the library's names

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The state on the eve of a signal of ETH/USD."""
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"}
    program = Program(tmp_path_factory.mktemp("eve"), settings)
    assert clean(program.run(EVE)).code == 0
    return program


@pytest.fixture
def server() -> Iterator[Gossip]:
    with gossip() as kept:
        yield kept


def reports(server: Gossip) -> dict[str, object]:
    """Where runs report to: with a user's password, and an address that is itself a secret."""
    return {
        "METRICS_PUSHGATEWAY_URL": f"{server.url.replace('://', '://user:CANARYPUSH@')}/push",
        "DEADMAN_URL": f"{server.url}/ping/CANARYDEADMAN",
        "METRICS_TEXTFILE": "home/sentinel.prom",
    }


def discord(server: Gossip, kind: str) -> dict[str, object]:
    if kind == "webhook":
        return {"TEST_DISCORD_WEBHOOK": f"{server.url}/api/webhooks/1/CANARYTOKEN"}
    bot = {"DISCORD_API_URL": f"{server.url}/api/v10", "DISCORD_CHANNEL_ID_TEST": "1"}
    return {"DISCORD_BOT_TOKEN": "CANARYBOT", **bot}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *[("webhook", status) for status in (0, 302, 400, 404)],
        *[("bot", status) for status in (200, 401, 500)],
    ],
)
def test_no_secret_gets_out_of_any_failure_of_any_service(
    eve: Program, server: Gossip, tmp_path: Path, kind: str, status: int
) -> None:
    """A service that repeats what it was told, in reason, header and body, with every kind of answer; with
    the log at its loudest: nothing is in output, state, metrics; nor in what is sent to the others."""
    server.status = status
    program = eve.copy(tmp_path / kind)
    told = {**LOUD, **reports(server), **discord(server, kind)}
    clean(program.run(NOW, **told))
    keys = {"ALPACA_API_KEY": "CANARYKEY", "ALPACA_SECRET_KEY": "CANARYSECRET", "EQUITY_SYMBOLS": "SPY"}
    alpaca = {"BARS_URL": "alpaca", "ALPACA_DATA_URL": server.url, **keys}
    clean(program.run(NOW, **(told | alpaca)))
    clean(program("health", "--format", "json", **(told | alpaca)))
    assert program.leaks(CANARY) == []
    assert not any(CANARY.encode() in body for body in server.bodies)
    assert (program.home / "sentinel.prom").exists()
    assert any("webhooks" in path or "api/v10" in path for path in server.asked)


@pytest.mark.parametrize(
    "store",
    [
        "postgresql://user:CANARYPASS@127.0.0.1:9/db",
        "postgresql://user:CANARY%40PASS@127.0.0.1:9/db?sslmode=disable",
    ],
)
def test_no_secret_gets_out_of_a_store_that_cannot_be_reached(tmp_path: Path, store: str) -> None:
    """The address of a store holds a password."""
    program = Program(tmp_path, {"BARS_URL": f"file:{CRYPTO}", "STORE_URL": store})
    assert clean(program.run(NOW, **LOUD)).code == 3
    clean(program("health", **LOUD))
    assert program.leaks(CANARY, "PASS") == []


def test_no_secret_gets_out_of_a_store_that_answers(tmp_path: Path) -> None:
    """PostgreSQL that takes the password, and one that refuses it and says so in its own words."""
    with running() as postgresql, postgresql.database() as name:
        address = postgresql.url(name)
        program = Program(tmp_path, {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"})
        assert clean(program.run(EVE, **LOUD, STORE_URL=address)).code == 0
        clean(program("health", **LOUD, STORE_URL=address))
        refused = address.replace(QUOTED, f"{QUOTED}{CANARY}")
        assert clean(program.run(NOW, **LOUD, STORE_URL=refused)).code == 3
        clean(program("health", **LOUD, STORE_URL=refused))
        assert program.leaks(CANARY, PASSWORD, QUOTED) == []
        rows = postgresql.execute("SELECT signals::text FROM signals", name)
        rows += postgresql.execute("SELECT runs::text FROM runs", name)
        assert rows
        assert not any(PASSWORD in str(row) or QUOTED in str(row) for row in rows)


@pytest.mark.parametrize("failure", [None, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAUTHENTICATED])
def test_no_secret_gets_out_of_secret_manager(tmp_path: Path, failure: grpc.StatusCode | None) -> None:
    """Neither one that it holds, though it is no good, nor one that it could not be asked for."""
    held = {
        "COOLDOWN_HOURS": "CANARYHOURS",
        "TEST_DISCORD_WEBHOOK": "CANARYWEBHOOK",
        "STORE_URL": "CANARYURL",
    }
    with served(SecretsStandIn("my-project-1", held, failure)) as manager:
        place = {"GOOGLE_CLOUD_PROJECT": "my-project-1", "SECRET_MANAGER_EMULATOR_HOST": manager.address}
        program = Program(tmp_path, place)
        assert clean(program.run(NOW, **LOUD)).code == 2
    assert program.leaks(CANARY) == []


def test_the_canaries_would_be_seen(eve: Program, tmp_path: Path) -> None:
    """A check of the check: a secret in a file of the state, or in what is printed, is found."""
    program = eve.copy(tmp_path / "leaky")
    (program.home / "x.txt").write_text("CANARYTOKEN")
    clean(program.run(NOW, BARS_URL="file:CANARYTOKEN.csv"))
    assert len(program.leaks("CANARYTOKEN")) == 2
