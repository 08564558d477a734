"""The warehouse in a file: how it grows, what harms it, and what does not."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.warehouse import duckdb as room
from crypto_signals.warehouse.duckdb import DuckDbWarehouse
from crypto_signals.warehouse.star import NAMES

from .samples import story

STORIES = [story(number, 1.0 - number) for number in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "warehouse.duckdb"


def everything(path: Path) -> dict[str, list[str]]:
    with duckdb.connect(path, read_only=True) as connection:
        return {name: sorted(map(str, connection.table(name).fetchall())) for name in NAMES}


def change(path: Path, statement: str) -> None:
    with duckdb.connect(path) as connection:
        connection.execute(statement)


def test_a_question_makes_no_warehouse(path: Path) -> None:
    """Without one it says what makes one; there is nothing to count."""
    with pytest.raises(UsageError, match="warehouse sync"):
        DuckDbWarehouse(path).ask("SELECT 1")
    assert DuckDbWarehouse(path).holdings() == []
    assert not path.exists()


def test_it_is_its_owners_alone(path: Path) -> None:
    """Nobody else can read the file, and nothing else is left beside it."""
    DuckDbWarehouse(path).keep(STORIES)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_older_warehouse_gets_what_is_missing(path: Path) -> None:
    """A column, table or view that came later is added; in what was there, the new column is empty."""
    DuckDbWarehouse(path).keep(STORIES[:2])
    change(path, "DROP VIEW daily_performance")
    change(path, "DROP TABLE gates")
    change(path, "ALTER TABLE outcomes DROP COLUMN ambiguous")
    DuckDbWarehouse(path).keep(STORIES[2:])
    asked = DuckDbWarehouse(path).ask("SELECT ambiguous FROM outcomes ORDER BY signal_id")
    assert [row["ambiguous"] for row in asked.rows] == [None, None, False, False, False]
    gates = DuckDbWarehouse(path).ask("SELECT COUNT(DISTINCT signal_id) AS n FROM gates")
    assert gates.rows == [{"n": 3}]
    assert DuckDbWarehouse(path).ask("SELECT COUNT(*) AS n FROM daily_performance").rows == [{"n": 1}]


def test_what_a_newer_version_added_is_left_alone(path: Path) -> None:
    """A column, a table and a view that this version does not know."""
    DuckDbWarehouse(path).keep(STORIES[:1])
    change(path, "ALTER TABLE outcomes ADD COLUMN mood VARCHAR DEFAULT 'calm'")
    change(path, "CREATE TABLE weather AS SELECT 1 AS rain")
    change(path, "CREATE SCHEMA theirs")
    change(path, "CREATE TABLE theirs.gates AS SELECT 1 AS gate")
    change(path, "DROP TABLE gates")
    DuckDbWarehouse(path).keep(STORIES)
    assert [row["mood"] for row in DuckDbWarehouse(path).ask("SELECT mood FROM outcomes").rows] == [
        "calm"
    ] * 5
    assert DuckDbWarehouse(path).ask("SELECT rain FROM weather").rows == [{"rain": 1}]


def test_a_warehouse_that_somebody_holds(path: Path) -> None:
    """Another program has it open: nothing is kept, nothing breaks, and the message says what to see to."""
    DuckDbWarehouse(path).keep(STORIES[:1])
    holding = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", holding, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreUnusable, match="no other program has it open"):
            DuckDbWarehouse(path).keep(STORIES)
        with pytest.raises(StoreUnusable, match="no other program has it open"):
            DuckDbWarehouse(path).ask("SELECT 1")
        holder.communicate("done\n", timeout=30)
    DuckDbWarehouse(path).keep(STORIES)
    assert DuckDbWarehouse(path).holdings()[0].rows == 5


@pytest.mark.parametrize("damage", [b"no database", b""])
def test_a_file_that_is_no_warehouse(path: Path, damage: bytes) -> None:
    """It is left as it is, and said."""
    path.parent.mkdir()
    path.write_bytes(damage)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        DuckDbWarehouse(path).keep(STORIES)
    assert path.read_bytes() == damage


@pytest.mark.parametrize("name", [":memory:", ":memory:kept", "~nobody:kept"])
def test_a_name_is_that_of_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever DuckDB would take the name for: what is kept is still there for the next one who asks."""
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        DuckDbWarehouse(Path(name)).keep(STORIES[number : number + 1])
    assert DuckDbWarehouse(Path(name)).holdings()[0].rows == 2


