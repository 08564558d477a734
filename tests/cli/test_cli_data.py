"""What the data commands print: shapes for scripts, the same every time, and readable for people."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from e2e.program import CRYPTO, ISO_Z, REAL_DATA, SENTINEL, Answer, Program, clean

DETECTION = {
    *("symbol", "ts", "detector", "family", "role", "direction", "strength", "confirmed_at"),
    *("anchors", "levels"),
}
SIGNAL = set(
    """signal_id symbol asset_class timeframe strategy strategy_version run_id detector confirmed_by direction
    status conviction bar_ts entry stop invalidation targets valid_until entry_ts entry_fill thread_id
    created_at announced_at closed_at late_bars exit_reason result_r ambiguous failed_gates evidence
    feed""".split()  # noqa: SIM905
)
SUMMARY = set(
    """run_id duration_s symbols_total symbols_processed signals shadow_signals announcements follow_ups
    cancelled owed unknown dead quarantined retries requests errors result_r""".split()  # noqa: SIM905
)
STATUSES = set(
    """CREATED WAITING ACTIVE TP1_HIT TP2_HIT TP3_HIT STOPPED INVALIDATED EXPIRED CANCELLED
    REJECTED_BY_FILTER""".split()  # noqa: SIM905
)
REASONS = set(
    """target_3 trail stop break_even tp1_lock structure time no_data missed no_entry
    undeliverable""".split()  # noqa: SIM905
)
EFFECTS = {"owed", "claimed", "unknown", "done", "dead", "superseded"}
DAYS = 30


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A finished demo, replayed with JSON output."""
    program = Program(tmp_path_factory.mktemp("demo"))
    assert clean(program("demo", "--days", DAYS, "--format", "json")).code == 0
    return program


@pytest.fixture(scope="module")
def listed(demo: Program) -> Answer:
    return clean(demo("signals", "list", "--format", "json"))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    program = Program(tmp_path_factory.mktemp("scan"))
    return clean(program("scan", "--bars", CRYPTO, "--format", "json"))


def times(value: Any) -> Iterator[str]:
    """Every string that looks like a time, anywhere inside."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from times(inner)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", value):
        yield value


def test_the_demos_summary_has_the_keys_of_the_contract(demo: Program) -> None:
    """One object on stdout, with counts as integers and errors as a list."""
    summary = demo.answers[0].row
    assert summary.keys() >= SUMMARY
    assert (summary["owed"], summary["unknown"], summary["dead"], summary["errors"]) == (0, 0, 0, [])
    assert (summary["symbols_total"], summary["symbols_processed"]) == (5, 5)
    assert summary["announcements"] == summary["signals"] > 0


def test_the_demo_ends_with_where_to_look(demo: Program) -> None:
    """The store and the pages that it names exist, and every told signal has a page with a picture."""
    said = demo.answers[0].err
    index = demo.home / "demo" / "pages" / "index.html"
    assert str(demo.home / "demo" / "sentinel.db") in said
    assert str(index) in said
    assert index.stat().st_size > 1000
    pages = list((demo.home / "demo" / "pages").rglob("*.html"))
    assert len(pages) == 1 + demo.answers[0].row["signals"]


def test_listed_signals_have_the_keys_and_values_of_the_contract(listed: Answer) -> None:
    """All keys, the enumerations' values only, times in ISO 8601 with Z, and numbers as prices."""
    assert len(listed.rows) > 10
    for row in listed.rows:
        assert row.keys() >= SIGNAL
        assert row["status"] in STATUSES
        assert row["asset_class"] in {"crypto", "equity"}
        assert row["direction"] in {"long", "short"}
        assert row["conviction"] in {"HIGH", "NORMAL"}
        assert len(row["targets"]) == 3
        assert all(isinstance(row[name], float | int) for name in ("entry", "stop"))
        assert isinstance(row["ambiguous"], bool)
        assert all(ISO_Z.fullmatch(moment) for moment in times(row))


def test_exit_reasons_are_the_contracts(listed: Answer) -> None:
    """One of the listed reasons, or the name of one gate: a script compares it with ``==``."""
    for row in listed.rows:
        gates = {gate["gate"] for gate in row["failed_gates"]}
        assert row["exit_reason"] is None or row["exit_reason"] in REASONS | gates, row["exit_reason"]


