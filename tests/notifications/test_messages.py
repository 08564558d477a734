"""The words of announcements and follow-ups."""

from dataclasses import replace

import pytest

from crypto_signals.domain.events import EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import GateResult
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EntryType, ExitReason
from crypto_signals.notifications.messages import Colour, announcement, follow_up
from notifications.samples import BAR, LONG, PLANS, SHORT, event, every_event, running, signal, text

SAID = {
    ("long", "cancelled"): "Cancelled (not announced in time): do not act on it.",
    (
        "long",
        "entered",
    ): "In at 6,640.00 (bar 2018-07-20). Keep the stop at 6,240.00. Next: sell half at 7,120.00.",
    ("long", "target_1"): "Target 1 hit (bar 2018-07-20). Take half off at 7,120.00.",
    ("long", "target_2"): "Target 2 hit (bar 2018-07-20). Take a quarter of the first size off at 7,600.00.",
    ("long", "target_3"): "Target 3 hit (bar 2018-07-20). Take the rest off at 8,560.00.",
    ("long", "break_even"): "Move the stop to 6,640.00 (break-even).",
    ("long", "lock"): "Move the stop to 7,120.00 (target 1).",
    ("long", "trail"): "Move the stop to 7,600.00 (trailing).",
    ("long", "structure_broken"): "Pattern broken: the daily close of 2018-07-20 is below 6,420.00. "
    "Sell everything now.",
    ("long", "trail_hit"): "Trailing stop hit: everything out at 7,600.00 (bar 2018-07-20). "
    "If you still hold any, sell it now.",
    ("long", "stopped"): "Stopped: everything out at 6,240.00 (bar 2018-07-20). "
    "If you still hold any, sell it now.",
    ("long", "stopped_even"): "Stopped at break-even: everything out at 6,640.00",
    ("long", "stopped_lock"): "Stopped at target 1: everything out at 7,120.00",
    ("long", "invalidated"): "Out on the broken pattern: everything at the open, 6,420.00",
    ("long", "time"): "Time is up after 60 bars: sell everything now. Counted at the close, 6,640.00.",
    ("long", "no_data"): "No bars for 10 sessions: counted as closed at the last close, 6,640.00.",
    ("long", "no_data_unfilled"): "No bars for 10 sessions: cancel the entry order.",
    ("long", "missed"): "Missed: it opened at 7,120.00, at or past the stop or target 1. Do not enter",
    ("long", "no_entry"): "Not filled in time: cancel the entry order.",
    ("short", "entered"): "Keep the stop at 7,040.00. Next: buy back half at 6,160.00.",
    ("short", "target_1"): "Target 1 hit (bar 2018-07-20). Buy half back at 6,160.00.",
    ("short", "target_3"): "Buy the rest back at 4,720.00.",
    ("short", "structure_broken"): "close of 2018-07-20 is above 6,860.00. Buy back everything now.",
    (
        "short",
        "stopped",
    ): "everything out at 7,040.00 (bar 2018-07-20). If you still are short, buy back now.",
    ("short", "time"): "Time is up after 60 bars: buy back everything now.",
}


@pytest.mark.parametrize(("side", "name"), SAID)
def test_a_follow_up_says_what_happened_and_what_to_do(side: str, name: str) -> None:
    """Each event has its sentence, with prices on the instrument's grid, in the words of its side."""
    plan = PLANS[Direction(side)]
    assert SAID[side, name] in text(follow_up(running(plan), [every_event(plan)[name]]))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("name", every_event(LONG))
def test_every_event_can_be_told(plan, name: str) -> None:  # type: ignore[no-untyped-def]
    """No event, on either side, is without words, and a short is never told to sell out."""
    said = text(follow_up(running(plan), [every_event(plan)[name]]))
    assert "?" not in said
    if plan is SHORT:
        assert "sell" not in said.lower()


