"""Delivery: nothing owed is lost, nothing is said twice unmarked, and every thread is told in order."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crypto_signals.domain.errors import ChannelPaused, LeaseLost, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.events import EventType
from crypto_signals.domain.vocabulary import (
    EffectKind,
    Status,
)
from crypto_signals.engine.attempts import LEAST_LEASE_S
from crypto_signals.engine.deliver import SENDING_ATTEMPTS
from crypto_signals.engine.ports import Letter, Picture, Receipt
from crypto_signals.repository.opening import open_store
from crypto_signals.repository.sql import SqlStore

from .desk import (
    CLAIMED,
    DEAD,
    DONE,
    ENTRY,
    KNOWN,
    OWED,
    STOP,
    SUPERSEDED,
    TP1,
    TP2,
    UNKNOWN,
    D,
    Desk,
)
from .world import BTC, ETH, LTC, SETTLE, Call, Lost, Script, Scripted, bars, day, pattern
from .world import World as Market


def told(channel: Scripted) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(call.symbol, call.types, call.may_repeat) for call in channel.told]


# ------------------------------------------------------------------- done, not sent


def test_done(desk: Desk) -> None:
    """An announcement that went through: the thread is kept, the signal is WAITING, the effect done."""
    one = desk.open()
    summary = desk.deliver()
    signal, events, (effect,) = desk.store.signal(one)
    assert (signal.status, signal.announced_at) == (Status.WAITING, KNOWN)
    assert signal.thread_id == f"thread {one[:4]}"
    assert [event.type for event in events] == [EventType.CREATED, EventType.ANNOUNCED]
    assert (effect.status, effect.attempts, effect.done_at) == (DONE, 1, KNOWN)
    assert (effect.message_id, effect.error) == ("message 1", None)
    assert (summary.announcements, summary.exit_code, summary.owed) == (1, 0, 0)


def test_nothing_owed_sends_nothing(desk: Desk) -> None:
    """A second delivery finds nothing to do."""
    desk.open()
    desk.deliver()
    desk.deliver()
    assert len(desk.channel.calls) == 1


def test_not_sent_is_tried_again(desk: Desk) -> None:
    """ "429, or a failure before the request was sent: retry", after the time that was asked for."""
    one = desk.open()
    summary = desk.deliver([NotSent("429", 7.5), NotSent("429", 2.0), None])
    assert told(desk.channel) == [(BTC, (), False)]
    assert desk.patience.waits == [7.5, 2.0]
    assert (summary.retries, summary.announcements, summary.exit_code) == (2, 1, 0)
    assert desk.statuses(one) == [DONE]


def test_not_sent_for_ever_stays_owed(desk: Desk) -> None:
    """What is never taken stays owed, the run ends with 1, and the next run tells it, unmarked."""
    one = desk.open()
    summary = desk.deliver(lambda _call: NotSent("unreachable"))
    assert len(desk.channel.calls) == SENDING_ATTEMPTS
    assert desk.statuses(one) == [OWED]
    assert (summary.owed, summary.unknown, summary.exit_code) == (1, 0, 1)
    assert [error.symbol for error in summary.errors] == [BTC]
    assert desk.signal(one).status is Status.CREATED
    assert desk.deliver([]).exit_code == 0
    assert told(desk.channel) == [(BTC, (), False)]


def test_no_patience_no_waiting(desk: Desk) -> None:
    """Where the budget does not allow the wait, the effect stays owed after one attempt."""
    one = desk.open()
    desk.patience.budget = 5.0
    summary = desk.deliver([NotSent("429", 60.0), None])
    assert (len(desk.channel.calls), desk.statuses(one), summary.owed) == (1, [OWED], 1)


def test_one_blocked_thread_blocks_no_other(desk: Desk) -> None:
    """What cannot be told of one signal holds back no other signal."""
    desk.open(BTC)
    desk.open(ETH)
    desk.deliver(lambda call: NotSent("no") if call.symbol == BTC else None)
    assert told(desk.channel) == [(ETH, (), False)]


# ------------------------------------------------------------------- refused


def test_a_refused_announcement(desk: Desk) -> None:
    """ "400, 413: dead letter": the signal is CANCELLED, followed silently, and keeps its progress."""
    one = desk.open()
    summary = desk.deliver([Refused("400: bad embed")])
    assert desk.signal(one).status is Status.CANCELLED
    assert desk.signal(one).exit_reason == "undeliverable"
    (effect,) = desk.effects(one)
    assert (effect.status, effect.error) == (DEAD, "400: bad embed")
    assert (summary.cancelled, summary.dead, summary.owed, summary.exit_code) == (1, 1, 0, 1)
    desk.advance(one, ENTRY, TP1, STOP)
    desk.deliver()
    assert desk.signal(one).progress.status is Status.STOPPED
    assert (len(desk.channel.calls), desk.statuses(one)) == (1, [DEAD])


def test_a_refused_announcement_with_follow_ups(desk: Desk) -> None:
    """What was owed after it is superseded: no follow-up comes without its announcement."""
    one = desk.open()
    desk.advance(one, ENTRY, TP1)
    desk.deliver([Refused("400")])
    assert desk.statuses(one) == [DEAD, *[SUPERSEDED] * (len(desk.effects(one)) - 1)]
    assert len(desk.effects(one)) > 2
    assert len(desk.channel.calls) == 1


def test_a_refused_follow_up(desk: Desk) -> None:
    """A dead follow-up blocks nothing: a note says in its thread what is missing, later ones are told."""
    one = desk.open()
    desk.deliver()
    desk.advance(one, ENTRY)
    summary = desk.deliver([Refused("400")])
    assert (summary.dead, summary.exit_code, desk.statuses(one)) == (1, 1, [DONE, DEAD, DONE])
    assert desk.signal(one).status is Status.ACTIVE
    desk.advance(one, TP1)
    assert desk.deliver().exit_code == 0
    assert told(desk.channel)[1:] == [
        (BTC, ("note", "entered"), False),
        (BTC, ("target_1_hit", "stop_moved"), False),
    ]


def test_a_refused_note_is_not_noted_again(desk: Desk) -> None:
    """Where the note is refused too, that is all: no note on a note."""
    one = desk.open()
    desk.deliver()
    desk.advance(one, ENTRY)
    assert desk.deliver([Refused("400"), Refused("400")]).dead == 2
    assert desk.statuses(one) == [DONE, DEAD, DEAD]
    assert desk.deliver().exit_code == 0


def test_every_refused_follow_up_is_noted(desk: Desk) -> None:
    """Follow-ups told together and refused together: the note tells of all of them."""
    one = desk.open()
    desk.deliver()
    desk.advance(one, ENTRY, TP1)
    desk.deliver([Refused("400")])
    assert told(desk.channel)[1:] == [(BTC, ("note", "entered", "target_1_hit", "stop_moved"), False)]
    assert desk.statuses(one).count(DEAD) == desk.statuses(one).count(DONE) - 1 == 3


def test_a_refused_repeat_of_an_announcement_cancels_nothing(desk: Desk) -> None:
    """The first attempt may have been seen: whoever did must hear how it ends, and about a refused
    follow-up too."""
    one = desk.open()
    desk.patience.clock = desk.clock
    summary = desk.deliver([Lost(OutcomeUnknown("no reply")), Refused("400")])
    assert (summary.cancelled, summary.dead, desk.statuses(one)) == (0, 1, [DEAD])
    desk.advance(one, ENTRY)
    desk.deliver([Refused("400")])
    assert told(desk.channel) == [(BTC, (), False), (BTC, ("note", "entered"), False)]


def test_a_note_on_what_may_have_been_seen_says_so(desk: Desk) -> None:
    """A follow-up in doubt whose repeat is refused: what the note tells may be known already."""
    one = desk.open()
    desk.patience.clock = desk.clock
    desk.deliver()
    desk.advance(one, ENTRY)
    desk.deliver([Lost(OutcomeUnknown("no reply")), Refused("400")])
    assert told(desk.channel)[1:] == [(BTC, ("entered",), False), (BTC, ("note", "entered"), True)]
    assert desk.deliver().exit_code == 0


# ------------------------------------------------------------------- paused


def test_a_paused_channel(desk: Desk) -> None:
    """ "401, 403, 404: the channel is paused, its effects stay owed"; one attempt a run, others go on."""
    ids = [desk.open(symbol) for symbol in (BTC, ETH, LTC)]
    spy = desk.open("SPY")
    summary = desk.deliver(lambda _call: ChannelPaused("404: unknown webhook"))
    assert len(desk.channel.calls) == 1
    assert [desk.statuses(one) for one in ids] == [[OWED]] * 3
    assert desk.statuses(spy) == [DONE]
    assert (summary.owed, summary.announcements, summary.exit_code) == (3, 1, 1)
    assert summary.errors[0].service == "scripted"
    assert desk.deliver([]).announcements == 3
    assert all(not call.may_repeat for call in desk.channel.told)


def test_a_paused_channel_waits_for_nothing(desk: Desk) -> None:
    """An unknown outcome on a channel that is paused cannot be resolved now: no settle time is waited."""
    desk.open(BTC)
    desk.open(ETH)
    desk.deliver([OutcomeUnknown("reset"), ChannelPaused("403")])
    assert desk.patience.waits == []


# ------------------------------------------------------------------- unknown


def test_an_unknown_outcome_is_repeated_once_and_marked(desk: Desk) -> None:
    """Everything else is unknown: "wait out the settle time once, resolve", saying that it may repeat."""
    one = desk.open()
    desk.patience.clock = desk.clock
    summary = desk.deliver([Lost(OutcomeUnknown("timed out")), None])
    assert told(desk.channel) == [(BTC, (), False), (BTC, (), True)]
    assert desk.patience.waits == [SETTLE.total_seconds()]
    assert (desk.statuses(one), summary.unknown, summary.announcements) == ([DONE], 0, 1)
    assert desk.signal(one).status is Status.WAITING


def test_all_unknown_ones_share_one_wait(desk: Desk) -> None:
    """ "resolve all unknowns together": the settle time is waited once a run."""
    for symbol in (BTC, ETH, LTC):
        desk.open(symbol)
    desk.deliver([OutcomeUnknown("a"), OutcomeUnknown("b"), None])
    assert len(desk.patience.waits) == 1
    assert [call.may_repeat for call in desk.channel.told] == [False, True, True]


def test_unknown_without_budget(desk: Desk) -> None:
    """ "else leave them to the next run and exit 1 with `unknown: n`"; the next run repeats it, marked."""
    one = desk.open()
    desk.patience.budget = 10.0
    summary = desk.deliver([OutcomeUnknown("timed out")])
    assert (desk.statuses(one), summary.unknown, summary.owed, summary.exit_code) == ([UNKNOWN], 1, 0, 1)
    desk.later(minutes=5)
    assert desk.deliver([]).exit_code == 0
    assert told(desk.channel) == [(BTC, (), True)]
    assert desk.patience.waits == []


def test_unknown_is_not_repeated_before_it_settled(desk: Desk) -> None:
    """A run that comes within the settle time first waits for the rest of it."""
    desk.open()
    desk.patience.budget = 0
    desk.deliver([OutcomeUnknown("timed out")])
    desk.later(seconds=30)
    desk.patience.budget = 1000
    desk.deliver([])
    assert desk.patience.waits == [60.0]
    assert told(desk.channel) == [(BTC, (), True)]


def test_a_late_attempt_settles_late(desk: Desk) -> None:
    """What settles when is counted from the attempt in doubt, not from one before it that had to wait."""
    desk.open()
    desk.patience.clock = desk.clock
    desk.deliver([NotSent("429", 200.0), OutcomeUnknown("timed out")])
    assert desk.patience.waits == [200.0, SETTLE.total_seconds()]
    assert told(desk.channel) == [(BTC, (), True)]


def test_unknown_twice(desk: Desk) -> None:
    """An outcome that is unknown again is left to the next run: one repeat a run."""
    one = desk.open()
    summary = desk.deliver(lambda _call: OutcomeUnknown("timed out"))
    assert (len(desk.channel.calls), desk.statuses(one), summary.unknown) == (2, [UNKNOWN], 1)


def test_unknown_then_not_sent_stays_unknown(desk: Desk) -> None:
    """A repeat that was not sent leaves the first outcome unknown: the mark must not be lost."""
    one = desk.open()
    desk.deliver([OutcomeUnknown("timed out"), *[NotSent("no")] * SENDING_ATTEMPTS])
    assert desk.statuses(one) == [UNKNOWN]
    desk.later(minutes=5)
    desk.deliver([])
    assert told(desk.channel) == [(BTC, (), True)]


def test_unknown_blocks_only_its_thread(desk: Desk) -> None:
    """What came after an unknown follow-up waits for it; other threads go on. The order is kept."""
    one, other = desk.open(BTC), desk.open(ETH)
    desk.deliver()
    for which in (one, other):
        desk.advance(which, ENTRY)
    desk.patience.budget = 0
    desk.deliver(lambda call: OutcomeUnknown("?") if call.symbol == BTC else None)
    for which in (one, other):
        desk.advance(which, TP1)
    desk.deliver(lambda _call: None)
    assert told(desk.channel)[-1] == (ETH, ("target_1_hit", "stop_moved"), False)
    assert not [call for call in desk.channel.told if call.symbol == BTC and call.types]
    desk.later(minutes=5)
    desk.deliver()
    assert told(desk.channel)[-2:] == [
        (BTC, ("entered",), True),
        (BTC, ("target_1_hit", "stop_moved"), False),
    ]


def test_a_claim_left_by_a_crash_is_unknown(desk: Desk) -> None:
    """A claimed effect whose outcome nobody recorded is repeated after the settle time, marked."""
    one = desk.open()
    (effect,) = desk.effects(one)
    now = desk.clock.now()
    desk.store.record_effects([effect.moved(CLAIMED, attempts=1, attempted_at=now, settles_at=now + SETTLE)])
    summary = desk.deliver()
    assert desk.patience.waits == [SETTLE.total_seconds()]
    assert told(desk.channel) == [(BTC, (), True)]
    assert (desk.effects(one)[0].attempts, summary.exit_code) == (2, 0)


# ------------------------------------------------------------------- a channel that can be asked


def test_a_message_that_arrived_is_found_and_not_repeated(desk: Desk) -> None:
    """The reply was lost, the message was not: after the settle time it is found by its key."""
    desk.channel.can_find = True
    one = desk.open()
    summary = desk.deliver([Lost(OutcomeUnknown("no reply"))])
    assert told(desk.channel) == [(BTC, (), False)]
    assert desk.patience.waits == [SETTLE.total_seconds()]
    assert desk.channel.searches == [f"{one}/1"]
    assert (desk.statuses(one), desk.signal(one).status) == ([DONE], Status.WAITING)
    assert (summary.announcements, summary.unknown) == (1, 0)


def test_a_message_that_did_not_arrive_is_sent_again_unmarked(desk: Desk) -> None:
    """The search says that it is not there, so that it is no repeat."""
    desk.channel.can_find = True
    one = desk.open()
    desk.deliver([OutcomeUnknown("time-out")])
    assert told(desk.channel) == [(BTC, (), False)]
    assert len(desk.channel.calls) == 2
    assert desk.statuses(one) == [DONE]


def test_a_failing_search_leaves_the_message_unknown(desk: Desk) -> None:
    """Without an answer nothing is sent: the next run asks again, at once, since it has settled."""
    desk.channel.can_find = True
    one = desk.open()
    desk.channel.search_script = [ChannelPaused("403")]
    summary = desk.deliver([Lost(OutcomeUnknown("no reply"))])
    assert (summary.unknown, desk.statuses(one), len(desk.channel.calls)) == (1, [UNKNOWN], 1)
    desk.later(seconds=100)
    assert desk.deliver().unknown == 0
    assert (desk.statuses(one), len(desk.channel.calls)) == ([DONE], 1)


def test_a_search_that_is_refused_for_good_ends_the_message(desk: Desk) -> None:
    """Its thread was deleted, say: a dead letter, and no second attempt."""
    desk.channel.can_find = True
    one = desk.open()
    desk.channel.search_script = [Refused("the thread was deleted")]
    summary = desk.deliver([Lost(OutcomeUnknown("no reply"))])
    assert (summary.unknown, summary.dead) == (0, 1)
    assert (desk.statuses(one), len(desk.channel.calls)) == ([DEAD], 1)


def test_an_announcement_found_late_is_announced(desk: Desk) -> None:
    """Too late to send, but it is there: people have it, so that it is followed for them."""
    desk.channel.can_find = True
    one = desk.open()
    desk.patience.budget = 0
    desk.deliver([Lost(OutcomeUnknown("no reply"))])
    desk.later(days=30)
    assert desk.deliver().cancelled == 0
    assert desk.signal(one).status is Status.WAITING


def test_an_announcement_not_found_late_is_cancelled(desk: Desk) -> None:
    """Too late to send, and it is not there: nobody was told, and nobody will be."""
    desk.channel.can_find = True
    one = desk.open()
    desk.patience.budget = 0
    desk.deliver([OutcomeUnknown("time-out")])
    desk.later(days=30)
    assert desk.deliver().cancelled == 1
    assert desk.signal(one).status is Status.CANCELLED


def test_another_workers_claim_is_left_alone_until_it_settles(desk: Desk) -> None:
    """Two workers: what one has in hand the other does not touch, nor anything behind it."""
    one, two = desk.open(BTC), desk.open(ETH)
    (effect,) = desk.effects(one)
    now = desk.clock.now()
    desk.store.record_effects([effect.moved(CLAIMED, claimed_by="other", settles_at=now + SETTLE)])
    desk.patience.budget = 0
    summary = desk.deliver()
    assert told(desk.channel) == [(ETH, (), False)]
    assert (desk.statuses(one), desk.statuses(two), summary.unknown) == ([CLAIMED], [DONE], 1)


def test_a_lease_that_runs_out_is_renewed_before_anything_is_sent(desk: Desk) -> None:
    """A request could outlast what is left of it: the lease is made whole first."""
    desk.open()
    before = desk.store._monotonic
    desk.store._monotonic = lambda: before() + 3590
    assert desk.store.left_s() < LEAST_LEASE_S
    desk.channel.on_call = lambda: lefts.append(desk.store.left_s())
    lefts: list[float] = []
    desk.deliver()
    assert [left > LEAST_LEASE_S for left in lefts] == [True]


def test_what_kept_a_message_back_is_stored_with_it(desk: Desk) -> None:
    """Who looks at the effect sees why it is still owed, or unknown."""
    one, two = desk.open(BTC), desk.open("SPY")
    desk.stocks.script = [OutcomeUnknown("no reply")]
    desk.patience.budget = 0
    desk.deliver([NotSent("unreachable")])
    assert [desk.effects(which)[0].error for which in (one, two)] == ["unreachable", "no reply"]


def test_who_lost_the_lease_sends_nothing(desk: Desk) -> None:
    """Another instance took over between the decision and the sending: the claim fails first."""
    desk.open()
    other = open_store(f"sqlite:///{desk.store._session.name}")
    other.acquire("test", 3600)
    with pytest.raises(LeaseLost):
        desk.deliver()
    other.close()
    assert desk.channel.calls == []


# ------------------------------------------------------------------- order, coalescing, lateness


def test_follow_ups_become_one_message(desk: Desk) -> None:
    """ "More than one follow-up owed to a thread becomes one message that lists them in order.\""""
    one = desk.open()
    desk.deliver()
    desk.advance(one, ENTRY, TP1, TP2)
    summary = desk.deliver()
    assert told(desk.channel)[1:] == [
        (BTC, ("entered", "target_1_hit", "stop_moved", "target_2_hit", "stop_moved"), False)
    ]
    assert set(desk.statuses(one)) == {DONE}
    assert summary.follow_ups == 1


