"""Status cards: the announcement shows how its signal went, and nothing ever waits for that."""

import pytest

from crypto_signals.domain.errors import (
    ChannelPaused,
    LeaseLost,
    NotSent,
    OutcomeUnknown,
    Refused,
    VersionConflict,
)
from crypto_signals.domain.events import Effect
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.attempts import LEAST_LEASE_S
from crypto_signals.engine.cards import ATTEMPTS, LONGEST_WAIT_S
from crypto_signals.repository.opening import open_store

from .desk import CLAIMED, DEAD, DONE, ENTRY, OWED, STOP, SUPERSEDED, TP1, UNKNOWN, Desk
from .world import BTC, ETH, SETTLE, Call, Lost


@pytest.fixture
def board(desk: Desk) -> Desk:
    """A desk whose channel can edit."""
    desk.channel.can_edit = True
    return desk


def cards(desk: Desk, which: str) -> list[Effect]:
    return [effect for effect in desk.effects(which) if effect.kind is EffectKind.CARD]


def announced(desk: Desk, symbol: str = BTC) -> str:
    which = desk.open(symbol)
    desk.deliver([])
    return which


def test_a_card_follows_what_was_told(board: Desk) -> None:
    """The announcement is edited after the follow-ups, to the last of them; nothing is left."""
    which = announced(board)
    assert cards(board, which) == []
    board.advance(which, ENTRY, TP1)
    summary = board.deliver([])
    assert board.channel.edits == [("message 1", "stop_moved")]
    assert [(card.status, card.message_id) for card in cards(board, which)] == [(DONE, "message 1")]
    assert (summary.follow_ups, summary.cards, summary.exit_code) == (1, 1, 0)


def test_cards_come_after_all_messages(board: Desk) -> None:
    """No thread waits for the card of another one."""
    first, second = announced(board), announced(board, ETH)
    for which in (first, second):
        board.advance(which, ENTRY)
    seen: list[int] = []
    board.channel.on_call = lambda: seen.append(len(board.channel.edits))
    board.deliver([])
    assert (seen, len(board.channel.edits)) == ([0, 0], 2)


def test_no_card_where_nothing_can_be_edited(desk: Desk) -> None:
    """A console owes none; what is owed from before is let go there."""
    which = announced(desk)
    desk.advance(which, ENTRY)
    desk.deliver([])
    assert cards(desk, which) == []
    desk.channel.can_edit = True
    desk.channel.edit_script = [NotSent("429", 1000.0)]
    desk.advance(which, TP1)
    assert desk.deliver([]).owed == 1
    desk.channel.can_edit = False
    assert desk.deliver([]).exit_code == 0
    assert [card.status for card in cards(desk, which)] == [SUPERSEDED]


def test_no_card_while_something_is_untold(board: Desk) -> None:
    """A card never says more than the thread does."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [NotSent("429", 1000.0)]
    board.deliver([])
    board.advance(which, TP1)
    board.deliver([ChannelPaused("404")])
    assert len(board.channel.edits) == 1
    board.deliver([])
    assert board.channel.edits[1:] == [("message 1", "stop_moved")]
    assert [card.status for card in cards(board, which)] == [SUPERSEDED, DONE]


def test_an_unknown_edit_is_simply_made_again(board: Desk) -> None:
    """Without waiting for it to settle; and a claim that a crash left as well."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [OutcomeUnknown("timed out")]
    summary = board.deliver([])
    assert [(card.status, card.error) for card in cards(board, which)] == [(UNKNOWN, "timed out")]
    assert summary.unknown == 1
    assert board.patience.waits == []
    board.deliver([])
    assert len(board.channel.edits) == 2
    (card,) = cards(board, which)
    assert (card.status, card.done_at, card.error) == (DONE, board.clock.now(), None)


def test_a_newer_card_waits_for_an_older_one_that_may_be_on_its_way(board: Desk) -> None:
    """An edit that arrives late must not replace a newer one."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [OutcomeUnknown("timed out")]
    board.deliver([])
    board.advance(which, TP1)
    board.deliver([])
    assert len(board.channel.edits) == 1
    assert [card.status for card in cards(board, which)] == [UNKNOWN, OWED]
    board.later(seconds=SETTLE.total_seconds())
    board.deliver([])
    assert board.channel.edits[1:] == [("message 1", "stop_moved")]
    assert [card.status for card in cards(board, which)] == [SUPERSEDED, DONE]


def test_an_edit_in_doubt_stays_in_doubt_until_it_is_made(board: Desk) -> None:
    """That another attempt did not leave says nothing of the first one."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [OutcomeUnknown("timed out"), NotSent("429", 1000.0)]
    board.deliver([])
    board.deliver([])
    assert [(card.status, card.error) for card in cards(board, which)] == [(UNKNOWN, "429")]


