"""Evidence stays with its signal, in a store and in a file."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.evidence import Verdict
from crypto_signals.domain.vocabulary import Conviction
from crypto_signals.repository.rows import signal_of, signal_row
from crypto_signals.warehouse.evidence_file import read_evidence, write_evidence
from domain.odds import evidence
from repository.samples import signal

CONTRACT = (
    "detector", "direction", "asset_class", "timeframe", "conviction", "n", "n_open", "hit_rate",
    "hit_rate_lo", "hit_rate_hi", "mean_r", "mean_r_lo", "mean_r_hi", "baseline_mean_r", "p_value",
    "p_value_adjusted", "verdict", "from", "to", "trials",
)  # fmt: skip
NOTHING = evidence(
    "star",
    n=0,
    hit_rate=None,
    mean_r=None,
    mean_r_lo=None,
    verdict=Verdict.TOO_FEW,
    rank_r=None,
    p_value=None,
)


def test_a_stored_signal_keeps_its_evidence() -> None:
    """Bit for bit, through the row of any store."""
    told = signal(evidence=evidence(mean_r=0.1 + 0.2))
    assert signal_of(told.signal_id, signal_row(told)["body"]) == told


def test_a_row_of_before_there_was_evidence_can_be_read() -> None:
    """It has none."""
    told = signal()
    body = signal_row(told)["body"].replace('"evidence":null,', "")
    assert "evidence" not in body
    assert signal_of(told.signal_id, body) == told


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every field of every row, and under which rules it was measured."""
    rows = (evidence(), evidence(conviction=Conviction.HIGH, n=12), NOTHING)
    write_evidence(tmp_path / "deep" / "evidence.parquet", rows, "abc123")
    found = read_evidence(tmp_path / "deep" / "evidence.parquet")
    assert found.rows == rows
    assert found.rules == "abc123"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["evidence.parquet"]


def test_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    """Under their names, with times in UTC, and null where nothing is known."""
    write_evidence(tmp_path / "e.parquet", [NOTHING], "r")
    table = pq.read_table(tmp_path / "e.parquet")
    assert set(CONTRACT) <= set(table.column_names)
    row = table.to_pylist()[0]
    assert (row["conviction"], row["verdict"], row["mean_r"]) == ("ALL", "too_few", None)
    assert row["to"] == dt.datetime(2022, 12, 30, tzinfo=dt.UTC)


def damaged(tmp_path: Path) -> dict[str, Path]:
    good, path = tmp_path / "good.parquet", tmp_path
    write_evidence(good, [evidence()], "r")
    cut, text, foreign = path / "cut.parquet", path / "text.parquet", path / "foreign.parquet"
    cut.write_bytes(good.read_bytes()[:-50])
    text.write_text("symbol,ts\n")
    pq.write_table(pa.table({"symbol": ["BTC/USD"]}), foreign)
    odd = path / "odd.parquet"
    table = pq.read_table(good)
    column = table.column_names.index("verdict")
    pq.write_table(table.set_column(column, "verdict", pa.array(["great"])), odd)
    folder = path / "folder"
    folder.mkdir()
    return {"cut": cut, "text": text, "foreign": foreign, "odd": odd, "folder": folder, "none": path / "none"}


@pytest.mark.parametrize("kind", ["cut", "text", "foreign", "odd", "folder", "none"])
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(tmp_path: Path, kind: str) -> None:
    """Damaged, foreign, of another release, or not there: a sentence with the setting and the way out."""
    with pytest.raises(UsageError, match=r"EVIDENCE_FILE: .* cannot be used: .*sentinel evidence --bars"):
        read_evidence(damaged(tmp_path)[kind])


def test_not_one_bit_can_go_wrong_unnoticed(tmp_path: Path) -> None:
    """Wherever a bit is flipped the file is refused, or says what it said before."""
    path = tmp_path / "e.parquet"
    rows = tuple(evidence(f"d{number}") for number in range(5))
    write_evidence(path, rows, "r")
    good, rng = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        try:
            assert read_evidence(path) == (rows, "r")
        except UsageError:
            refused += 1
    assert refused > 100


def test_an_edited_figure_is_not_quoted(tmp_path: Path) -> None:
    """Numbers that were not measured are refused, however well they are written."""
    path = tmp_path / "e.parquet"
    write_evidence(path, [evidence(mean_r=-0.2)], "r")
    table = pq.read_table(path)
    better = table.set_column(table.column_names.index("mean_r"), "mean_r", pa.array([0.2]))
    pq.write_table(better.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(UsageError, match="it is not as it was written"):
        read_evidence(path)


def test_writing_fails_in_words_and_leaves_what_was_there(tmp_path: Path) -> None:
    """A folder in place of the file: nothing half-written stays behind."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_evidence(tmp_path / "taken", [evidence()], "r")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
