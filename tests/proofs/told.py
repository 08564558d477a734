"""Judges what people were told against what is stored: the promises, in terms of both alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus
from crypto_signals.engine.letters import LEFT
from crypto_signals.engine.ports import Story
from crypto_signals.notifications.announcement import MAY_REPEAT
from crypto_signals.notifications.discord_posts import posts
from crypto_signals.notifications.follow_ups import note
from crypto_signals.notifications.messages import announcement, card, follow_up
from crypto_signals.notifications.texts import Message as Text

Message = Mapping[str, Any]


@dataclass
class Verdict:
    """``faults`` are broken promises in words; the rest is what the sheet says."""

    faults: list[str] = field(default_factory=list)
    signals: int = 0
    messages: int = 0
    repeats: int = 0
    cancelled: int = 0
    doubtful: int = 0


def judge(stories: Sequence[Story], threads: Sequence[Mapping[str, Any]], *, can_find: bool) -> Verdict:
    """``can_find``: the channel can be asked what it holds, so that nothing may be said twice, marked or
    not. Everything must have come to rest."""
    verdict = Verdict()
    messages = [message for thread in threads for message in thread["messages"]]
    messages.sort(key=lambda message: int(message["id"]))
    ours = {story.signal.short_id: story for story in stories if not story.signal.is_shadow}
    for message in messages:
        if _short_id(message) not in ours:
            verdict.faults.append(f"nobody knows the signal of {_description(message)!r}")
    for short_id, story in ours.items():
        mine = [message for message in messages if _short_id(message) == short_id]
        _judge_one(story, mine, verdict, can_find=can_find)
    verdict.signals, verdict.messages = len(ours), len(messages)
    verdict.repeats = sum(map(_is_marked, messages))
    if can_find and verdict.repeats:
        verdict.faults.append(f"{verdict.repeats} repeats on a channel that can be asked")
    return verdict


def _judge_one(story: Story, messages: Sequence[Message], verdict: Verdict, *, can_find: bool) -> None:
    name, first_told = f"{story.signal.symbol} {story.signal.short_id}", []
    told = [list(_tells(story, message)) for message in messages]
    if not all(told):
        verdict.faults.append(f"{name}: a message that tells nothing stored")
    verdict.faults += [f"{name}: {fault}" for fault in _card_faults(story, messages)]
    for effect in story.effects:
        if effect.kind is EffectKind.CARD:
            continue
        saying = [message for message, keys in zip(messages, told, strict=True) if _said_as(effect) in keys]
        verdict.faults += [f"{name}: {fault}" for fault in _faults(effect, saying, can_find=can_find)]
        verdict.cancelled += effect.status is EffectStatus.SUPERSEDED and effect.kind is EffectKind.ANNOUNCE
        verdict.doubtful += effect.status is EffectStatus.DEAD
    for keys in told:
        first_told += [key for key in keys if key not in first_told]
    if first_told != sorted(first_told):
        verdict.faults.append(f"{name}: told out of order: {first_told}")


def _card_faults(story: Story, messages: Sequence[Message]) -> Iterator[str]:
    """What the announcement shows in the end is the card that was made last."""
    cards = [effect for effect in story.effects if effect.kind is EffectKind.CARD]
    if any(effect.status in LEFT for effect in cards):
        yield "a card never came to rest"
    done = [effect for effect in cards if effect.status is EffectStatus.DONE]
    if not done:
        return
    shown = [message for message in messages if message["id"] == done[-1].message_id]
    said = posts(card(story.signal, story.events[done[-1].seq - 1]), "")[0]["embeds"][0]
    if not shown or shown[0]["embeds"][0]["title"] != said["title"]:
        yield f"the announcement does not show the card of event {done[-1].seq}"
    elif not shown[0]["files"]:
        yield "the card has lost its picture"


def _faults(effect: Effect, saying: Sequence[Message], *, can_find: bool) -> Iterator[str]:
    what = f"{effect.kind.value} {effect.seq} ({effect.status.value})"
    unmarked = sum(not _is_marked(message) for message in saying)
    if effect.status in (EffectStatus.OWED, EffectStatus.CLAIMED, EffectStatus.UNKNOWN):
        yield f"{what} never came to rest"
    if effect.status is EffectStatus.DONE and not saying:
        yield f"{what} was never told"
    if effect.status is EffectStatus.SUPERSEDED and saying:
        yield f"{what} was told all the same"
    if unmarked > 1 or (can_find and len(saying) > 1):
        yield f"{what} was told {len(saying)} times, {unmarked} unmarked"


Said = tuple[int, str]
"""The number of the event, and what of it: sorted, the order in which a thread has to tell them."""


def _said_as(effect: Effect) -> Said:
    return effect.seq, effect.kind.value


def _tells(story: Story, message: Message) -> Iterator[Said]:
    """What of the signal's story this message tells, found by its words."""
    said, signal = _description(message), story.signal
    for effect in story.effects:
        event = story.events[effect.seq - 1]
        if effect.kind is EffectKind.ANNOUNCE:
            title = posts(announcement(signal), "")[0]["embeds"][0]["title"]
            tells = str(message["embeds"][0].get("title")).startswith(title)
        elif effect.kind is EffectKind.CARD:
            continue
        elif effect.kind is EffectKind.NOTE:
            tells = any(_words(note(signal, events)) in said for events in _noted_with(story, event))
        else:
            tells = _words(follow_up(signal, (event,))) in said
        if tells:
            yield _said_as(effect)


def _noted_with(story: Story, event: Event) -> Iterator[Sequence[Event]]:
    """The events that one note may tell together with this one: those noted next to it."""
    noted = [story.events[effect.seq - 1] for effect in story.effects if effect.kind is EffectKind.NOTE]
    for first in range(noted.index(event) + 1):
        for last in range(noted.index(event), len(noted)):
            yield noted[first : last + 1]


def _words(text: Text) -> str:
    words: str = posts(text, "")[0]["embeds"][0]["description"]
    return words


def _description(message: Message) -> str:
    return "\n".join(embed.get("description", "") for embed in message["embeds"])


def _is_marked(message: Message) -> bool:
    return MAY_REPEAT in _description(message)


def _short_id(message: Message) -> str:
    """The id with which the mark at the end of every message begins."""
    last: str = message["embeds"][-1]["footer"]["text"].split()[-1]
    return last.partition("·")[0]