def test_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde from a file of settings, which no shell has read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    DuckDbWarehouse(Path("~/deep/kept.duckdb")).keep(STORIES)
    assert (tmp_path / "deep" / "kept.duckdb").exists()


def test_two_that_make_it_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes when the first has looked and found nothing: what the first one kept stays."""
    first, second = DuckDbWarehouse(path), DuckDbWarehouse(path)
    brought_up_to_date = room._bring_up_to_date

    def meanwhile(connection: duckdb.DuckDBPyConnection) -> None:
        monkeypatch.setattr(room, "_bring_up_to_date", brought_up_to_date)
        first.keep(STORIES[:3])
        brought_up_to_date(connection)

    monkeypatch.setattr(room, "_bring_up_to_date", meanwhile)
    second.keep(STORIES[3:])
    assert second.holdings()[0].rows == 5


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnusable, match="Nothing was deleted"):
        DuckDbWarehouse(tmp_path / "file" / "warehouse.duckdb").keep(STORIES)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("SELECT * FROM read_csv('/etc/hosts')", "file system operations are disabled"),
        ("COPY signals TO 'signals.csv'", "not one query"),
        ("ATTACH 'other.duckdb'", "not one query"),
        ("SELECT 1; SELECT 2", "not one query"),
        ("-- nothing", "not one query"),
        ("SELECT 1 AS a, 2 AS a", "two columns have one name"),
        ("SELECT list(n.range) FROM range(60000000) AS n", "Out of Memory"),
    ],
)
def test_a_question_is_one_query_of_the_warehouse_alone(path: Path, asked: str, said: str) -> None:
    """It reads no other file, writes none, and has its bounds; it says why not."""
    DuckDbWarehouse(path).keep(STORIES)
    with pytest.raises(UsageError, match=said):
        DuckDbWarehouse(path).ask(asked)


def test_a_long_query_prints_nothing(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No bar of its own gets between the lines of an answer."""
    DuckDbWarehouse(path).keep(STORIES)
    with pytest.raises(UsageError, match="Out of Memory"):
        DuckDbWarehouse(path).ask("SELECT list(hash(hash(n.range))) FROM range(60000000) AS n")
    assert capfd.readouterr() == ("", "")


KILLED = """
import os, signal, sys
from pathlib import Path
import duckdb
from crypto_signals.warehouse import duckdb as room
sys.path.insert(0, sys.argv[2])
from warehouse.test_duckdb import STORIES

connected, left = duckdb.connect, 0

class Connection:
    def __init__(self, real):
        self.real = real
    def __enter__(self):
        return self
    def __exit__(self, *said):
        step()
        return self.real.__exit__(*said)
    def __getattr__(self, name):
        step()
        return getattr(self.real, name)

def step():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

room.duckdb.connect = lambda *given, **named: Connection(connected(*given, **named))
status, steps = signal.SIGKILL, 0
while status == signal.SIGKILL:
    left = steps
    child = os.fork()
    if not child:
        room.DuckDbWarehouse(Path(sys.argv[1]) / f"{steps}.duckdb").keep(STORIES)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    steps += 1
print(steps - 1, os.waitstatus_to_exitcode(status))
"""


def test_a_crash_at_any_step_leaves_all_or_nothing(tmp_path: Path) -> None:
    """A process is killed at its n-th call of the database, for every n, while it makes a new warehouse:
    what is there afterwards is whole, and to keep again leads to what one undisturbed keep does."""
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    steps, code = map(int, done.stdout.split())
    assert (code, steps > 20) == (0, True)
    wanted = everything(tmp_path / f"{steps}.duckdb")
    for at in range(steps):
        path = tmp_path / f"{at}.duckdb"
        found = everything(path) if path.exists() else {}
        assert found in ({}, wanted) or not any(found.values())
        DuckDbWarehouse(path).keep(STORIES)
        assert everything(path) == wanted
