"""``sentinel evidence`` as a user runs it: lines, a file, a page, and plain words for what cannot be said."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.warehouse.evidence_file import read_evidence
from e2e.program import CRYPTO, Program, clean, one_line

STOCKS = CRYPTO.with_name("equity_daily.parquet")
KEYS = set(
    """detector direction asset_class timeframe conviction n n_open hit_rate hit_rate_lo hit_rate_hi mean_r
    mean_r_lo mean_r_hi baseline_mean_r p_value p_value_adjusted verdict from to trials""".split()  # noqa: SIM905
)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def path(program: Program) -> Path:
    return program.folder / "odds" / "mine.parquet"


def test_lines_file_and_page_say_the_same(program: Program, path: Path) -> None:
    """A line for each row under the contract's keys; the file holds the same rows, the page names each
    setup that traded; and the same bars give the same lines again."""
    words = ("evidence", "--bars", STOCKS, "--out", path, "--format", "json")
    answer = clean(program(*words))
    assert answer.code == 0
    lines = [json.loads(line) for line in answer.out.splitlines()]
    triggers = {entry.name for entry in CATALOGUE.triggers}
    assert {line["detector"] for line in lines} == triggers
    assert all(set(line) >= KEYS for line in lines)
    rows = read_evidence(path).rows
    assert [(row.detector, row.n, row.mean_r) for row in rows] == [
        (line["detector"], line["n"], line["mean_r"]) for line in lines
    ]
    assert pq.read_table(path).num_rows == len(lines)
    page = path.with_suffix(".html").read_text()
    assert "How it was measured" in page
    assert not re.search(r"\b(nan|inf|None)\b", page)
    assert clean(program(*words)).out == answer.out


def test_the_table_says_what_was_found_and_how_to_use_it(program: Program, path: Path) -> None:
    """The verdict in a sentence, where the files are, and the setting that quotes them."""
    answer = clean(program("evidence", "--bars", STOCKS, "--out", path))
    assert answer.code == 0
    assert "6 stocks, 2000-03-01 to 2018-12-31, 1 day bars" in answer.out
    assert "Nothing can be said: none of 59 setups has enough" in answer.out
    assert f"EVIDENCE_FILE={path}" in answer.out


def test_what_was_measured_is_accepted_where_it_is_used(program: Program, path: Path) -> None:
    """The file of one command is the evidence of the next."""
    clean(program("evidence", "--bars", CRYPTO, "--to", "2018-06-30", "--out", path))
    bars = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD"}
    answer = clean(program("why", "BTC/USD", "--format", "json", EVIDENCE_FILE=path, **bars))
    assert answer.code == 0


def test_a_period_without_bars_is_said(program: Program, path: Path) -> None:
    """What there is, and no empty file."""
    answer = clean(program("evidence", "--bars", STOCKS, "--from", "2030-01-01", "--out", path))
    assert "there is no bar between --from and --to" in one_line(answer, 2)
    assert not path.exists()


def test_ten_bars_measure_nothing_and_say_so(program: Program, path: Path) -> None:
    """No division by zero: every row is too few, and no figure stands in it."""
    answer = clean(
        program("evidence", "--bars", STOCKS, "--to", "2000-03-14", "--out", path, "--format", "json")
    )
    assert answer.code == 0
    assert any("too few bars to open anything" in line for line in answer.said)
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert {(line["n"], line["mean_r"], line["verdict"]) for line in lines} == {(0, None, "too_few")}


def test_a_folder_in_place_of_the_file_is_refused(program: Program) -> None:
    """Before anything is measured."""
    answer = clean(program("evidence", "--bars", STOCKS, "--out", program.folder))
    assert "is a folder; name a file in it" in one_line(answer, 2)


@pytest.mark.parametrize("name", ["mine.html", "mine"])
def test_a_name_that_is_no_parquet_file_is_refused(program: Program, name: str) -> None:
    """The page would be written over it."""
    answer = clean(program("evidence", "--bars", STOCKS, "--out", program.folder / name))
    assert "the name must end in .parquet" in one_line(answer, 2)


def test_a_file_that_holds_something_else_is_never_overwritten(program: Program) -> None:
    """Such as the bars themselves."""
    bars = program.folder / "bars.parquet"
    bars.write_bytes(STOCKS.read_bytes())
    answer = clean(program("evidence", "--bars", bars, "--out", bars))
    assert "is there already, and holds no evidence" in one_line(answer, 2)
    assert bars.read_bytes() == STOCKS.read_bytes()


def test_a_damaged_evidence_file_does_not_stop_one_from_measuring_again(program: Program, path: Path) -> None:
    """What the error of other commands advises is possible, with the setting as it is."""
    program.settings["EVIDENCE_FILE"] = path
    assert "sentinel evidence --bars" in one_line(program("backtest", "--bars", STOCKS), 2)
    answer = clean(program("evidence", "--bars", STOCKS, "--out", path))
    assert answer.code == 0
    assert "measure again" not in path.with_suffix(".html").read_text()


def test_the_page_says_what_was_wrong_with_the_bars(program: Program, path: Path) -> None:
    """It is what people keep: a symbol left out, and bars that were removed, stand on it."""
    bars = program.folder / "bars.csv"
    header = "symbol,ts,open,high,low,close,volume\n"
    days = [f"{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    rows = [f"ETH/USD,2019-{day}T00:00:00Z,9,9,{'10' if day == '02-03' else '8'},9,5\n" for day in days]
    hours = [f"LTC/USD,2019-01-01T{hour:02}:00:00Z,9,9,8,9,{hour}\n" for hour in range(24)]
    bars.write_text(header + "".join(rows + hours))
    assert program("evidence", "--bars", bars, "--out", path).code == 1
    page = path.with_suffix(".html").read_text()
    assert "LTC/USD: the bars are mostly 1 h apart" in page
    assert "ETH/USD: 1 bar removed" in page