def test_a_short_wait_is_waited_out(board: Desk) -> None:
    """A bucket that is empty for a moment; each attempt is journalled."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [NotSent("429", LONGEST_WAIT_S)]
    summary = board.deliver([])
    assert board.patience.waits == [LONGEST_WAIT_S]
    assert [(card.status, card.attempts) for card in cards(board, which)] == [(DONE, 2)]
    assert summary.retries == 1


@pytest.mark.parametrize("asked_s", [1.0, LONGEST_WAIT_S + 1])
def test_a_channel_that_takes_no_edits_is_left_alone_for_this_run(board: Desk, asked_s: float) -> None:
    """The other cards stay owed, and the messages are told all the same."""
    both = announced(board), announced(board, ETH)
    for which in both:
        board.advance(which, ENTRY)
    board.channel.edit_script = [NotSent("429", asked_s) for _ in range(10)]
    summary = board.deliver([])
    assert len(board.channel.edits) == (ATTEMPTS if asked_s == 1.0 else 1)
    assert [card.status for which in both for card in cards(board, which)] == [OWED, OWED]
    assert (summary.follow_ups, summary.owed, summary.exit_code) == (2, 2, 1)
    board.channel.edit_script = []
    assert board.deliver([]).exit_code == 0


def test_a_message_that_is_gone_has_no_card_any_more(board: Desk) -> None:
    """It is told once, with no note; the thread goes on."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [Refused("404: no such message")]
    summary = board.deliver([])
    assert (summary.dead, [error.error for error in summary.errors]) == (1, ["404: no such message"])
    board.advance(which, TP1)
    summary = board.deliver([])
    assert (summary.exit_code, summary.follow_ups, len(board.channel.edits)) == (0, 1, 1)
    assert [(card.status, card.error) for card in cards(board, which)] == [(DEAD, "404: no such message")]


def test_what_else_fails_keeps_the_card(board: Desk) -> None:
    """Whatever a channel raises concerns that card alone."""
    first, second = announced(board), announced(board, ETH)
    for which in (first, second):
        board.advance(which, ENTRY)
    board.channel.edit_script = [ZeroDivisionError("by zero")]
    summary = board.deliver([])
    assert [card.status for card in (*cards(board, first), *cards(board, second))] == [UNKNOWN, DONE]
    assert [error.error for error in summary.errors] == ["ZeroDivisionError: by zero"]


def test_a_paused_channel_gets_no_card(board: Desk) -> None:
    """What the messages found out holds for the cards, too."""
    first, second = announced(board), announced(board, ETH)
    board.advance(first, ENTRY)
    board.advance(second, ENTRY)

    def only_btc(call: Call) -> BaseException | Lost | None:
        return ChannelPaused("404") if call.symbol == ETH else None

    board.deliver(only_btc)
    assert board.channel.edits == []
    assert [card.status for card in cards(board, first)] == [OWED]


def test_a_note_owes_a_card(board: Desk) -> None:
    """Refused or not, people know; the card shows it."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.deliver([Refused("400"), Refused("400")])
    assert [card.status for card in cards(board, which)] == [DONE]


def test_a_signal_whose_announcement_nobody_can_find_has_no_card(board: Desk) -> None:
    """Where the reply got lost and the message is not repeated, there is no id to edit."""
    which = board.open(valid_bars=0)
    board.advance(which, ENTRY, STOP)
    board.deliver([])
    assert cards(board, which) == []


def test_nothing_is_edited_when_stopping(board: Desk) -> None:
    """A stop request leaves the cards to the next run."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.on_call = lambda: setattr(board.patience, "stopping", True)
    board.deliver([])
    assert board.channel.edits == []
    assert [card.status for card in cards(board, which)] == [OWED]


def test_who_lost_the_lease_edits_nothing_more(board: Desk) -> None:
    """The claim is refused before anything is sent."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [NotSent("429", 1000.0)]
    board.deliver([])
    other = open_store(f"sqlite:///{board.store._session.name}")
    other.acquire("test", 3600)
    with pytest.raises(LeaseLost):
        board.deliver([])
    assert len(board.channel.edits) == 1
    other.close()


def test_no_card_while_a_message_is_in_doubt(board: Desk) -> None:
    """What people know is not known; what is owed of a card from before waits as well."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [NotSent("429", 1000.0)]
    board.deliver([])
    board.advance(which, TP1)
    board.patience.budget = 0
    board.deliver([OutcomeUnknown("timed out")])
    assert len(board.channel.edits) == 1


def test_a_lease_that_runs_out_is_renewed_before_an_edit(board: Desk) -> None:
    """An edit must not outlast the right to make it: the lease is made whole first."""
    which = announced(board)
    board.advance(which, ENTRY)
    before = board.store._monotonic
    board.channel.on_call = lambda: setattr(board.store, "_monotonic", lambda: before() + 3590)
    lefts: list[float] = []
    board.channel.on_edit = lambda: lefts.append(board.store.left_s())
    board.deliver([])
    assert [left > LEAST_LEASE_S for left in lefts] == [True]


def test_a_card_that_another_one_has_made_is_left_alone(board: Desk) -> None:
    """Between the look at what is owed and the look at the signal."""
    first, second = announced(board), announced(board, ETH)
    for which in (first, second):
        board.advance(which, ENTRY)

    def made_by_another() -> None:
        board.store.record_effects([card.moved(DONE) for card in cards(board, second)])

    board.channel.on_edit = made_by_another
    summary = board.deliver([])
    assert (summary.errors, len(board.channel.edits)) == ([], 1)


def test_what_is_no_longer_as_it_was_read_is_told_and_left(board: Desk) -> None:
    """As for messages: the next run looks again."""
    which = announced(board)
    board.advance(which, ENTRY)
    board.channel.edit_script = [VersionConflict("no longer as it was read")]
    summary = board.deliver([])
    assert [(error.service, error.error) for error in summary.errors] == [
        ("store", "no longer as it was read")
    ]
    assert [card.status for card in cards(board, which)] == [CLAIMED]
