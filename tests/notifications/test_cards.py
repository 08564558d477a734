"""The status card: the announcement is edited, by webhook and by bot, in forums and in text channels."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crypto_signals.domain.errors import ChannelPaused, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.events import Event
from crypto_signals.domain.signals import Fill, Signal
from crypto_signals.domain.vocabulary import EffectKind, ExitReason, Status
from crypto_signals.engine.ports import Letter, Receipt
from crypto_signals.notifications.announcement import MAY_REPEAT
from crypto_signals.notifications.discord import DiscordWebhook
from crypto_signals.notifications.discord_bot import DiscordBot
from crypto_signals.notifications.messages import Colour, card
from simulator.simulator_fixtures import DiscordSimulator

from .bots import bot
from .samples import BAR, DAY, LONG, announced, every_event, running, signal, text
from .test_discord import PNG, QUICK

HIT = every_event(LONG)["target_1"]
STOPPED = every_event(LONG)["stopped_even"]
Channel = DiscordWebhook | DiscordBot


def half_out(**changes: Any) -> Signal:
    """Half was sold at target 1, and the stop was told to be at break-even."""
    told = running(**changes)
    fills = (Fill(BAR + 3 * DAY, LONG.targets[0], 0.5),)
    return replace(told, progress=replace(told.progress, fills=fills, told_stop=LONG.entry))


def over(result: float | None, **changes: Any) -> Signal:
    told = half_out(**changes)
    closed = replace(
        told.progress, status=Status.STOPPED, exit_reason=ExitReason.BREAK_EVEN, closed_at=BAR + 5 * DAY
    )
    return replace(told, progress=replace(closed, result_r=result, fees_r=0.06))


def lettered(told: Signal, last: Event = HIT) -> Letter:
    return Letter(f"{told.signal_id}/4/card", EffectKind.CARD, told, (last,))


def test_an_open_trade_says_what_is_left_and_what_it_has_brought() -> None:
    """State and result so far in the title, the next levels below; what to do at first is gone."""
    shown = card(half_out(), HIT)
    assert shown.title == "▲ BTC/USD long · Bull flag · open, target 1 hit, +0.54 R so far"
    said = text(shown)
    assert "Half is still open, stop 6,640.00, next target 7,600.00." in said
    assert "Last changed by the bar of 2018-07-20." in said
    assert "Stop: 6,240.00" in said
    assert "Buy now" not in said
    assert shown.colour is Colour.GREEN


@pytest.mark.parametrize(
    ("result", "title", "colour"),
    [
        (0.54, "+0.54 R, break even", Colour.GREEN),
        (-1.08, "−1.08 R, break even", Colour.RED),
        (None, "break even", Colour.GREY),
    ],
)
def test_a_closed_trade_says_how_it_ended(result: float | None, title: str, colour: Colour) -> None:
    """The result first: that is what one wants to see at a glance."""
    shown = card(over(result), STOPPED)
    assert shown.title == f"▲ BTC/USD long · Bull flag · {title}"
    assert shown.colour is colour


def test_a_stop_that_was_moved_in_silence_is_not_shown() -> None:
    """A card says what was told, whenever it is made."""
    told = half_out()
    moved = replace(told, progress=replace(told.progress, stop=6700.0))
    assert text(card(moved, HIT)) == text(card(told, HIT))


@pytest.fixture(
    params=["webhook in a forum", "webhook in a text channel", "bot in a forum", "bot in a text channel"]
)
def channel(request: pytest.FixtureRequest, discord_simulator: DiscordSimulator) -> Iterator[Channel]:
    kind, _, place = request.param.replace(" channel", "").rpartition(" ")
    if kind.startswith("bot"):
        with bot(discord_simulator, place) as opened:
            yield opened
        return
    url = discord_simulator.forum_webhook if place == "forum" else discord_simulator.text_webhook
    webhook = DiscordWebhook(url, "Discord test webhook", timeout=QUICK)
    yield webhook
    webhook.close()


def first(channel: Channel, *, may_repeat: bool = False) -> Receipt:
    return channel.post(announced(signal()), lambda: PNG, may_repeat=may_repeat)


def shown(simulator: DiscordSimulator) -> dict[str, Any]:
    messages = [message for thread in simulator.threads() for message in thread["messages"]]
    assert len(messages) == 1
    return dict(messages[0])


def test_the_announcement_becomes_the_card_and_keeps_its_picture(
    channel: Channel, discord_simulator: DiscordSimulator
) -> None:
    """The same message with the same file, its description and its mark; no second one; again is no harm."""
    receipt = first(channel)
    before = shown(discord_simulator)
    for _ in range(2):
        channel.edit(lettered(half_out(thread_id=receipt.thread_id)), receipt.message_id)
        after = shown(discord_simulator)
        assert after["id"] == before["id"]
        assert after["embeds"][0]["title"].endswith("open, target 1 hit, +0.54 R so far")
        assert after["files"] == before["files"]
        assert after["embeds"][0]["image"] == before["embeds"][0]["image"]
        assert after["embeds"][-1]["footer"] == before["embeds"][-1]["footer"]
        assert after["mentions_open"] is False


def test_a_warning_stays_on_the_card(channel: Channel, discord_simulator: DiscordSimulator) -> None:
    """What may repeat an earlier message may do so for ever."""
    receipt = first(channel, may_repeat=True)
    channel.edit(lettered(half_out(thread_id=receipt.thread_id)), receipt.message_id)
    assert MAY_REPEAT in shown(discord_simulator)["embeds"][0]["description"]


def test_a_deleted_announcement_is_refused(channel: Channel) -> None:
    """Nobody else is concerned."""
    receipt = first(channel)
    letter = lettered(half_out(thread_id=receipt.thread_id))
    with pytest.raises(Refused):
        channel.edit(letter, str(int(receipt.message_id) + 1))
    channel.edit(letter, receipt.message_id)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"fault": "status", "status": 429, "body": {"message": "slow", "retry_after": 2.5}}, NotSent),
        ({"fault": "status", "status": 400, "body": {"message": "old", "code": 30046}}, NotSent),
        ({"fault": "status", "status": 403, "body": {"message": "not yours", "code": 50005}}, Refused),
        ({"fault": "status", "status": 400, "body": {"message": "bad", "code": 50035}}, Refused),
        ({"fault": "status", "status": 403, "body": {"message": "no", "code": 50013}}, ChannelPaused),
        ({"fault": "status", "status": 502}, OutcomeUnknown),
        ({"fault": "reset_after"}, OutcomeUnknown),
    ],
)
def test_each_answer_to_an_edit_has_its_outcome(
    channel: Channel, discord_simulator: DiscordSimulator, fault: dict[str, Any], outcome: type[Exception]
) -> None:
    """As for messages; and that old ones may be edited only so often passes."""
    receipt = first(channel)
    discord_simulator.faults([fault | {"method": "PATCH", "times": 1}])
    letter = lettered(half_out(thread_id=receipt.thread_id))
    with pytest.raises(outcome):
        channel.edit(letter, receipt.message_id)


def test_nobody_there_means_not_sent() -> None:
    """The announcement is looked at first, and looking has no unknown outcome."""
    channel = DiscordWebhook("http://127.0.0.1:9/api/webhooks/1/x", timeout=httpx.Timeout(0.5))
    with pytest.raises(NotSent):
        channel.edit(lettered(half_out()), "1")
    channel.close()