def test_announcement_first_then_follow_ups(desk: Desk) -> None:
    """Where both are owed and it is not too late, the announcement comes first."""
    one = desk.open()
    desk.advance(one, ENTRY, TP1)
    desk.deliver()
    assert told(desk.channel) == [
        (BTC, (), False),
        (BTC, ("entered", "target_1_hit", "stop_moved"), False),
    ]
    assert desk.signal(one).status is Status.TP1_HIT


@pytest.mark.parametrize(("seconds", "announced"), [(0, True), (1, False)])
def test_too_late_to_announce(desk: Desk, seconds: int, announced: bool) -> None:
    """ "A signal not announced by `valid_until` becomes CANCELLED for people", its effects superseded."""
    one = desk.open(valid_bars=1)
    desk.clock.set(day(D + 2) + dt.timedelta(seconds=seconds))
    desk.advance(one, ENTRY)
    summary = desk.deliver()
    assert bool(desk.channel.told) is announced
    if not announced:
        assert desk.signal(one).status is Status.CANCELLED
        assert desk.signal(one).progress.status is Status.ACTIVE
        assert set(desk.statuses(one)) == {SUPERSEDED}
        assert (summary.cancelled, summary.owed, summary.exit_code) == (1, 0, 0)
        desk.advance(one, STOP)
        assert desk.deliver().follow_ups == 0