def test_a_refused_signal_tells_why_with_numbers(listed: Answer) -> None:
    """Every shadow signal names its failing gates; nothing else has any."""
    for row in listed.rows:
        assert bool(row["failed_gates"]) == (row["status"] == "REJECTED_BY_FILTER")
        assert all(gate["detail"] for gate in row["failed_gates"])


def test_show_tells_the_whole_story(demo: Program, listed: Answer) -> None:
    """The listed object again, with events numbered in order and effects with a known status."""
    told = next(row for row in listed.rows if row["announced_at"])
    story = clean(demo("signals", "show", told["signal_id"], "--format", "json")).row
    assert {key: story[key] for key in told} == told
    assert [event["seq"] for event in story["events"]] == list(range(1, len(story["events"]) + 1))
    assert [event["type"] for event in story["events"]][:2] == ["created", "announced"]
    assert all(event.keys() >= {"seq", "type", "ts"} for event in story["events"])
    assert all(effect.keys() >= {"key", "kind", "status", "attempts"} for effect in story["effects"])
    assert {effect["status"] for effect in story["effects"]} <= EFFECTS
    assert all(ISO_Z.fullmatch(moment) for moment in times(story))
    prefix = told["signal_id"][:8].upper()
    assert clean(demo("signals", "show", prefix, "--format", "json")).row == story


def test_a_table_tells_the_same_story(demo: Program, listed: Answer) -> None:
    """``show`` for people names the events and what was owed."""
    told = next(row for row in listed.rows if row["announced_at"])
    answer = clean(demo("signals", "show", told["signal_id"][:8]))
    assert answer.code == 0
    for word in ("created", "announced", "announce", "done", told["symbol"]):
        assert word in answer.out


@pytest.mark.parametrize("wrong", ["ffffffff-0000-0000-0000-000000000000", "", "%", "'; --"])
def test_an_id_that_names_no_signal_is_bad_usage(demo: Program, wrong: str) -> None:
    """One line on stderr that helps, exit 2."""
    answer = clean(demo("signals", "show", wrong))
    assert (answer.code, answer.out) == (2, "")
    assert "signals list" in answer.err or "give more" in answer.err


