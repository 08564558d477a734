"""What is wrong with a schedule that was told to its end: nothing, if the promises hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crypto_signals.domain.vocabulary import EffectKind, EffectStatus
from crypto_signals.engine.letters import LEFT
from crypto_signals.engine.ports import Story
from engine.world import market_truth

from .outside import Message

Truth = Mapping[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class End:
    """What a schedule leaves: in the store, and in the chat."""

    can_find: bool
    stories: Sequence[Story]
    messages: Sequence[Message]
    zombies: Sequence[Message]


@dataclass
class Verdict:
    """What people did not get, got twice without being warned, or got in the wrong order; and what did not
    come to rest, or came out differently. ``excused`` are repetitions by a sender that had stood still."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    excused: int = 0
    warned: int = 0

    @property
    def problems(self) -> list[str]:
        return [*self.lost, *self.duplicated, *self.disordered, *self.unfinished]


def truth(end: End) -> Truth:
    return {story.signal.signal_id: market_truth(story.signal) for story in end.stories}


def judged(end: End, expected: Truth) -> Verdict:
    verdict = Verdict()
    if truth(end) != expected:
        verdict.unfinished.append("the market's side differs from that of the undisturbed story")
    verdict.lost += [f"people read what the store does not know: {message.key}" for message in end.zombies]
    for story in end.stories:
        read = sorted((m for m in end.messages if m.signal_id == story.signal.signal_id), key=_arrival)
        _judge_card(story, [message for message in read if message.kind is EffectKind.CARD], verdict)
        read = [message for message in read if message.kind is not EffectKind.CARD]
        numbers = [_numbers(message, story) for message in _without_stalled(read, verdict)]
        _judge_debts(story, {number for _, told in numbers for number in told}, verdict)
        _judge_order(story, numbers, verdict, can_find=end.can_find)
    return verdict


Told = tuple[Message, tuple[int, ...]]


def _arrival(message: Message) -> datetime:
    return message.there


def _judge_debts(story: Story, known: set[int], verdict: Verdict) -> None:
    """What was owed is settled: told, noted, or not owed any more, for a reason that can be seen."""
    signal, who = story.signal, story.signal.symbol
    if signal.cancelled_at is not None and known:
        verdict.lost.append(f"{who}: cancelled, but people read {sorted(known)}")
    noted = {effect.key.removesuffix("/note") for effect in story.effects if effect.kind is EffectKind.NOTE}
    for effect in story.effects:
        what = f"{who}: event {effect.seq}"
        if effect.status in LEFT:
            verdict.unfinished.append(f"{what} is {effect.status.value}")
        if effect.kind is EffectKind.CARD:
            continue
        if effect.status is EffectStatus.DONE and effect.seq not in known:
            verdict.lost.append(f"{what} counts as told, but was not")
        if effect.status is EffectStatus.DEAD and not effect.error:
            verdict.lost.append(f"{what} is dead without a reason")
        if effect.status is EffectStatus.SUPERSEDED and signal.cancelled_at is None:
            verdict.lost.append(f"{what} is not told, though its signal is")
        died = effect.status is EffectStatus.DEAD and effect.kind is EffectKind.FOLLOW_UP
        if died and signal.announced_at is not None and effect.key not in noted:
            verdict.lost.append(f"{what} was refused, and no note tells of it")


def _judge_card(story: Story, edits: Sequence[Message], verdict: Verdict) -> None:
    """What a card shows in the end is the latest that people were told; but for one edit by a sender that had
    stood still, and where editing was refused."""
    cards = [effect for effect in story.effects if effect.kind is EffectKind.CARD]
    if not cards or any(effect.status is EffectStatus.DEAD for effect in cards):
        return
    who, told = story.signal.symbol, [e for e in story.effects if e.kind is not EffectKind.CARD]
    newest = max(effect.seq for effect in told if effect.status in (EffectStatus.DONE, EffectStatus.DEAD))
    latest = [effect for effect in cards if effect.status is EffectStatus.DONE][-1:]
    if not latest or latest[0].seq != newest:
        verdict.lost.append(f"{who}: the card for event {newest} was not made")
    elif edits[-1].key != latest[0].key and not edits[-1].stalled:
        verdict.disordered.append(f"{who}: the card shows {edits[-1].key}, not {latest[0].key}")


def _judge_order(story: Story, told: Sequence[Told], verdict: Verdict, *, can_find: bool) -> None:
    """Each message is newer than all before it; only the newest is ever repeated, and only with a warning."""
    newest = 0
    for message, numbers in told:
        what = f"{story.signal.symbol}: events {numbers}"
        again = numbers[0] <= newest
        verdict.warned += again and message.may_repeat
        if again and (can_find or not message.may_repeat):
            verdict.duplicated.append(f"{what} were told again")
        if again and numbers[-1] != newest:
            verdict.disordered.append(f"{what} were told after {newest}")
        newest = max(newest, numbers[-1])


def _without_stalled(read: Sequence[Message], verdict: Verdict) -> list[Message]:
    """A sender that stood still may repeat its one message, where others told the same."""
    kept = []
    for message in read:
        others = [event for other in read if other is not message for event in other.events]
        if message.stalled and all(event in others for event in message.events):
            verdict.excused += 1
        else:
            kept.append(message)
    return kept


def _numbers(message: Message, story: Story) -> Told:
    """The message with the numbers of its events, in its own order."""
    return message, tuple(story.events.index(event) + 1 for event in message.events)
