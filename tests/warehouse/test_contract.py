"""What every warehouse does, wherever it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Warehouse
from crypto_signals.warehouse.star import NAMES
from domain.odds import evidence

from .samples import VOLUME, story

STORIES = [
    story(1, 2.0, evidence=evidence()),
    story(2, -1.0, gates=(VOLUME,), ended=5),
    story(3, None, ended=5),
]


@pytest.fixture
def warehouse(tmp_path: Path, opened: Callable[[Path], Warehouse]) -> Warehouse:
    return opened(tmp_path)


def everything(warehouse: Warehouse) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables and views."""
    asked = {name: warehouse.ask(f"SELECT * FROM {name}").rows for name in NAMES}
    return {name: sorted(map(dict, rows), key=str) for name, rows in asked.items()}


def test_what_was_kept_is_there(warehouse: Warehouse) -> None:
    """With its counts and days."""
    warehouse.keep(STORIES)
    held = {one.name: (one.rows, str(one.first), str(one.last)) for one in warehouse.holdings()}
    assert held == {
        "signals": (3, "2018-03-04", "2018-03-06"),
        "outcomes": (3, "2018-03-04", "2018-03-06"),
        "events": (8, "2018-03-04", "2018-03-06"),
        "gates": (3, "2018-03-04", "2018-03-06"),
        "evidence": (1, "2018-03-04", "2018-03-04"),
    }


def test_to_keep_again_does_no_harm(warehouse: Warehouse) -> None:
    """Whole batches, parts of them and other mixtures: every row is there once."""
    warehouse.keep(STORIES)
    before = everything(warehouse)
    warehouse.keep(STORIES)
    warehouse.keep(STORIES[1:])
    warehouse.keep([STORIES[2], STORIES[0]])
    assert everything(warehouse) == before


def test_batches_add_up(warehouse: Warehouse, tmp_path: Path, opened: Callable[[Path], Warehouse]) -> None:
    """One by one or together, it is the same warehouse."""
    warehouse.keep(STORIES)
    (tmp_path / "other").mkdir()
    other = opened(tmp_path / "other")
    for one in STORIES:
        other.keep([one])
    assert everything(other) == everything(warehouse)


def test_numbers_come_back_as_they_were(warehouse: Warehouse) -> None:
    """Bit for bit; and what is not known is null."""
    warehouse.keep([story(1, 0.1 + 0.2), story(2, None)])
    first, second = warehouse.ask("SELECT result_r, hit FROM outcomes ORDER BY signal_id").rows
    assert (first["result_r"], first["hit"]) == (0.1 + 0.2, True)
    assert (second["result_r"], second["hit"]) == (None, None)


def test_nothing_to_keep_is_no_harm(warehouse: Warehouse) -> None:
    """No row comes of it."""
    warehouse.keep([])
    assert sum(one.rows for one in warehouse.holdings()) == 0


@pytest.mark.parametrize("asked", ["SELECT nothing FROM signals", "SELEC 1", "SELECT * FROM nowhere"])
def test_a_wrong_question_is_the_askers(warehouse: Warehouse, asked: str) -> None:
    """It is an error for people, which says what was not understood."""
    warehouse.keep(STORIES)
    with pytest.raises(UsageError, match="does not understand"):
        warehouse.ask(asked)


@pytest.mark.parametrize(
    "asked", ["DELETE FROM signals WHERE TRUE", "DROP TABLE signals", "SELECT 1; SELECT 2"]
)
def test_a_question_changes_nothing(warehouse: Warehouse, asked: str) -> None:
    """Whatever is asked."""
    warehouse.keep(STORIES)
    with pytest.raises(UsageError):
        warehouse.ask(asked)
    assert warehouse.ask("SELECT COUNT(*) AS n FROM signals").rows == [{"n": 3}]


def test_an_answer_without_rows_has_columns(warehouse: Warehouse) -> None:
    """So that a table can be shown of it."""
    warehouse.keep(STORIES)
    answer = warehouse.ask("SELECT symbol, day FROM signals WHERE symbol = 'none'")
    assert (answer.columns, list(answer.rows)) == (("symbol", "day"), [])