def test_a_second_demo_elsewhere_is_byte_identical(listed: Answer, tmp_path: Path, demo: Program) -> None:
    """Another folder, time zone, hash seed and language: the same bytes, and the same pages."""
    other = Program(tmp_path, {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"})
    clean(other("demo", "--days", DAYS, "--format", "json"))
    assert other("signals", "list", "--format", "json").out == listed.out
    pages = [sorted(path.rglob("*.html")) for path in (demo.home, other.home)]
    for mine, its in zip(*pages, strict=True):
        assert mine.read_bytes() == its.read_bytes(), mine
    ignored = {"duration_s"}
    first, second = demo.answers[0].row, other.answers[0].row
    assert {k: v for k, v in first.items() if k not in ignored} == {
        k: v for k, v in second.items() if k not in ignored
    }


def test_a_second_demo_in_the_same_folder_is_byte_identical(
    demo: Program, listed: Answer, tmp_path: Path
) -> None:
    """It starts over, in place: the same bytes again."""
    again = demo.copy(tmp_path)
    clean(again("demo", "--days", DAYS))
    assert again("signals", "list", "--format", "json").out == listed.out


def test_the_demo_is_seen_after_looking_too_early(tmp_path: Path) -> None:
    """``signals list`` before the demo finds nothing, and does not hide the demo's signals later."""
    program = Program(tmp_path)
    assert clean(program("signals", "list", "--format", "json")).rows == []
    clean(program("demo", "--days", 12))
    assert len(program("signals", "list", "--format", "json").rows) > 1


def test_scan_gives_the_contracts_objects(scanned: Answer) -> None:
    """All keys, enumerations, anchors and levels; ``confirmed_at`` is never after ``ts``."""
    assert scanned.code == 0
    assert len(scanned.rows) > 1000
    for row in scanned.rows:
        assert row.keys() >= DETECTION
        assert row["family"] in {"candlestick", "chart", "harmonic"}
        assert row["role"] in {"trigger", "context"}
        assert row["direction"] in {"long", "short"}
        assert all(anchor.keys() >= {"ts", "price", "label"} for anchor in row["anchors"])
        assert row["levels"].keys() >= {"entry", "stop", "targets"}
        assert re.fullmatch(r"[a-z0-9_]+", row["detector"])
        assert row["confirmed_at"] <= row["ts"]
        assert all(ISO_Z.fullmatch(moment) for moment in times(row))


def test_scan_is_sorted_and_each_detection_is_there_once(scanned: Answer) -> None:
    """By (symbol, ts, detector), each once."""
    keys = [(row["symbol"], row["ts"], row["detector"]) for row in scanned.rows]
    assert keys == sorted(set(keys))


def test_scan_narrows_without_changing_anything(scanned: Answer, tmp_path: Path) -> None:
    """--from, --to (both inclusive) and --symbol select from the very same lines."""
    only = ["--symbol", "ETH/USD", "--from", "2018-12-20", "--to", "2018-12-24"]
    narrowed = clean(Program(tmp_path)("scan", "--bars", CRYPTO, "--format", "json", *only))
    expected = [
        line
        for line, row in zip(scanned.out.splitlines(), scanned.rows, strict=True)
        if row["symbol"] == "ETH/USD" and "2018-12-20" <= row["ts"][:10] <= "2018-12-24"
    ]
    assert expected
    assert narrowed.out.splitlines() == expected


def test_last_is_the_newest_bar_of_each_symbol(scanned: Answer, tmp_path: Path) -> None:
    """--last gives the lines of the newest completed bar, and no others."""
    answer = clean(Program(tmp_path)("scan", "--bars", CRYPTO, "--format", "json", "--last"))
    assert {row["ts"] for row in answer.rows} == {"2020-01-17T00:00:00Z"}
    assert answer.out.splitlines() == [
        line for line in scanned.out.splitlines() if '"ts": "2020-01-17T' in line.split('"detector"')[0]
    ]


def test_a_missing_symbol_among_others_is_exit_1(tmp_path: Path) -> None:
    """Something failed, so exit 1, named on stderr; the other symbol is scanned all the same."""
    words = ["--symbol", "DOGE/USD", "--symbol", "BTC/USD", "--last", "--format", "json"]
    answer = clean(Program(tmp_path)("scan", "--bars", CRYPTO, *words))
    assert "DOGE/USD" in answer.err
    assert {row["symbol"] for row in answer.rows} == {"BTC/USD"}
    assert answer.code == 1


def test_patterns_tells_what_a_person_wants_to_know(demo: Program) -> None:
    """Every entry has a name, family, direction, warm-up, gates, definition and source."""
    rows = clean(demo("patterns", "--format", "json")).rows
    for row in rows:
        assert row.keys() >= {"name", "family", "direction", "gates", "definition", "source"}
        assert any(key.startswith("warm_up") for key in row)
        assert row["definition"].endswith(".")
        assert row["source"]
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names))
    assert {"engulfing_bullish", "hammer", "inverse_head_and_shoulders"} <= set(names)


def test_patterns_knows_every_detector_that_scan_names(demo: Program, scanned: Answer) -> None:
    """No detection comes from outside the catalogue, and it agrees about family and direction."""
    rows = {row["name"]: row for row in demo("patterns", "--format", "json").rows}
    for found in scanned.rows:
        known = rows[found["detector"]]
        assert (found["family"], found["direction"]) == (known["family"], known["direction"])


def test_why_asks_every_detector_and_every_gate(demo: Program) -> None:
    """One line for each detector; a trigger that fired has its gates with numbers and limits."""
    answer = clean(demo("why", "BTC/USD", "--bars", CRYPTO, "--format", "json"))
    catalogue = {row["name"] for row in demo("patterns", "--format", "json").rows}
    assert {row["detector"] for row in answer.rows} == catalogue
    for row in answer.rows:
        assert bool(row["gates"]) == (row["fired"] and row["role"] == "trigger")
        assert row["says"]


def test_why_reads_out_the_numbers(demo: Program) -> None:
    """For people: the readings, how many detectors fired, and the outcome in words."""
    answer = clean(demo("why", "BTC/USD", "--bars", CRYPTO))
    assert answer.code == 0
    assert "rsi" in answer.out
    assert "detectors fired" in answer.out


