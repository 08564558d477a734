"""What is over is archived, then deleted in its time; what is open, owed or damaged never is."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.engine.keeping import Keeper, Lifetimes
from crypto_signals.warehouse.files import FileArchive

from .world import BTC, ETH, LTC, World, bars, day, flat, pattern

Build = Callable[..., World]
D = 60
LIFETIMES = Lifetimes(signal=dt.timedelta(days=30), shadow=dt.timedelta(days=7))


def ended(world: Build) -> World:
    """BTC stopped out on day D + 2, a shadow of ETH closed on that day too; LTC is still open."""
    market = {
        symbol: bars(D + 9, {D + 2: flat(85.0)} if symbol != LTC else None) for symbol in (BTC, ETH, LTC)
    }
    made = world(
        market,
        pattern("hit", {BTC: [day(D)], LTC: [day(D)]}),
        pattern("gated", {ETH: [day(D)]}, gates=("neckline",), neckline=150.0),
    )
    made.each(D - 1, D + 4)
    return made


def keeper(world: World) -> Keeper:
    return Keeper(world.store, FileArchive(world.folder / "archive"), LIFETIMES)


def kept(world: World) -> list[str]:
    lines = [
        line
        for file in sorted((world.folder / "archive").glob("*.jsonl"))
        for line in file.read_text().splitlines()
        if line
    ]
    return [json.loads(line)["signal"]["symbol"] for line in lines]


def test_what_is_at_rest_is_archived_once(world: Build) -> None:
    """The closed ones are archived with their whole story, the open one is not, and none a second time."""
    w = ended(world)
    assert list(keeper(w).archived()) == [2]
    assert sorted(kept(w)) == [BTC, ETH]
    assert list(keeper(w).archived()) == []


def test_what_is_owed_is_not_at_rest(world: Build) -> None:
    """A closed signal of which people are still owed news is kept back."""
    w = ended(world)
    btc = next(signal for signal in w.signals() if signal.symbol == BTC)
    last = w.effects(btc.signal_id)[-1]
    w.store.record_effects([last.moved(last.status.OWED)])
    assert list(keeper(w).archived()) == [1]
    assert kept(w) == [ETH]


def test_each_kind_has_its_own_time(world: Build) -> None:
    """Shadows go after a week, signals after a month, from the bar that closed them; open ones never."""
    w = ended(world)
    list(keeper(w).archived())
    symbols = []
    for days in (8, 10, 31, 33, 4000):
        list(keeper(w).cleaned(day(D + days)))
        symbols.append(sorted(signal.symbol for signal in w.signals()))
    assert symbols == [[BTC, ETH, LTC], [BTC, LTC], [BTC, LTC], [LTC], [LTC]]


def test_nothing_is_deleted_that_was_not_archived(world: Build) -> None:
    """However old it is: without a mark that it is archived, a signal stays."""
    w = ended(world)
    assert list(keeper(w).cleaned(day(D + 4000))) == []
    assert len(w.signals()) == 3


def test_an_archive_that_cannot_be_written_deletes_nothing(world: Build) -> None:
    """The mark comes after the archive; a failure in between leaves everything where it was."""
    w = ended(world)
    (w.folder / "archive").write_text("in the way")
    with pytest.raises(StoreUnusable, match="Nothing was deleted"):
        list(keeper(w).archived())
    assert len(w.store.at_rest(10)) == 2


def test_cut_off_between_archive_and_mark(world: Build) -> None:
    """It is archived again, under the same id, and then marked: twice in the archive, never not at all."""
    w = ended(world)
    FileArchive(w.folder / "archive").keep(w.store.at_rest(10))
    assert list(keeper(w).archived()) == [2]
    assert sorted(kept(w)) == [BTC, BTC, ETH, ETH]


def test_a_line_that_was_cut_harms_no_other(world: Build, tmp_path: Path) -> None:
    """A crash in the middle of a line leaves a line that is no story; the next one stands on its own."""
    w = ended(world)
    stories = w.store.at_rest(10)
    archive = FileArchive(tmp_path / "torn")
    archive.keep(stories)
    (file,) = (tmp_path / "torn").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    archive.keep(stories[:1])
    whole, cut, last = file.read_text().splitlines()
    assert json.loads(whole)["signal"]["signal_id"] == stories[0].signal.signal_id
    assert json.loads(last)["signal"]["signal_id"] == stories[0].signal.signal_id
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_a_dry_run_counts_what_would_be_done(world: Build) -> None:
    """Also those that would be archived first and deleted at once; and it does none of it."""
    w = ended(world)
    assert keeper(w).prospects(day(D + 4)) == {"archived": 2, "deleted": 0}
    assert keeper(w).prospects(day(D + 10)) == {"archived": 2, "deleted": 1}
    assert keeper(w).prospects(day(D + 4000)) == {"archived": 2, "deleted": 2}
    assert len(w.store.at_rest(10)) == 2