def test_every_type_and_reason_is_in_the_table() -> None:
    """The samples cover each type of event and each reason of an expiry."""
    samples = every_event(LONG).values()
    assert {sample.type for sample in samples} == set(EventType)
    expiries = {ExitReason.TIME, ExitReason.NO_DATA, ExitReason.MISSED, ExitReason.NO_ENTRY}
    assert {sample.reason for sample in samples if sample.type is EventType.EXPIRED} == expiries


def test_the_end_gives_the_result_net_of_fees() -> None:
    """A closed trade is quoted in R after fees, in the title and in its own line."""
    message = follow_up(running(), [every_event(LONG)["target_3"]])
    assert message.title == "▲ BTC/USD long: target 3 hit, +1.84 R"
    assert "Closed: +1.84 R after 0.06 R of fees." in text(message)
    assert message.colour is Colour.GREEN
    assert follow_up(running(), [every_event(LONG)["stopped"]]).colour is Colour.RED


def test_a_trade_that_never_began_has_no_result() -> None:
    """Missed and unfilled signals are grey and quote no R."""
    message = follow_up(signal(), [every_event(LONG)["missed"]])
    assert "Never entered: no result." in text(message)
    assert message.colour is Colour.GREY


def test_an_ambiguous_bar_is_said() -> None:
    """Where stop and target lay in one bar, the reader learns which one counted."""
    stopped = event(EventType.STOPPED, price=6240.0, ambiguous=True, result_r=-1.0, reason=ExitReason.STOP)
    assert "Stop and target lay in the same bar: the stop counts." in text(follow_up(running(), [stopped]))


def test_a_gap_through_the_stop_is_said() -> None:
    """An exit beyond the announced stop is explained by the open that caused it."""
    stopped = event(EventType.STOPPED, price=6000.0, result_r=-1.6, reason=ExitReason.STOP)
    said = text(follow_up(running(), [stopped]))
    assert "out at 6,000.00 (bar 2018-07-20), an open beyond the stop at 6,240.00." in said


def test_events_that_come_together_are_told_in_order_and_summed_up() -> None:
    """Target and stop move make one message, which ends with where the trade stands now."""
    samples = every_event(LONG)
    message = follow_up(running(), [samples["entered"], samples["target_1"], samples["break_even"]])
    said = text(message)
    assert said.index("In at") < said.index("Target 1 hit") < said.index("Move the stop")
    assert "Now: Half is still open, stop 6,640.00, next target 7,600.00." in said
    assert message.title.endswith("target 1 hit")


def test_an_announcement_says_what_to_do_at_which_levels_and_why() -> None:
    """Direction, levels with distances and R, what breaks the pattern, the readings, and no odds."""
    said = text(announcement(signal(confirmed_by=("three_outside_bullish",), context=("doji",))))
    for line in (
        "▲ BTC/USD long · Bull flag",
        "Buy now, near 6,640.00. Put the stop at 6,240.00 at once.",
        "Leave it if the price is at or below the stop or at or above target 1 (7,120.00) by then.",
        "Valid until 2018-07-19 00:00 UTC.",
        "Stop: 6,240.00 (−6.0 %, 1.5 ATR)",
        "Stop: 1 R = 400.00",
        "Target 1: 7,120.00 (+7.2 %, +1.2 R)",
        "Target 1: sell half",
        "Target 3: sell the rest",
        "Invalidation: A daily close below 6,420.00 breaks the pattern: exit at the next open.",
        "Why: Bull flag, volume 2.1× its 20-bar average, RSI 61, ADX 28, target 2 pays 2.4 R.",
        "Confirmed by: Bullish three outside.",
        "Also on the chart: Doji.",
        "Odds: No measured odds for this setup.",
        "Data: kraken, 1 day bars",
        "signal 1a2b3c4d · bar 2018-07-17 · default 3f9a1c0de812 · run 20180718T000100-0",
    ):
        assert line in said


def test_a_short_is_announced_in_its_own_words() -> None:
    """A short is sold first, bought back at its targets, and broken by a close above."""
    said = text(announcement(signal(SHORT, symbol="AAPL", asset_class=AssetClass.EQUITY)))
    assert "Sell short at the next open, near 6,640.00" in said
    assert "if the price is at or above the stop or at or below target 1" in said
    assert "Target 1: buy back half" in said
    assert "A daily close above 6,860.00" in said
    assert "Target 1: 6,160.00 (−7.2 %, +1.2 R)" in said