def test_why_of_a_refused_setup_names_the_gate(tmp_path: Path) -> None:
    """On the bar of a shadow signal, ``why`` says what the store says: which gate said no."""
    bars = pq.read_table(CRYPTO)
    cut = bars.filter(pc.less(pc.strftime(bars["ts"], "%Y-%m-%d"), "2018-01-03"))
    pq.write_table(cut, tmp_path / "cut.parquet")
    answer = clean(Program(tmp_path)("why", "BTC/USD", "--bars", "cut.parquet", "--format", "json"))
    (fired,) = [row for row in answer.rows if row["detector"] == "engulfing_bullish"]
    gates = {gate["gate"]: gate for gate in fired["gates"]}
    assert fired["fired"]
    assert not gates["volume"]["passed"]
    assert gates["volume"]["value"] == pytest.approx(0.888, abs=1e-3)
    assert gates["volume"]["limit"] == 1.5


@pytest.mark.parametrize(
    ("name", "more"),
    [("crypto_daily", ["--from", "2022-06-01"]), ("equity_daily", ["--from", "2022-06-01"])],
)
def test_scan_of_the_dev_files(name: str, more: list[str], tmp_path: Path) -> None:
    """The big real files: sorted objects on stdout, what was wrong with bars on stderr, exit 0."""
    path = REAL_DATA / "dev" / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    answer = clean(Program(tmp_path)("scan", "--bars", path, "--format", "json", *more))
    assert answer.code == 0
    keys = [(row["symbol"], row["ts"], row["detector"]) for row in answer.rows]
    assert len(keys) > 1000
    assert keys == sorted(set(keys))
    assert all(row.keys() >= DETECTION for row in answer.rows)
    assert "removed" in answer.err


def test_a_narrow_terminal_is_readable(demo: Program) -> None:
    """60 columns without colour: nothing is lost, no escape codes, no line longer than the terminal."""
    master, slave = pty.openpty()
    settings = {"COLUMNS": "60", "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(
        [SENTINEL, "signals", "list"],
        env=demo.environment(**settings),
        stdout=slave,
        stderr=slave,
        cwd=demo.folder,
    ) as process:
        os.close(slave)
        said = b""
        while chunk := _read(master):
            said += chunk
        os.close(master)
        assert process.wait(30) == 0
    assert not re.search(r"\x1b\[[0-9;]*(3|4|9)[0-7]m", said.decode()), "a colour"
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    assert "no live" in text
    assert max(len(line) for line in text.splitlines() if "no live" not in line) <= 60
    assert (
        json.loads(demo("signals", "list", "--format", "json").out.splitlines()[0])["signal_id"][:8] in text
    )


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:
        return b""


def test_any_message_of_a_stored_signal_can_be_looked_at(demo: Program, listed: Answer) -> None:
    """The announcement, each event, and the card, as text or as what Discord is given."""
    told = next(row for row in listed.rows if row["closed_at"] and row["announced_at"])
    which = ("signals", "preview", told["signal_id"][:8])
    first = clean(demo(*which))
    assert "Entry" in first.out
    assert told["symbol"] in first.out
    events = clean(demo("signals", "show", told["signal_id"], "--format", "json")).row["events"]
    for event in events:
        answer = clean(demo(*which, "--event", event["seq"], "--format", "json"))
        assert [body["embeds"][0]["title"] for body in answer.rows], answer.everything
    last = ("--event", len(events))
    result = f"{told['result_r']:+.2f} R".replace("-", "−")
    assert result in clean(demo(*which, *last)).out
    card = clean(demo(*which, *last, "--kind", "card", "--format", "json")).rows[0]["embeds"][0]
    assert result in card["title"]
    assert '"embeds"' in clean(demo(*which, "--channel", "discord")).out
    missing = clean(demo(*which, "--event", len(events) + 1))
    assert (missing.code, missing.out) == (2, "")
    assert "events" in missing.err


def test_a_message_that_nobody_got_says_so(demo: Program, listed: Answer) -> None:
    """What a gate refused reads like a call to act, so that the gate is named beside it."""
    shadow = next(row for row in listed.rows if row["status"] == "REJECTED_BY_FILTER")
    answer = clean(demo("signals", "preview", shadow["signal_id"]))
    assert "nobody was told this" in answer.err
    assert shadow["failed_gates"][0]["gate"] in answer.err