def test_ended_before_it_was_announced(desk: Desk) -> None:
    """ "or before its first terminal event": what is over is not announced any more."""
    one = desk.open()
    desk.advance(one, ENTRY, STOP)
    summary = desk.deliver()
    assert desk.channel.calls == []
    assert (desk.signal(one).status, desk.signal(one).progress.status) == (Status.CANCELLED, Status.STOPPED)
    assert set(desk.statuses(one)) == {SUPERSEDED}
    assert summary.cancelled == 1


def test_an_unknown_announcement_of_what_is_over_is_no_call_to_enter(desk: Desk) -> None:
    """A signal not known to be announced "before its first terminal event becomes CANCELLED for people".

    Repeating the announcement of a finished trade would call people into it.
    """
    one = desk.open()
    desk.patience.budget = 0
    desk.deliver([OutcomeUnknown("timed out")])
    desk.advance(one, ENTRY, STOP)
    desk.later(days=2)
    desk.deliver([])
    assert not [call for call in desk.channel.told if not call.types]


# ------------------------------------------------------------------- stopping


def test_nothing_is_sent_when_stopping(desk: Desk) -> None:
    """A run that was asked to stop sends nothing more, and says what is owed."""
    one = desk.open()
    desk.patience.stopping = True
    summary = desk.deliver()
    assert (desk.channel.calls, desk.statuses(one), summary.owed, summary.exit_code) == ([], [OWED], 1, 1)


