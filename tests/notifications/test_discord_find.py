"""What the bot finds of its own messages, after every kind of trouble, so that nothing is told twice.

Discord's own memory of nonces is switched off here: what is not told twice is not told twice by the search.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from crypto_signals.domain.errors import ChannelPaused, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import Letter
from crypto_signals.notifications import discord_history
from crypto_signals.notifications.discord_bot import DiscordBot
from e2e.program import until
from notifications.bots import PNG, bot, no_picture, owed, posts_of
from notifications.samples import LONG, announced, every_event, followed, running, signal
from simulator.simulator_fixtures import DiscordSimulator

ENTERED = every_event(LONG)["entered"]
MANY_NAMES = tuple(f"confirming_pattern_number_{number}" for number in range(300))
EVERYWHERE = pytest.mark.parametrize("kind", ["forum", "text"])


@pytest.fixture
def simulator(discord_simulator: DiscordSimulator) -> DiscordSimulator:
    discord_simulator.habits(nonce_seconds=0)
    return discord_simulator


@pytest.fixture
def kind() -> str:
    return "text"


@pytest.fixture
def channel(simulator: DiscordSimulator, kind: str) -> Iterator[DiscordBot]:
    with bot(simulator, kind) as opened:
        yield opened


def letters(channel: DiscordBot, what: str) -> Letter:
    """The letter under test, in a channel that has told whatever comes before it."""
    if what == "announcement":
        return announced(signal())
    thread_id = None
    if what == "follow-up":
        thread_id = channel.post(announced(signal()), no_picture, may_repeat=False).thread_id
    return followed(running(thread_id=thread_id), [ENTERED])


FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "never arrived": ({"fault": "reset_before"}, False),
    "reply lost": ({"fault": "reset_after"}, True),
    "half a reply": ({"fault": "half_body"}, True),
    "nonsense in reply": ({"fault": "not_json"}, True),
    "arrived after the time-out": ({"fault": "slow", "seconds": 0.7}, True),
    "arrived after the cut": ({"fault": "late", "seconds": 0.2}, True),
    "refused for now": ({"fault": "status", "status": 502}, False),
}


@EVERYWHERE
@pytest.mark.parametrize("what", ["announcement", "follow-up", "follow-up without a thread"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_of_unknown_fate_is_told_once(
    channel: DiscordBot, simulator: DiscordSimulator, what: str, fault: str
) -> None:
    """Found if it arrived, and not posted again; posted if it did not. In the end there is one."""
    letter = letters(channel, what)
    before = len(posts_of(simulator))
    rule, arrives = FAULTS[fault]
    simulator.faults([rule | {"method": "POST"}])
    with pytest.raises(OutcomeUnknown):
        channel.post(letter, lambda: PNG, may_repeat=False)
    if arrives:
        until(lambda: len(posts_of(simulator)) > before)
    found = channel.find(letter)
    assert (found is not None) is arrives
    receipt = found or channel.post(letter, lambda: PNG, may_repeat=False)
    (posted,) = posts_of(simulator)[before:]
    assert receipt.message_id == posted["id"]
    assert channel.find(letter) == receipt
    if what == "announcement":
        assert receipt.thread_id == posted["id"]
        assert simulator.as_bot("GET", f"/channels/{receipt.thread_id}").json()["type"] == 11


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"nonsense in reply"}))
def test_an_announcement_without_its_thread_gets_it(
    channel: DiscordBot, simulator: DiscordSimulator, fault: str
) -> None:
    """The message is there, starting its thread failed: the search starts it, and names it."""
    rule, _ = FAULTS[fault]
    simulator.faults([rule | {"path": "/threads$", "times": 2}])
    with pytest.raises(OutcomeUnknown):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    receipt = channel.find(announced(signal()))
    assert receipt is not None
    (posted,) = posts_of(simulator)
    assert receipt.message_id == receipt.thread_id == posted["id"]
    channel.post(followed(running(thread_id=receipt.thread_id), [ENTERED]), no_picture, may_repeat=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_thread_is_started_again_at_once(
    channel: DiscordBot, simulator: DiscordSimulator, fault: str
) -> None:
    """It does no harm to start one twice, so that one lost reply is no matter."""
    simulator.faults([FAULTS[fault][0] | {"path": "/threads$"}])
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id == receipt.message_id
    assert simulator.as_bot("GET", f"/channels/{receipt.thread_id}").json()["type"] == 11
    assert len(posts_of(simulator)) == 1


def test_a_thread_that_may_not_be_started_pauses_the_channel(
    channel: DiscordBot, simulator: DiscordSimulator
) -> None:
    """Until the bot gets the permission; the message is there all the while, once."""
    simulator.habits(missing=["CREATE_PUBLIC_THREADS"])
    with pytest.raises(OutcomeUnknown):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    with pytest.raises(ChannelPaused, match="50013"):
        channel.find(announced(signal()))
    simulator.habits(missing=[])
    receipt = channel.find(announced(signal()))
    assert receipt is not None
    assert receipt.thread_id == receipt.message_id
    assert len(posts_of(simulator)) == 1


@EVERYWHERE
@pytest.mark.parametrize("what", ["announcement", "follow-up"])
def test_what_a_search_does_not_show_yet_is_found_later(
    channel: DiscordBot, simulator: DiscordSimulator, what: str
) -> None:
    """That is why the search waits for the settle time, which is longer than Discord's lag."""
    letter = letters(channel, what)
    simulator.habits(search_lag_seconds=60)
    simulator.faults([{"fault": "reset_after", "method": "POST"}])
    with pytest.raises(OutcomeUnknown):
        channel.post(letter, no_picture, may_repeat=False)
    assert channel.find(letter) is None
    simulator.habits(search_lag_seconds=0)
    assert channel.find(letter) is not None


