"""Messages as Discord posts: limits kept, nothing lost, nothing interpreted."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_signals.domain.events import EventType
from crypto_signals.domain.vocabulary import Direction
from crypto_signals.notifications.discord_marks import Part, part_in
from crypto_signals.notifications.discord_posts import posts, thread_title
from crypto_signals.notifications.discord_text import escaped, length, markdown, pieces
from crypto_signals.notifications.messages import Message, Strong, announcement, follow_up, plain
from notifications.samples import BAR, LONG, PLANS, event, every_event, running, signal

ANY_TEXT = st.text(max_size=400)
MARK = "1a2b3c4d·12·note"
SAMPLES = [*every_event(LONG).values()]


def check_limits(body: dict[str, Any]) -> None:
    """The documented limits of one post, lengths in UTF-16 units."""
    total = 0
    assert 1 <= len(body["embeds"]) <= 10
    for embed in body["embeds"]:
        fields = embed.get("fields", [])
        assert len(fields) <= 25
        assert length(embed.get("title", "")) <= 256
        assert length(embed.get("description", "")) <= 4096
        assert length(embed.get("footer", {}).get("text", "")) <= 2048
        for field in fields:
            assert field["name"].strip()
            assert length(field["name"]) <= 256
            assert field["value"].strip()
            assert length(field["value"]) <= 1024
        texts = [
            embed.get("title", ""),
            embed.get("description", ""),
            embed.get("footer", {}).get("text", ""),
        ]
        total += sum(map(length, texts)) + sum(length(f["name"]) + length(f["value"]) for f in fields)
    assert total <= 6000
    assert length(body.get("content", "")) <= 2000
    assert body["allowed_mentions"] == {"parse": []}


def check_marks(bodies: list[dict[str, Any]]) -> None:
    """Each post ends with its own part of the mark, and bears no other."""
    parts = [part_in(body, MARK) for body in bodies]
    assert parts == [Part(number, len(bodies)) for number in range(1, len(bodies) + 1)]
    assert all(part_in(body, MARK.removesuffix("·note")) is None for body in bodies)


def bare(text: str) -> str:
    """What a reader sees, without blanks: no escapes, no bold, no line ends."""
    return re.sub(r"\s|\*\*|(continued)", "", re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\*\*", "", text)))


def shown(bodies: list[dict[str, Any]]) -> str:
    parts = []
    for body in bodies:
        for embed in body["embeds"]:
            parts += [embed.get("description", "")]
            parts += [field["value"] for field in embed.get("fields", [])]
    return bare("".join(parts))


def check_complete(message: Message, bodies: list[dict[str, Any]]) -> None:
    """Every line of the message is shown, in order."""
    text, position = shown(bodies), 0
    lines = [*message.lines, *(line for field in message.fields for line in field.lines)]
    for line in lines:
        wanted = bare(markdown(line))
        found = text.find(wanted, position)
        assert found >= 0, plain(line)
        position = found + len(wanted)


@settings(deadline=None)
@given(
    symbol=ANY_TEXT,
    detector=ANY_TEXT,
    names=st.lists(st.text(max_size=90), max_size=120),
    strategy=st.text(max_size=900),
    named=st.booleans(),
)
def test_any_announcement_keeps_the_limits_and_loses_no_line(
    symbol: str, detector: str, names: list[str], strategy: str, named: bool
) -> None:
    """Whatever the names and however many confirmations, each post is acceptable and all is said."""
    sample = signal(
        symbol=symbol, detector=detector, confirmed_by=tuple(names), context=tuple(names), strategy=strategy
    )
    message = announcement(sample)
    bodies = posts(message, MARK, named=named, picture=True)
    for body in bodies:
        check_limits(body)
    check_complete(message, bodies)
    check_marks(bodies)
    assert 1 <= length(thread_title(message)) <= 100
    assert "[1a2b3c4d]" in thread_title(message)


@settings(deadline=None)
@given(st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=120), st.sampled_from(list(PLANS)))
def test_any_follow_up_keeps_the_limits_and_loses_no_line(told: list[Any], direction: Direction) -> None:
    """However many events are owed at once, in whatever order, all of them are told."""
    message = follow_up(running(PLANS[direction]), told)
    bodies = posts(message, MARK, named=True)
    for body in bodies:
        check_limits(body)
    check_complete(message, bodies)
    check_marks(bodies)


def test_sixty_events_become_a_few_posts_in_order() -> None:
    """Sixty events that waited for the same outage are told one after the other."""
    told = [event(EventType.STOP_MOVED, day, stop=6640.0 + day) for day in range(60)]
    bodies = posts(follow_up(running(), told), MARK)
    said = shown(bodies)
    places = [said.index(bare(f"{6640 + day:,}.00")) for day in range(60)]
    assert places == sorted(places)
    assert len(bodies) <= 2


@pytest.mark.parametrize(
    ("outside", "safe"),
    [
        ("**BTC**", r"\*\*BTC\*\*"),
        ("<@123> @everyone", r"\<\@123> \@everyone"),
        ("[x](https://evil.example)", r"[x\](https:\/\/evil.example)"),
        ("`a` _b_ ~c~ |d| #e", r"\`a\` \_b\_ \~c\~ \|d\| #e"),
        ("a] (b)", "a] (b)"),
        (r"back\slash", r"back\\slash"),
    ],
)
def test_markdown_from_outside_is_shown_as_it_is(outside: str, safe: str) -> None:
    """No name can format, link, list or mention."""
    assert escaped(outside) == safe
    body = posts(announcement(signal(symbol=outside, detector="x")), MARK)[0]
    assert safe in body["embeds"][0]["title"]


def test_moments_are_localised_and_pictures_described() -> None:
    """Discord shows moments in the reader's time; the attachment carries its description."""
    message = announcement(signal())
    body = posts(message, MARK, picture=True)[0]
    assert f"<t:{int(signal().valid_until.timestamp())}:f>" in body["embeds"][0]["description"]
    assert body["embeds"][0]["image"] == {"url": "attachment://chart.png"}
    assert body["attachments"] == [{"id": 0, "filename": "chart.png", "description": message.alt}]
    assert body["embeds"][0]["timestamp"] == signal().created_at.isoformat()


def test_a_line_is_cut_between_words_and_never_inside_an_escape() -> None:
    """Pieces of a long line are whole markdown each."""
    line = (Strong("*bold* " * 40), BAR, " plain_text" * 60)
    parts = list(pieces(line, 100))
    assert all(length(part) <= 100 for part in parts)
    assert all(part.count("**") % 2 == 0 for part in (re.sub(r"\\.", "", part) for part in parts))
    assert bare("".join(parts)) == bare(markdown(line))
