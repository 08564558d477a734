"""Starting and stopping, the clock, and what the package offers."""

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from simulator_fixtures import MODULE, DiscordSimulator, running_simulator

import crypto_signals.simulator
from crypto_signals.simulator import serve


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly(number: signal.Signals) -> None:
    """A request under way is still answered, then the exit code is 0."""
    with running_simulator() as simulator, ThreadPoolExecutor(1) as pool:
        simulator.faults([{"fault": "slow", "seconds": 0.5}])
        reply = pool.submit(simulator.client.get, simulator.text_webhook)
        while not simulator.requests():
            pass
        simulator.process.send_signal(number)
        assert reply.result().status_code == 200
        assert simulator.process.wait(10) == 0


def test_the_announced_addresses_work(discord_simulator: DiscordSimulator) -> None:
    """Every address of the first line of output is on loopback and answers."""
    for url in (discord_simulator.url, discord_simulator.forum_webhook, discord_simulator.text_webhook):
        assert url.startswith("http://127.0.0.1:")
        assert discord_simulator.client.get(url).status_code == 200
    assert discord_simulator.discord_api_url == f"{discord_simulator.url}/api/v10"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "example.org", ""])  # noqa: S104 - must be refused
def test_only_loopback_is_served(host: str) -> None:
    """A stand-in without authentication must not be reachable from outside."""
    with pytest.raises(ValueError, match="loopback only"):
        serve(host)


@pytest.mark.parametrize("option", ["--port=many", "--now=2018-12-31", "--bars=nowhere.parquet"])
def test_a_bad_option_is_a_usage_error(option: str) -> None:
    """Exit code 2."""
    finished = subprocess.run([*MODULE, option], capture_output=True, check=False)
    assert finished.returncode == 2


def test_the_clock_stands_where_it_is_put(discord_simulator: DiscordSimulator) -> None:
    """A virtual now does not move; null follows the real time again."""
    url = f"{discord_simulator.url}/simulator/clock"
    discord_simulator.clock("2018-12-31T01:00:00+01:00")
    assert discord_simulator.client.get(url).json() == {"now": "2018-12-31T00:00:00Z"}
    discord_simulator.clock(None)
    now = datetime.fromisoformat(discord_simulator.client.get(url).json()["now"])
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=10)


@pytest.mark.parametrize("body", [{}, {"now": "soon"}, {"now": "2018-12-31T00:00:00"}, {"then": None}])
def test_a_clock_without_an_instant_is_refused(
    discord_simulator: DiscordSimulator, body: dict[str, str | None]
) -> None:
    """A time needs its offset, and a typo is not ignored."""
    response = discord_simulator.client.post(f"{discord_simulator.url}/simulator/clock", json=body)
    assert response.status_code == 400


def test_a_reset_forgets_everything(discord_simulator: DiscordSimulator) -> None:
    """Threads, log, faults, limits, clock and deleted webhooks are as after the start."""
    discord_simulator.client.post(discord_simulator.text_webhook, json={"content": "x"})
    discord_simulator.client.delete(discord_simulator.text_webhook)
    discord_simulator.limits(webhook=(1, 60.0))
    discord_simulator.faults([{"fault": "status", "times": None}])
    discord_simulator.reset()
    assert (discord_simulator.threads(), discord_simulator.requests()) == ([], [])
    for _ in range(2):
        assert discord_simulator.client.get(discord_simulator.text_webhook).status_code == 200


def test_the_public_names_are_these() -> None:
    """The package offers what other rooms and the command line use, and nothing else."""
    assert crypto_signals.simulator.__all__ == [
        "Channel",
        "Limits",
        "RateLimit",
        "SimulatorSettings",
        "build_app",
        "serve",
    ]