def test_stopping_between_two_threads(desk: Desk) -> None:
    """P8: the effect in hand is finished, the next thread is not begun."""
    desk.open(BTC)
    desk.open(ETH)
    desk.channel.on_call = lambda: setattr(desk.patience, "stopping", True)
    summary = desk.deliver()
    assert (told(desk.channel), summary.owed) == ([(BTC, (), False)], 1)


def test_stopping_within_a_thread(desk: Desk) -> None:
    """P8 "finishes the symbol and the effect in hand": the follow-ups of the same thread wait."""
    one = desk.open(BTC)
    desk.advance(one, ENTRY)
    desk.channel.on_call = lambda: setattr(desk.patience, "stopping", True)
    desk.deliver()
    assert told(desk.channel) == [(BTC, (), False)]


# ------------------------------------------------------------------- crashes at every call

MARKET = {
    D + 51: (100.0, 112.0, 99.0, 111.0, 1000.0),
    D + 52: (111.0, 122.0, 110.0, 121.0, 1000.0),
    D + 53: (121.0, 131.0, 120.0, 130.0, 1000.0),
}


def crashing(at: int, fault: Callable[[], BaseException | Lost]) -> Script:
    count = [0]

    def script(_call: Call) -> BaseException | Lost | None:
        count[0] += 1
        return fault() if count[0] == at else None

    return script


