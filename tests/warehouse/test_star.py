"""The rows of the star say of a signal what the signal says of itself."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from crypto_signals.domain.signals import GateResult
from crypto_signals.warehouse.schema import Kind
from crypto_signals.warehouse.star import EVENTS, EVIDENCE, GATES, OUTCOMES, SIGNALS, TABLES, facts
from domain.odds import evidence

from .samples import DAY, FIRST, PASSED, VOLUME, story

PYTHON = {
    Kind.TEXT: str,
    Kind.NUMBER: float,
    Kind.WHOLE: int,
    Kind.FLAG: bool,
    Kind.MOMENT: dt.datetime,
    Kind.DAY: dt.date,
}
STORIES = [
    story(1, 2.0, evidence=evidence()),
    story(2, -1.0, gates=(VOLUME, PASSED)),
    story(3, None),
    story(4, -0.5, cancelled_at=FIRST + 9 * DAY, announced_at=None),
]


def test_rows_have_the_columns_of_their_tables() -> None:
    """Each row has exactly its table's columns, each of its kind; what is required is there."""
    rows = facts(STORIES)
    assert set(rows) == {table.name for table in TABLES}
    for table in TABLES:
        assert rows[table.name]
        for row in rows[table.name]:
            assert list(row) == [column.name for column in table.columns]
            for column in table.columns:
                value = row[column.name]
                assert (value is None and not column.required) or isinstance(value, PYTHON[column.kind])


def test_keys_name_rows() -> None:
    """No two rows of a table have the same key, and all rows of a signal lie in the day of its end."""
    rows = facts(STORIES)
    for table in TABLES:
        keys = [tuple(row[name] for name in table.key) for row in rows[table.name]]
        assert len(keys) == len(set(keys))
    assert {row["day"] for rows in facts(STORIES[:1]).values() for row in rows} == {dt.date(2018, 3, 4)}


def test_an_outcome_is_worked_out_once() -> None:
    """Exits are weighted by their fractions; both ends of the holding time count; a miss has no figures."""
    won, lost, missed, _ = facts(STORIES)[OUTCOMES.name]
    assert (won["exit_price"], won["bars_held"], won["hit"], won["result_r"]) == (120.0, 2, True, 2.0)
    assert (lost["exit_price"], lost["bars_held"], lost["hit"]) == (90.0, 2, False)
    assert not missed["entered"]
    assert [missed[name] for name in ("exit_price", "bars_held", "hit", "result_r")] == [None] * 4


def test_what_people_saw_stands_beside_what_the_market_did() -> None:
    """A shadow names its gate, a cancelled one says so, neither was told; the trade ended all the same."""
    _, shadow, _, cancelled = facts(STORIES)[SIGNALS.name]
    assert (shadow["status"], shadow["exit_reason"], shadow["is_told"]) == (
        "REJECTED_BY_FILTER",
        "volume",
        False,
    )
    assert (cancelled["status"], cancelled["exit_reason"], cancelled["is_told"]) == (
        "CANCELLED",
        "undeliverable",
        False,
    )
    assert facts(STORIES)[OUTCOMES.name][3]["market_status"] == "STOPPED"


def test_the_story_is_kept_whole() -> None:
    """Whatever the columns leave out can be read from the record."""
    kept = json.loads(facts(STORIES)[SIGNALS.name][1]["story"])
    assert [gate["gate"] for gate in kept["signal"]["gates"]] == ["volume", "rsi"]
    assert [event["type"] for event in kept["events"]] == ["created", "entered", "stopped"]


def test_every_event_and_gate_is_numbered() -> None:
    """From 1, in order."""
    rows = facts(STORIES[1:2])
    assert [row["seq"] for row in rows[EVENTS.name]] == [1, 2, 3]
    assert [(row["seq"], row["gate"]) for row in rows[GATES.name]] == [(1, "volume"), (2, "rsi")]
    assert rows[EVIDENCE.name] == []


def test_what_cannot_be_counted_with_is_null() -> None:
    """An infinite reading of a gate would break every mean."""
    odd = story(1, gates=(GateResult("volume", passed=False, value=float("inf"), limit=float("nan")),))
    (row,) = facts([odd])[GATES.name]
    assert (row["measured"], row["asked"]) == (None, None)


def test_an_open_signal_is_refused() -> None:
    """It has no day to lie in."""
    closed = story(1)
    progress = replace(closed.signal.progress, closed_at=None)
    with pytest.raises(ValueError, match="is open"):
        facts([replace(closed, signal=replace(closed.signal, progress=progress))])


def test_keys_and_days_are_never_changed_by_a_merge() -> None:
    """They say which row it is."""
    for table in TABLES:
        changed = table.merged_from("staged").split("UPDATE SET ")[1].split("\n")[0]
        assert not {pair.split(" = ")[0] for pair in changed.split(", ")} & {"day", *table.key}