@pytest.mark.parametrize("kind", [EntryType.LIMIT, EntryType.STOP])
def test_a_resting_entry_names_its_order(kind: EntryType) -> None:
    """A limit or stop entry is placed at its level and cancelled by an open past the plan."""
    plan = type(LONG)(
        direction=LONG.direction, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0), entry_type=kind
    )
    said = text(announcement(signal(plan)))
    assert f"Place a buy {kind.value} order at 100.00" in said
    assert "Cancel it if a bar opens at or below the stop" in said


def test_lateness_and_repeats_are_said() -> None:
    """A late signal and a message that may be a second one say so."""
    assert "Late by 2 bars: look at the price before you act." in text(announcement(signal(late_bars=2)))
    assert "Late by" not in text(announcement(signal()))
    assert "may repeat an earlier message" in text(announcement(signal(), may_repeat=True))
    entered = [every_event(LONG)["entered"]]
    assert "may repeat an earlier message" in text(follow_up(running(), entered, may_repeat=True))


def test_what_was_not_measured_is_not_said() -> None:
    """Unknown readings leave no number behind, and gates fill in for missing confluence."""
    bare = signal(confluence={"rsi": None}, gates=(), feed=None)
    assert "Why: Bull flag, target 2 pays 2.4 R." in text(announcement(bare))
    gates = (GateResult("adx", passed=True, value=31.2, limit=25.0),)
    assert "ADX 31" in text(announcement(signal(confluence={}, gates=gates)))


def test_colours_tell_side_and_conviction() -> None:
    """Green is long, red short, gold high conviction."""
    assert announcement(signal()).colour is Colour.GREEN
    assert announcement(signal(SHORT)).colour is Colour.RED
    assert announcement(signal(conviction=Conviction.HIGH)).colour is Colour.GOLD


def test_a_day_is_no_moment() -> None:
    """A daily bar is named by its day, which no reader's time zone may shift; an hourly one by its time."""
    entered = every_event(LONG)["entered"]
    assert BAR + (entered.ts - BAR) not in follow_up(running(), [entered]).lines[0]
    hourly = running(timeframe=Timeframe("1Hour"))
    assert entered.ts in follow_up(hourly, [entered]).lines[0]


def test_a_thread_is_named_within_100_characters_with_its_id() -> None:
    """The name shows symbol, side, setup and day; a long one is cut before the day, never in the id."""
    assert announcement(signal()).thread_name == "BTC/USD long · bull flag · 2018-07-17 [1a2b3c4d]"
    long = announcement(signal(detector="very_" * 60)).thread_name
    assert len(long) == 100
    assert long.endswith("… · 2018-07-17 [1a2b3c4d]")


@pytest.mark.parametrize(
    ("symbol", "usd", "said"),
    [
        ("BTC/USD", 100.0, "Size: 0.25 BTC for 100.00 USD at risk, worth 1,660.00 USD at the entry"),
        ("TSLA", 1000.0, "Size: 2 shares for 1,000.00 USD at risk, worth 13,280.00 USD at the entry"),
        ("TSLA", 400.0, "Size: 1 share for 400.00 USD at risk, worth 6,640.00 USD at the entry"),
        ("TSLA", 100.0, "Size: 100.00 USD at risk is less than the smallest order loses at the stop"),
    ],
)
def test_an_announcement_says_how_much_for_the_stated_risk(symbol: str, usd: float, said: str) -> None:
    """In whole shares or parts of a coin, with what that costs; nothing where no risk was stated."""
    kind = AssetClass.CRYPTO if "/" in symbol else AssetClass.EQUITY
    told = signal(replace(LONG, risk_usd=usd), symbol=symbol, asset_class=kind)
    assert said in text(announcement(told))
    assert "Size" not in text(announcement(signal()))