def test_the_nonce_covers_what_the_search_does_not_show_yet(
    channel: DiscordBot, simulator: DiscordSimulator
) -> None:
    """For some minutes Discord itself recognises the message, even if the search was too early."""
    simulator.habits(search_lag_seconds=60, nonce_seconds=300)
    simulator.faults([{"fault": "reset_after", "method": "POST"}])
    with pytest.raises(OutcomeUnknown):
        channel.post(announced(signal()), no_picture, may_repeat=False)
    assert channel.find(announced(signal())) is None
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert [receipt.message_id] == [message["id"] for message in posts_of(simulator)]


def long_letter(channel: DiscordBot, what: str) -> Letter:
    """One that takes several posts."""
    if what == "announcement":
        return announced(signal(confirmed_by=MANY_NAMES))
    first = channel.post(announced(signal()), no_picture, may_repeat=False)
    return followed(running(thread_id=first.thread_id), owed(120))


@EVERYWHERE
@pytest.mark.parametrize("what", ["announcement", "follow-up"])
@pytest.mark.parametrize("fault", [{"fault": "status", "status": 429}, {"fault": "reset_before"},
                                   {"fault": "reset_after"}], ids=str)  # fmt: skip
def test_a_message_in_parts_is_completed(
    channel: DiscordBot, simulator: DiscordSimulator, kind: str, what: str, fault: dict[str, Any]
) -> None:
    """Whichever part got lost: what is missing is posted, nothing twice, all in order."""
    letter = long_letter(channel, what)
    whole = len(posts_of(simulator))
    opened_otherwise = (kind, what) == ("forum", "announcement")
    rule = {"method": "POST", "path": r"\d/messages$", "after": 0 if opened_otherwise else 1}
    simulator.faults([fault | rule])
    with pytest.raises(OutcomeUnknown):
        channel.post(letter, no_picture, may_repeat=False)
    receipt = channel.find(letter)
    assert receipt is not None
    parts = marks(simulator)[whole:]
    count = len(parts)
    assert count > 1
    tail = letter.key.rpartition("/")[2]
    assert parts == [f"1a2b3c4d·{tail}·{number}/{count}" for number in range(1, count + 1)]
    assert channel.find(letter) == receipt
    assert len(marks(simulator)[whole:]) == count


def marks(simulator: DiscordSimulator) -> list[str]:
    footers = [message["embeds"][-1]["footer"]["text"] for message in posts_of(simulator)]
    return [footer.rpartition(" · ")[2] for footer in footers]


def test_a_part_that_is_refused_for_good_is_a_dead_letter(
    channel: DiscordBot, simulator: DiscordSimulator
) -> None:
    """Searching again and again would not make Discord take it."""
    letter = long_letter(channel, "follow-up")
    simulator.faults([{"fault": "reset_before", "method": "POST", "after": 1}])
    with pytest.raises(OutcomeUnknown):
        channel.post(letter, no_picture, may_repeat=False)
    simulator.faults([{"fault": "status", "status": 400, "method": "POST"}])
    with pytest.raises(Refused):
        channel.find(letter)


@EVERYWHERE
def test_nothing_is_found_where_nothing_is(channel: DiscordBot) -> None:
    """An empty channel is one that can be read."""
    assert channel.find(announced(signal())) is None
    assert channel.find(followed(running(), [ENTERED])) is None


@EVERYWHERE
@pytest.mark.parametrize("what", ["announcement", "follow-up"])
def test_an_unreadable_history_is_not_taken_for_an_empty_one(
    channel: DiscordBot, simulator: DiscordSimulator, what: str
) -> None:
    """Discord shows no messages to a bot without the permission; nothing may be repeated for that."""
    letter = letters(channel, what)
    channel.post(letter, no_picture, may_repeat=False)
    simulator.habits(missing=["READ_MESSAGE_HISTORY"])
    with pytest.raises(ChannelPaused, match="50013"):
        channel.find(letter)


