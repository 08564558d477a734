"""Faults at random, from a seed: a bad day, and the same one again."""

from collections import Counter
from typing import Any

import httpx
import pytest
from simulator_fixtures import DiscordSimulator

from crypto_signals.simulator.random_faults import KINDS, ArmedAtRandom, RandomFaults

STORM = {"seed": 7, "service": "discord", "rates": {"500": 0.2, "429": 0.1, "reset_after": 0.1}}


def post(simulator: DiscordSimulator, **options: Any) -> str:
    """How one message fared."""
    try:
        params = {"wait": "true"}
        answer = simulator.client.post(
            simulator.text_webhook, params=params, json={"content": "x"}, **options
        )
    except httpx.TimeoutException:
        return "timed out"
    except httpx.TransportError:
        return "broken"
    return str(answer.status_code)


def fates(simulator: DiscordSimulator, count: int = 60) -> list[str]:
    return [post(simulator) for _ in range(count)]


def test_the_same_seed_gives_the_same_day(discord_simulator: DiscordSimulator) -> None:
    """Request by request; another seed gives another day."""
    days = []
    for seed in (7, 7, 8):
        discord_simulator.random_faults([STORM | {"seed": seed}])
        days.append(fates(discord_simulator))
    assert days[0] == days[1] != days[2]
    assert set(days[0]) == {"200", "500", "429", "broken"}
    struck = discord_simulator.struck()["discord"]
    assert struck == {"500": days[2].count("500"), "429": days[2].count("429")} | {
        "reset_after": days[2].count("broken")
    }


def test_a_day_of_one_service_does_not_depend_on_the_other(discord_simulator: DiscordSimulator) -> None:
    """Each service counts its own requests, and only those that its faults are for fail."""
    discord_simulator.random_faults([STORM])
    alone = fates(discord_simulator)
    discord_simulator.random_faults([STORM])
    url = f"{discord_simulator.alpaca_data_url}/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=1Day"
    beside = []
    for _ in range(60):
        assert discord_simulator.client.get(url).status_code == 200
        beside.append(post(discord_simulator))
    assert beside == alone


def test_faults_end_after_so_many(discord_simulator: DiscordSimulator) -> None:
    """They are bounded: the third request is the last to fail."""
    discord_simulator.random_faults([{"seed": 1, "service": "discord", "rates": {"500": 1}, "times": 3}])
    assert fates(discord_simulator, 5) == ["500", "500", "500", "200", "200"]


def test_a_scripted_fault_goes_before_a_random_one(discord_simulator: DiscordSimulator) -> None:
    """And a cleared day is a fine day."""
    discord_simulator.random_faults([{"seed": 1, "service": "discord", "rates": {"500": 1}}])
    discord_simulator.faults([{"fault": "status", "status": 400}])
    assert fates(discord_simulator, 2) == ["400", "500"]
    discord_simulator.clear_faults()
    assert post(discord_simulator) == "200"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_what_its_name_says(discord_simulator: DiscordSimulator, kind: str) -> None:
    """As a client meets it."""
    faults = {"seed": 1, "service": "discord", "rates": {kind: 1}, "times": 1, "seconds": 0.01}
    discord_simulator.random_faults([faults])
    met = {"reset_before": "broken", "reset_after": "broken", "half_body": "broken", "late": "broken"}
    met |= {"hang": "timed out", "not_json": "200", "slow": "200"}
    assert post(discord_simulator, timeout=0.5) == met.get(kind, kind)
    assert post(discord_simulator) == "200"


def test_a_429_of_each_service_is_in_its_own_words(discord_simulator: DiscordSimulator) -> None:
    """Discord says how long to wait, Alpaca when to come back; a bad gateway answers in HTML."""
    url = f"{discord_simulator.alpaca_data_url}/v2/clock"
    for service in ("discord", "alpaca"):
        discord_simulator.random_faults([{"seed": 1, "service": service, "rates": {"429": 1}, "times": 1}])
    answer = discord_simulator.client.get(discord_simulator.text_webhook)
    assert (answer.json()["retry_after"], answer.headers["Retry-After"]) == (0.3, "1")
    answer = discord_simulator.client.get(url)
    assert (answer.json()["code"], "X-RateLimit-Reset" in answer.headers) == (42910000, True)
    discord_simulator.random_faults([{"seed": 1, "service": "alpaca", "rates": {"502": 1}}])
    assert discord_simulator.client.get(url).text.startswith("<html>")


def test_the_rates_are_kept() -> None:
    """Over many requests each kind strikes as often as was asked for."""
    armed = ArmedAtRandom(RandomFaults.evenly(3, "alpaca", 0.22))
    for _ in range(20_000):
        armed.strike("/v2/stocks/bars")
    assert armed.struck.total() == 1000
    shares = Counter(armed.faults.kind_of(number) for number in range(20_000))
    assert all(0.015 < shares[kind] / 20_000 < 0.025 for kind in KINDS)


@pytest.mark.parametrize(
    "wrong",
    [{"rates": {"explode": 0.1}}, {"rates": {"500": 0.6, "502": 0.6}}, {"service": "post"}, {"times": 0}],
)
def test_faults_that_make_no_sense_are_refused(
    discord_simulator: DiscordSimulator, wrong: dict[str, Any]
) -> None:
    """A typo fails loudly instead of testing nothing."""
    url = f"{discord_simulator.url}/simulator/faults/random"
    assert discord_simulator.client.post(url, json=[STORM | wrong]).status_code == 400
