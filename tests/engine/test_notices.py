"""Notices: each once in its time, whatever happens, and what was refused at least once."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from crypto_signals.domain.errors import LeaseLost, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.notices import Heartbeat, NeedsAPerson, Notice, RefusedSetups, Week
from crypto_signals.domain.signals import GateResult
from crypto_signals.engine.notices import Notices
from crypto_signals.engine.ports import Saved
from crypto_signals.engine.summary import Summary

from .desk import ENTRY, STOP, Desk
from .world import BTC, ETH

MONDAY = dt.datetime(2018, 1, 15, 0, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass
class Board:
    script: list[Exception] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    name: str = "board"

    def tell(self, notice: Notice) -> None:
        if self.script:
            raise self.script.pop(0)
        self.notices.append(notice)

    def close(self) -> None:
        pass


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def tell(desk: Desk, board: Board) -> Callable[..., Summary]:
    """Tells everything that is due on the board, or what is asked for."""

    def told(now: dt.datetime, summary: Summary | None = None, **wanted: bool) -> Summary:
        summary = summary or Summary(symbols_total=3, symbols_processed=2)
        Notices(board, board, **wanted).tell(desk.store, now, summary)
        return summary

    return told


def shadow(desk: Desk, symbol: str, at: dt.datetime) -> None:
    """A new shadow signal, created by the run of that time."""
    which = desk.open("LTC/USD") if not desk.store.signals() else desk.store.signals()[0].signal_id
    gates = (GateResult("volume", passed=False, value=1.0, limit=1.5),)
    like = replace(desk.signal(which), signal_id=f"{symbol}-{at:%d%H%M}", symbol=symbol, gates=gates)
    fresh = replace(like, created_at=at, version=0)
    created = Event(type=EventType.CREATED, ts=at)
    desk.store.commit([Saved(apply(fresh, created), 0, (created,))])


def kinds(board: Board) -> list[type]:
    return [type(notice) for notice in board.notices]


def test_one_heartbeat_a_day(board: Board, tell: Callable[..., Summary]) -> None:
    """However often the program runs; the figures are those of the day's first run."""
    for hours in (0, 1, 23, 24):
        tell(MONDAY + dt.timedelta(hours=hours))
    assert kinds(board) == [Heartbeat, Heartbeat]
    assert board.notices[0] == Heartbeat(MONDAY, 3, 2, 0, 0, 0)


def test_one_result_a_week(desk: Desk, board: Board, tell: Callable[..., Summary]) -> None:
    """From the first whole week on, on the first run after it, of what closed in it and people knew of."""
    which = desk.open(BTC)
    desk.open(ETH)
    desk.deliver([])
    desk.advance(which, ENTRY, STOP)
    tell(MONDAY - 5 * DAY, heartbeat=False)
    for days in (0, 1, 7):
        tell(MONDAY + days * DAY, heartbeat=False)
    midnight = MONDAY.replace(minute=0)
    assert [(n.ts, [s.symbol for s in n.closed]) for n in board.notices if isinstance(n, Week)] == [
        (midnight, [BTC]),
        (midnight + 7 * DAY, []),
    ]


def test_both_can_be_switched_off(board: Board, tell: Callable[..., Summary]) -> None:
    """Then nothing comes on a quiet day."""
    for days in range(15):
        tell(MONDAY + days * DAY, heartbeat=False, weekly=False)
    assert board.notices == []


def test_what_did_not_leave_comes_with_the_next_run(board: Board, tell: Callable[..., Summary]) -> None:
    """The summary names what was wrong."""
    board.script = [NotSent("429")]
    summary = tell(MONDAY, weekly=False)
    assert [(error.service, error.error) for error in summary.errors] == [("board", "429")]
    tell(MONDAY + dt.timedelta(hours=1), weekly=False)
    assert kinds(board) == [Heartbeat]


@pytest.mark.parametrize("problem", [OutcomeUnknown("timed out"), ZeroDivisionError("by zero")])
def test_what_may_have_left_does_not_come_again(
    board: Board, tell: Callable[..., Summary], problem: Exception
) -> None:
    """A heartbeat too few is better than one too many."""
    board.script = [problem]
    tell(MONDAY, weekly=False)
    tell(MONDAY + dt.timedelta(hours=1), weekly=False)
    assert board.notices == []


def test_a_lost_lease_is_no_matter_of_the_board(board: Board, tell: Callable[..., Summary]) -> None:
    """It stops the run."""
    board.script = [LeaseLost("taken over")]
    with pytest.raises(LeaseLost):
        tell(MONDAY)


def test_new_refusals_are_listed_once(desk: Desk, board: Board, tell: Callable[..., Summary]) -> None:
    """All of a run in one notice, by the run that made them; those from before the first run are history."""
    shadow(desk, "OLD/USD", MONDAY - DAY)
    shadow(desk, BTC, MONDAY)
    shadow(desk, ETH, MONDAY)
    tell(MONDAY, heartbeat=False)
    tell(MONDAY + DAY, heartbeat=False)
    shadow(desk, BTC, MONDAY + 2 * DAY)
    tell(MONDAY + 2 * DAY, heartbeat=False)
    listed = [
        [s.symbol for s in notice.signals] for notice in board.notices if isinstance(notice, RefusedSetups)
    ]
    assert listed == [[BTC, ETH], [BTC]]


@pytest.mark.parametrize("problem", [OutcomeUnknown("timed out"), NotSent("429"), Refused("400")])
def test_refusals_are_listed_at_least_once(
    desk: Desk, board: Board, tell: Callable[..., Summary], problem: Exception
) -> None:
    """What one run could not tell, the next one does, with its own."""
    board.script = [problem]
    shadow(desk, BTC, MONDAY)
    tell(MONDAY, heartbeat=False, weekly=False)
    shadow(desk, ETH, MONDAY + DAY)
    tell(MONDAY + DAY, heartbeat=False, weekly=False)
    (notice,) = board.notices
    assert isinstance(notice, RefusedSetups)
    assert [signal.symbol for signal in notice.signals] == [BTC, ETH]


def test_each_kind_of_trouble_is_told_once_a_day(board: Board, tell: Callable[..., Summary]) -> None:
    """One that lasts does not hide another one."""
    quiet = {"heartbeat": False, "weekly": False}
    for minutes, summary in enumerate((Summary(dead=2), Summary(dead=1), Summary(dead=1, paused=["chat"]))):
        tell(MONDAY + dt.timedelta(minutes=minutes), summary, **quiet)
    assert board.notices == [
        NeedsAPerson(MONDAY, dead=2),
        NeedsAPerson(MONDAY + dt.timedelta(minutes=2), paused=("chat",)),
    ]
