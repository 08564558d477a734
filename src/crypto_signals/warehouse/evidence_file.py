"""Evidence in a file: a row of a Parquet table for each row of evidence, and a digest of them all."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.evidence import Evidence

FORMAT = "1"
_FORMAT, _RULES, _DIGEST = b"sentinel.format", b"sentinel.rules", b"sentinel.digest"
_ALL = "ALL"
_RENAMED = {"since": "from", "until": "to"}
_ROW = TypeAdapter(Evidence)
_TIME = pa.timestamp("us", tz="UTC")
_NAMES = ("detector", "direction", "asset_class", "timeframe", "conviction")
_RATES = (
    "hit_rate", "hit_rate_lo", "hit_rate_hi", "mean_r", "mean_r_lo", "mean_r_hi", "baseline_mean_r",
    "p_value", "p_value_adjusted",
)  # fmt: skip
_SHOWN = ("mean_mfe_r", "mean_mae_r", "mean_holding_bars", "profit_factor", "rank_r")
_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("detector", "direction", "asset_class", "timeframe", "conviction")
        ),
        *((name, pa.int64()) for name in ("n", "n_open")),
        *((name, pa.float64()) for name in _RATES),
        ("verdict", pa.string()),
        ("from", _TIME),
        ("to", _TIME),
        *((name, pa.int64()) for name in ("trials", "symbols", "dates")),
        *((name, pa.float64()) for name in _SHOWN),
    ]
)


class EvidenceFile(NamedTuple):
    """What was measured, under the rules of version ``rules``."""

    rows: tuple[Evidence, ...]
    rules: str


def write_evidence(path: Path, rows: Iterable[Evidence], rules: str) -> None:
    """Writes the file whole or not at all. Raises ``UsageError`` where it cannot be written."""
    table = pa.Table.from_pylist([_as_row(row) for row in rows], _SCHEMA)
    digest = _digest(table, rules)
    said = {_FORMAT: FORMAT.encode(), _RULES: rules.encode(), _DIGEST: digest.encode()}
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(said), beside)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def holds_evidence(path: Path) -> bool:
    """Whether it was written as evidence, by whatever release."""
    try:
        said = pq.read_schema(path, memory_map=False).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return b"sentinel.format" in said


def read_evidence(path: Path) -> EvidenceFile:
    """Reads the file. Raises ``UsageError``, which says what is wrong with it and how to get a good one."""
    try:
        table = pq.read_table(path, memory_map=False)
    except FileNotFoundError:
        raise _unusable(path, "there is no such file") from None
    except (OSError, UnicodeDecodeError, pa.ArrowException):
        raise _unusable(path, "it is no Parquet file, or a damaged one") from None
    said = table.schema.metadata or {}
    if said.get(_FORMAT) != FORMAT.encode():
        raise _unusable(path, "it holds no evidence, or that of another release")
    try:
        rules = said.get(_RULES, b"").decode()
        if said.get(_DIGEST) != _digest(table, rules).encode():
            raise _unusable(path, "it is not as it was written")
        return EvidenceFile(tuple(_ROW.validate_python(_from_row(row)) for row in table.to_pylist()), rules)
    except (ValidationError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise _unusable(path, f"a row cannot be read ({_first(error)})") from None


def _digest(table: pa.Table, rules: str) -> str:
    """Of everything the file says, so that not one damaged or edited figure is ever quoted."""
    said = json.dumps([rules, table.to_pylist()], default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _unusable(path: Path, what: str) -> UsageError:
    return UsageError(
        f"EVIDENCE_FILE: {path} cannot be used: {what}. "
        "Write one with sentinel evidence --bars FILE, or unset it: setups are then told without odds"
    )


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _as_row(row: Evidence) -> dict[str, Any]:
    said = {_RENAMED.get(name, name): value for name, value in asdict(row).items()}
    conviction = _ALL if row.conviction is None else row.conviction.value
    return said | {
        "direction": row.direction.value,
        "asset_class": row.asset_class.value,
        "timeframe": row.timeframe.name,
        "conviction": conviction,
        "verdict": row.verdict.value,
    }


def _from_row(row: dict[str, Any]) -> dict[str, Any]:
    names = {there: here for here, there in _RENAMED.items()}
    said = {names.get(name, name): value for name, value in row.items()}
    said["timeframe"] = {"name": said["timeframe"]}
    if said["conviction"] == _ALL:
        said["conviction"] = None
    return said
