"""What people are told besides signals, in words and in Discord."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from crypto_signals.domain.notices import Heartbeat, NeedsAPerson, Notice, RefusedSetups, Week
from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.vocabulary import ExitReason, Status
from crypto_signals.notifications.discord import DiscordWebhook
from crypto_signals.notifications.messages import Colour
from crypto_signals.notifications.notices import LISTED, notice_message
from simulator.simulator_fixtures import DiscordSimulator

from .bots import bot
from .samples import BAR, running, signal, text
from .test_discord import QUICK

NOW = dt.datetime(2018, 12, 24, 0, 1, tzinfo=dt.UTC)
BEAT = Heartbeat(NOW, 7, 6, 0, 2, 1)


def closed(result: float | None, symbol: str = "BTC/USD") -> Signal:
    told = running(symbol=symbol, announced_at=BAR)
    ended = replace(told.progress, status=Status.STOPPED, exit_reason=ExitReason.TRAIL, closed_at=BAR)
    return replace(told, progress=replace(ended, result_r=result))


def refused(count: int) -> Sequence[Signal]:
    gates = (GateResult("volume", passed=False, value=1.1, limit=1.5),)
    return tuple(signal(symbol=f"S{number}/USD", gates=gates) for number in range(count))


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (
            BEAT,
            ["6 symbols scanned, 0 signals", "2 setups refused by a gate; 1 signal open.", "1 symbol not"],
        ),
        (Heartbeat(NOW, 1, 1, 1, 0, 0), ["1 symbol scanned, 1 signal", "0 setups refused"]),
        (
            Week(NOW, (closed(2.49), closed(-1.08, "ETH/USD"), closed(None))),
            [
                "Week of 2018-12-17: +1.41 R, 3 signals closed",
                "1 of 2 ended above zero, after fees.",
                "Best: BTC/USD long · Bull flag, +2.49 R (trailing stop).",
                "Worst: ETH/USD long · Bull flag, −1.08 R (trailing stop).",
            ],
        ),
        (Week(NOW, ()), ["Week of 2018-12-17: 0.00 R, 0 signals closed", "No trade ended in this week."]),
        (
            RefusedSetups(NOW, tuple(refused(1))),
            ["1 setup refused by a gate", "S0/USD long · Bull flag, 2018-07-17: volume: 1.1, asked for 1.5."],
        ),
        (
            RefusedSetups(NOW, tuple(refused(LISTED + 3))),
            ["43 setups refused", "And 3 more: sentinel signals list"],
        ),
        (
            NeedsAPerson(
                NOW, dead=2, paused=("Discord test webhook",), unreadable=("signal x cannot be read",)
            ),
            [
                "Discord refused 2 messages for good: sentinel signals list",
                "Discord test webhook takes nothing any more: sentinel health",
                "signal x cannot be read",
            ],
        ),
    ],
)
def test_a_notice_says_what_there_is_to_know(notice: Notice, said: list[str]) -> None:
    """With the numbers, and what to look at."""
    for part in said:
        assert part in text(notice_message(notice))


def test_refusals_are_grey_and_a_losing_week_is_red() -> None:
    """Nobody takes what was refused for a call to act."""
    assert notice_message(RefusedSetups(NOW, tuple(refused(1)))).colour is Colour.GREY
    assert notice_message(Week(NOW, (closed(-1.0),))).colour is Colour.RED


@pytest.mark.parametrize("count", [1, LISTED])
def test_a_webhook_takes_notices_wherever_it_is(discord_simulator: DiscordSimulator, count: int) -> None:
    """In a forum each opens a thread, in a text channel they stand in a row; nothing in them can ping."""
    for url in (discord_simulator.forum_webhook, discord_simulator.text_webhook):
        board = DiscordWebhook(url, timeout=QUICK)
        board.tell(RefusedSetups(NOW, tuple(refused(count))))
        board.close()
    forum, channel = discord_simulator.threads()
    assert forum["name"].endswith("refused by a gate · 2018-12-24")
    assert len(forum["messages"]) == len(channel["messages"])
    for thread in (forum, channel):
        assert not any(message["mentions_open"] for message in thread["messages"])


@pytest.mark.parametrize("count", [1, LISTED])
def test_a_bot_in_a_forum_opens_one_thread_a_notice(discord_simulator: DiscordSimulator, count: int) -> None:
    """However many posts it takes."""
    with bot(discord_simulator, "forum") as channel:
        channel.tell(RefusedSetups(NOW, tuple(refused(count))))
    (thread,) = discord_simulator.threads()
    assert thread["name"].endswith("refused by a gate · 2018-12-24")
    assert thread["messages"]


def test_a_channel_of_signals_takes_notices(discord_simulator: DiscordSimulator) -> None:
    """By webhook and by bot."""
    webhook = DiscordWebhook(discord_simulator.text_webhook, timeout=QUICK)
    webhook.tell(BEAT)
    webhook.close()
    with bot(discord_simulator, "text") as channel:
        channel.tell(BEAT)
    titles = [message["embeds"][0]["title"] for message in discord_simulator.threads()[0]["messages"]]
    assert titles == ["6 symbols scanned, 0 signals"] * 2