@EVERYWHERE
@pytest.mark.parametrize(
    "fault", [{"fault": "status"}, {"fault": "status", "status": 429}, {"fault": "reset_before"}], ids=str
)
def test_a_search_that_fails_is_no_answer(
    channel: DiscordBot, simulator: DiscordSimulator, fault: dict[str, Any]
) -> None:
    """It is tried again, as nothing was sent."""
    channel.post(announced(signal()), no_picture, may_repeat=False)
    simulator.faults([fault | {"method": "GET"}])
    with pytest.raises(NotSent):
        channel.find(announced(signal()))
    assert channel.find(announced(signal())) is not None


@EVERYWHERE
@pytest.mark.parametrize("body", ["[]", "{}", "3", '[{"no": "id"}]', '{"threads": null}'])
@pytest.mark.parametrize("path", ["/users/@me", "/messages$", "/threads/active", "/channels/200[12]$"])
def test_an_answer_that_makes_no_sense_is_not_taken_for_an_empty_one(
    simulator: DiscordSimulator, kind: str, path: str, body: str
) -> None:
    """Whatever a proxy in between says in Discord's place: found, or to be asked again."""
    with bot(simulator, kind) as channel:
        receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    simulator.faults([{"fault": "replaced", "method": "GET", "path": path, "body": body}])
    with bot(simulator, kind) as channel:
        try:
            assert channel.find(announced(signal())) == receipt
        except NotSent:
            assert channel.find(announced(signal())) == receipt


def say(simulator: DiscordSimulator, count: int = 1, footer: str = "") -> None:
    """Somebody else's messages."""
    body = {"embeds": [{"title": "x", "footer": {"text": footer or "y"}}]}
    for _ in range(count):
        assert simulator.client.post(simulator.text_webhook, json=body).is_success


def test_what_others_say_is_not_taken_for_ones_own(channel: DiscordBot, simulator: DiscordSimulator) -> None:
    """A message with the mark of a signal counts only if the bot wrote it."""
    say(simulator, footer="signal 1a2b3c4d · 1a2b3c4d·1")
    assert channel.find(announced(signal())) is None


def test_a_busy_channel_is_read_page_by_page(channel: DiscordBot, simulator: DiscordSimulator) -> None:
    """As far back as the message can be."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    say(simulator, 230)
    assert channel.find(announced(signal())) == receipt
    assert len(pages(simulator)) == 3


def pages(simulator: DiscordSimulator) -> list[str]:
    requests = simulator.requests()
    return [r["query"] for r in requests if r["method"] == "GET" and r["path"].endswith("/messages")]


def test_what_is_older_than_the_signal_is_not_read(channel: DiscordBot, simulator: DiscordSimulator) -> None:
    """The message cannot be there."""
    say(simulator, 130)
    young = signal(created_at=signal().created_at.replace(year=2040))
    assert channel.find(announced(young)) is None
    assert len(pages(simulator)) == 1


def test_reading_has_a_bound(
    channel: DiscordBot, simulator: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is reached nobody can tell, which is not the same as: it is not there."""
    monkeypatch.setattr(discord_history, "PAGES_MAX", 1)
    say(simulator, 101)
    with pytest.raises(OutcomeUnknown, match="too many messages"):
        channel.find(announced(signal()))


@pytest.mark.parametrize("kind", ["forum"])
def test_an_archived_thread_is_found(channel: DiscordBot, simulator: DiscordSimulator) -> None:
    """A thread that went to sleep before the search."""
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert receipt.thread_id is not None
    simulator.archive_thread(receipt.thread_id)
    assert channel.find(announced(signal())) == receipt


@pytest.mark.parametrize("kind", ["forum"])
def test_another_thread_of_the_same_name_is_passed_over(
    channel: DiscordBot, simulator: DiscordSimulator
) -> None:
    """What counts is the message with the mark, and who owns the thread."""
    name = "BTC/USD long · bull flag · 2018-07-17 [1a2b3c4d]"
    body = {"content": "mine", "thread_name": name}
    simulator.client.post(simulator.forum_webhook, json=body)
    simulator.as_bot("POST", "/channels/2001/threads", json={"name": name, "message": {"content": "x"}})
    assert channel.find(announced(signal())) is None
    receipt = channel.post(announced(signal()), no_picture, may_repeat=False)
    assert channel.find(announced(signal())) == receipt


@EVERYWHERE
def test_each_letter_of_a_thread_has_its_own_mark(channel: DiscordBot) -> None:
    """Event 3 is not 13 or 31, nor the note in the place of 3."""
    first = channel.post(announced(signal()), no_picture, may_repeat=False)
    told_on = running(thread_id=first.thread_id)
    receipt = channel.post(followed(told_on, [ENTERED], seq=13), no_picture, may_repeat=False)
    for seq in (3, 31, 131):
        assert channel.find(followed(told_on, [ENTERED], seq=seq)) is None
    note = replace(followed(told_on, [ENTERED]), key=f"{told_on.signal_id}/13/note", kind=EffectKind.NOTE)
    assert channel.find(note) is None
    assert channel.find(followed(told_on, [ENTERED], seq=13)) == receipt
