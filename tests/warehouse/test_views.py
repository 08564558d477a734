"""The views: what they say of known signals, and that both dialects read them the same way."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import expressions

from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Warehouse
from crypto_signals.warehouse import views
from crypto_signals.warehouse.duckdb import DuckDbWarehouse
from crypto_signals.warehouse.star import NAMES, TABLES
from domain.odds import evidence

from .samples import DAY, FIRST, PASSED, SLOT, VOLUME, story

UTC = dt.UTC
STORIES = [
    story(1, 2.0, evidence=evidence()),
    story(2, -1.0),
    story(3, -1.0, ended=4, strategy_version="v2", created_at=FIRST + 5 * DAY),
    story(4, 0.5, ended=4, strategy_version="v2", created_at=FIRST + 6 * DAY),
    story(5, -2.0, ended=5, created_at=FIRST + 7 * DAY),
    story(6, None, ended=5, created_at=FIRST + 8 * DAY),
    story(7, -1.5, gates=(VOLUME,)),
    story(8, 0.5, gates=(VOLUME, PASSED), ended=4),
    story(9, -1.0, gates=(VOLUME, SLOT)),
    story(10, 3.0, gates=(SLOT,), asset_class=AssetClass.EQUITY, symbol="SPY"),
    story(11, 4.0, announced_at=None, cancelled_at=FIRST + 9 * DAY),
    story(12, 1.0, asset_class=AssetClass.EQUITY, symbol="SPY", detector="bull_flag", strategy="other"),
]


@pytest.fixture
def warehouse(tmp_path: Path, opened: Callable[[Path], Warehouse]) -> Warehouse:
    made = opened(tmp_path)
    made.keep(STORIES)
    return made


def rows(warehouse: Warehouse, view: str, *columns: str, order: str = "1, 2, 3") -> list[tuple[object, ...]]:
    asked = f"SELECT {', '.join(columns) or '*'} FROM {view} ORDER BY {order}"
    return [tuple(row.values()) for row in warehouse.ask(asked).rows]


def test_trades_are_signals_with_their_outcomes(warehouse: Warehouse) -> None:
    """One row a closed signal, announced or not, with the odds where it carried any."""
    found = rows(warehouse, "trades", "signal_id", "result_r", "is_told", "odds_mean_r")
    assert len(found) == len(STORIES)
    assert found[0] == ("id-001", 2.0, True, 0.06)
    assert found[5] == ("id-006", None, True, None)


def test_days_add_up_what_people_were_told_of(warehouse: Warehouse) -> None:
    """Neither shadows, nor what could not be told, nor what was never entered; the sum runs by strategy."""
    first, second, third = (dt.date(2018, 3, day) for day in (4, 5, 6))
    assert rows(warehouse, "daily_performance", order="strategy, asset_class, day") == [
        (first, "other", "equity", 1, 1, 1, 1.0, 0.05, 1.0),
        (first, "test", "crypto", 2, 1, 1, 1.0, 0.1, 1.0),
        (second, "test", "crypto", 2, 1, 1, -0.5, 0.1, 0.5),
        (third, "test", "crypto", 1, 0, 0, -2.0, 0.05, -1.5),
    ]


def test_detectors_stand_beside_their_shadows(warehouse: Warehouse) -> None:
    """Figures of what was told, and what the refused ones would have brought."""
    assert rows(warehouse, "detector_performance") == [
        ("bull_flag", "long", "equity", "1Day", 1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 0, 0, None),
        ("hammer", "long", "crypto", "1Day", 5, 2, 0.4, -1.5, -0.3, -2.0, 2.0, 0, 3, -2.0 / 3),
        ("hammer", "long", "equity", "1Day", 0, 0, None, None, None, None, None, 0, 1, 3.0),
    ]


def test_a_gate_answers_for_what_it_alone_refused(warehouse: Warehouse) -> None:
    """A signal that two gates refused counts for neither."""
    assert rows(warehouse, "gate_performance") == [
        ("slot", "equity", 1, 1, 3.0, -3.0),
        ("volume", "crypto", 2, 2, -0.5, 1.0),
    ]


def test_a_version_that_came_back_is_a_stretch_of_its_own(warehouse: Warehouse) -> None:
    """v1, v2, v1 again: three stretches, each ending where the next begins."""
    stamps = [FIRST + days * DAY for days in (2, 5, 7)]
    asked = ("strategy_version", "valid_from", "valid_to", "signals_closed")
    found = warehouse.ask(
        f"SELECT {', '.join(asked)} FROM strategies WHERE strategy = 'test' ORDER BY valid_from"
    )
    assert [tuple(row.values()) for row in found.rows] == [
        ("v1", stamps[0], stamps[1], 7),
        ("v2", stamps[1], stamps[2], 2),
        ("v1", stamps[2], None, 2),
    ]


def test_versions_of_one_moment_follow_each_other(
    tmp_path: Path, opened: Callable[[Path], Warehouse]
) -> None:
    """Signals that were stored at the same moment have an order too; one version is the last."""
    made = opened(tmp_path)
    made.keep([story(number, strategy_version=f"v{number}") for number in range(9)])
    for _ in range(5):
        found = made.ask("SELECT strategy_version, valid_to FROM strategies").rows
        assert [row["strategy_version"] for row in found if row["valid_to"] is None] == ["v8"]


def sorted_rows(answer: Sequence[Mapping[str, object]]) -> list[str]:
    return sorted(str(dict(row)) for row in answer)


@pytest.mark.parametrize("name", views.NAMES)
def test_a_view_means_the_same_in_both_dialects(tmp_path: Path, name: str) -> None:
    """Read as GoogleSQL and translated for DuckDB, it says what it says as it is written."""
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.keep(STORIES)
    (translated,) = sqlglot.transpile(views.query(name), read="bigquery", write="duckdb")
    own = warehouse.ask(f"SELECT * FROM {name}")
    assert own.rows
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        other = connection.sql(translated).to_arrow_table().to_pylist()
    assert sorted_rows(other) == sorted_rows(own.rows)


FORBIDDEN = re.compile(
    r"DAYOFWEEK|APPROX_|FARM_FINGERPRINT|ASOF|ARRAY_AGG|QUALIFY|::|(?<![\w/])/(?![/*])|CAST\(", re.IGNORECASE
)


@pytest.mark.parametrize("name", views.NAMES)
def test_a_view_keeps_to_what_both_dialects_mean_alike(name: str) -> None:
    """No construct that is known to differ in silence, and no name that has to be quoted."""
    assert not FORBIDDEN.search(views.query(name).partition("\n")[2])
    assert views.meaning(name).endswith(".")


@pytest.mark.parametrize("name", views.NAMES)
def test_a_qualified_view_names_everything_in_full(name: str) -> None:
    """Every table or view that it reads from, and nothing else: its own WITH names stay as they are."""
    text = views.qualified(views.query(name), NAMES, "project-1.set")
    tree = sqlglot.parse_one(text, read="bigquery")
    own = {cte.alias for cte in tree.find_all(expressions.CTE)}
    assert not own & NAMES
    for table in tree.find_all(expressions.Table):
        assert (table.name in own) != (table.db == "set")


def test_views_come_after_what_they_read() -> None:
    """In the order in which they are made."""
    known = {table.name for table in TABLES}
    for name in views.NAMES:
        tree = sqlglot.parse_one(views.query(name), read="bigquery")
        own = {cte.alias for cte in tree.find_all(expressions.CTE)}
        assert {table.name for table in tree.find_all(expressions.Table)} <= known | own
        known.add(name)
