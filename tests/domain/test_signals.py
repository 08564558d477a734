"""Who a signal is, and what its plan is worth."""

import datetime as dt
from uuid import UUID

import pytest

from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import signal_id
from crypto_signals.domain.vocabulary import Direction

from .stories import LONG, mirrored, signal

PARTS = {
    "strategy": "default",
    "symbol": "BTC/USD",
    "timeframe": Timeframe("1Day"),
    "bar_ts": dt.datetime(2018, 3, 1, tzinfo=dt.UTC),
    "detector": "hammer_bullish",
    "direction": Direction.LONG,
}
OTHERS = {
    "strategy": "other",
    "symbol": "ETH/USD",
    "timeframe": Timeframe("4Hour"),
    "bar_ts": dt.datetime(2018, 3, 2, tzinfo=dt.UTC),
    "detector": "engulfing_bullish",
    "direction": Direction.SHORT,
}


def test_the_id_is_stable() -> None:
    """The same setup has the same id in every process and every version: stored ids must stay valid."""
    assert signal_id(**PARTS) == "80258f11-f4db-5216-a409-d02baf6c5643"
    assert UUID(signal_id(**PARTS)).version == 5


@pytest.mark.parametrize("part", list(PARTS))
def test_each_part_makes_another_id(part: str) -> None:
    """Strategy, instrument, timeframe, bar, detector and direction all count."""
    assert signal_id(**{**PARTS, part: OTHERS[part]}) != signal_id(**PARTS)


def test_the_short_id_begins_the_id() -> None:
    """What people see in a thread's name leads to the signal."""
    named = signal(signal_id=signal_id(**PARTS))
    assert named.signal_id.startswith(named.short_id)
    assert len(named.short_id) == 8


@pytest.mark.parametrize("plan", [LONG, mirrored(LONG)], ids=["long", "short"])
def test_reward_to_risk_is_taken_at_target_2(plan) -> None:
    """Reward-to-risk is |target 2 - entry| / R."""
    assert (plan.risk, plan.reward_to_risk) == (10.0, 2.0)


def test_direction_side_and_opposite() -> None:
    """Long is +1, short is -1, and each is the other's opposite."""
    assert [side.side for side in (Direction.LONG, Direction.SHORT)] == [1, -1]
    assert Direction.LONG.opposite is Direction.SHORT
    assert Direction.SHORT.opposite is Direction.LONG