def heard(channel: Scripted) -> dict[str, list[str]]:
    """What people read, by signal, each message as a line; a marked repeat of the last one is dropped."""
    threads: dict[str, list[str]] = {}
    for call in channel.told:
        lines = threads.setdefault(call.symbol, [])
        said = ["announced"] if not call.types else list(call.types)
        if call.may_repeat and lines[-len(said) :] == said:
            continue
        lines += said
    return threads


FAULTS: dict[str, Callable[[], BaseException | Lost]] = {
    "killed before": KeyboardInterrupt,
    "killed after": lambda: Lost(KeyboardInterrupt()),
    "not sent": lambda: NotSent("429"),
    "unknown, not arrived": lambda: OutcomeUnknown("reset"),
    "unknown, arrived": lambda: Lost(OutcomeUnknown("reset")),
    "paused": lambda: ChannelPaused("403"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_call(tmp_path: Path, fault: str) -> None:
    """P3, P4, P5: whatever happens at whichever message, after the next runs all was told, once or
    marked, in order; the market's side is untouched."""
    reference: dict[str, list[str]] | None = None
    for at in range(10):
        (tmp_path / str(at)).mkdir()
        channel = Scripted(crashing(at, FAULTS[fault]))
        hit = pattern("hit", {symbol: [day(D + 50)] for symbol in (BTC, ETH)})
        market = {BTC: bars(D + 54, MARKET), ETH: bars(D + 54)}
        w = Market(tmp_path / str(at), market, hit, channel=channel)
        for number in range(D + 50, D + 55):
            for again in range(3):
                try:
                    w.run(day(number + 1) + dt.timedelta(minutes=1 + 20 * again))
                except KeyboardInterrupt:
                    continue
        reference = reference or heard(channel)
        assert heard(channel) == reference, at
        assert w.store.undelivered() == []
        calls = [(call.symbol, call.types) for call in channel.told]
        unmarked = [(call.symbol, call.types) for call in channel.told if not call.may_repeat]
        assert len(unmarked) == len(set(unmarked)), at
        assert len(calls) - len(set(calls)) <= 1, at
        w.store.close()
    assert reference is not None
    assert reference[BTC] == [
        "announced", "entered", "target_1_hit", "stop_moved", "target_2_hit", "stop_moved", "target_3_hit",
    ]  # fmt: skip


class Dying:
    """A store that dies at its n-th write, before or after the write is on disk."""

    def __init__(self, store: SqlStore, at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, at, after

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        if name not in {"commit", "record_effects", "start_run", "finish_run"}:
            return method

        def call(*args: object, **kwargs: object) -> object:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise KeyboardInterrupt
            result = method(*args, **kwargs)
            if self._left == 0:
                raise KeyboardInterrupt
            return result

        return call


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_every_write(tmp_path: Path, after: bool) -> None:
    """P3, P4: a program killed before or after any of its writes loses nothing, repeats only marked."""
    reference: dict[str, list[str]] | None = None
    for at in (1000, *range(1, 33)):
        folder = tmp_path / str(at)
        folder.mkdir()
        hit = pattern("hit", {BTC: [day(D + 50)]})
        w = Market(folder, {BTC: bars(D + 53, MARKET)}, hit)
        real = w.store
        w.after(D + 49)
        w.store = Dying(real, at, after=after)  # type: ignore[assignment]
        for number in (D + 50, D + 51, D + 52, D + 53):
            for again in range(2):
                try:
                    w.run(day(number + 1) + dt.timedelta(minutes=1 + 20 * again))
                except KeyboardInterrupt:
                    continue
        reference = reference or heard(w.channel)
        assert heard(w.channel) == reference, at
        unmarked = [call.types for call in w.channel.told if not call.may_repeat]
        assert len(unmarked) == len(set(unmarked)), at
        assert real.undelivered() == []
        real.close()


def test_effects_know_their_kind(desk: Desk) -> None:
    """One announcement a signal, the rest are follow-ups, numbered by their events."""
    one = desk.open()
    desk.advance(one, ENTRY, TP1)
    kinds = [effect.kind for effect in desk.effects(one)]
    assert kinds == [EffectKind.ANNOUNCE, *[EffectKind.FOLLOW_UP] * (len(kinds) - 1)]
    assert [effect.key for effect in desk.effects(one)] == [f"{one}/{e.seq}" for e in desk.effects(one)]


def test_a_signal_goes_where_its_thread_goes(desk: Desk) -> None:
    """A channel may tell it in another thread, where the old one was deleted; when it was announced stays."""
    which = desk.open()
    desk.deliver([])
    announced_at = desk.signal(which).announced_at
    desk.later(hours=1)
    post = desk.channel.post

    def elsewhere(letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:
        return replace(post(letter, picture, may_repeat=may_repeat), thread_id="another")

    desk.channel.post = elsewhere  # type: ignore[method-assign]
    desk.advance(which, ENTRY, TP1)
    desk.deliver([])
    assert (desk.signal(which).thread_id, desk.signal(which).announced_at) == ("another", announced_at)
    assert set(desk.statuses(which)) == {DONE}
