"""Bars from Parquet and CSV files, by pyarrow alone.

Columns: ``symbol, ts, open, high, low, close, volume`` in any order, others are ignored; ``ts`` is the
opening time, with a zone. Every fault of a file is a ``UsageError`` of one line: which file, what is wrong,
and what to do.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.wording import counted
from crypto_signals.market.raw import VALUES, RawBars

COLUMNS = ("symbol", "ts", *VALUES)
_SUFFIXES = (".parquet", ".csv")
_STAMP = pa.timestamp("us", "UTC")
_CSV_STAMP = pa.timestamp("ns", "UTC")
_CSV_TYPES = {"symbol": pa.string(), "ts": _CSV_STAMP} | dict.fromkeys(VALUES, pa.float64())
_CONVERSION = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?.*?(?:invalid value|offset in) '(.*?)'", re.DOTALL
)
_SHAPE = re.compile(r"Expected (\d+) columns, got (\d+): ?(.*)", re.DOTALL)
_NAT = np.iinfo(np.int64).min
_LONGEST_SYMBOL = 64
_FOREIGN_YEAR = re.compile(
    r"(?!(?:1[7-9]|2[01])\d\d|167[89]|22[0-5]\d|226[01])\d{4}-\d\d-\d\d[T ].*(?:Z|[+-]\d\d:?\d\d)"
)
_ZONE_HELP = "write UTC times like 2018-12-31T00:00:00Z"


def read_bars(paths: Iterable[Path]) -> dict[str, RawBars]:
    """The bars of each symbol, in the order of the files; a folder stands for all its Parquet and CSV files.

    Raises ``UsageError``. Costs no sort where the rows of each symbol lie together.
    """
    tables = [_table(path) for path in _files(paths)]
    if not tables:
        raise UsageError("no bars file was named; give a Parquet or CSV file")
    whole = pa.concat_tables(tables)
    tables.clear()
    columns = {name: whole[name] for name in COLUMNS}
    del whole
    pa.default_memory_pool().release_unused()
    return _by_symbol(columns)


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
        if not inside:
            raise UsageError(f"{path}: the folder holds no .parquet and no .csv file; name one that does")
        files += inside
    return files


def _table(path: Path) -> pa.Table:
    """One file, with the columns and types that bars have."""
    try:
        if path.stat().st_size == 0:
            raise UsageError(f"{path}: is empty; give a file with at least one row")
        table = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not text in UTF-8; save it as a UTF-8 CSV file or as Parquet") from None
    except (OSError, pa.ArrowException, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {_short(error)}; give a Parquet or CSV file") from None
    if table.num_rows == 0:
        raise UsageError(f"{path}: holds no bars; give a file with at least one row")
    return table


def _read_parquet(path: Path) -> pa.Table:
    with pa.parquet.ParquetFile(path, pre_buffer=False) as file:
        _require_columns(path, file.schema_arrow.names)
        table = file.read(columns=list(COLUMNS)).select(COLUMNS)
    if table.num_rows == 0:
        return table
    columns = [_symbols(path, table["symbol"]), _stamps(path, table["ts"])]
    return pa.table(columns + [_numbers(path, name, table[name]) for name in VALUES], names=list(COLUMNS))


def _read_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    if not header:
        raise UsageError(f"{path}: is empty; give a file with at least one row")
    _require_columns(path, header)
    options = pa.csv.ConvertOptions(column_types=_CSV_TYPES, include_columns=list(COLUMNS))
    try:
        table = pa.csv.read_csv(path, convert_options=options)
    except pa.ArrowInvalid:
        raise UsageError(f"{path}: {_csv_fault(path, options, header)}") from None
    columns = [_symbols(path, table["symbol"]), _stamps(path, table["ts"])]
    return pa.table(columns + [table[name] for name in VALUES], names=list(COLUMNS))


def _require_columns(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise UsageError(
            f"{path}: the {noun} {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; "
            f"it has {', '.join(names) or 'none'}; bars need {', '.join(COLUMNS)}"
        )
    for name in COLUMNS:
        if names.count(name) > 1:
            raise UsageError(f"{path}: the column {name} is there {names.count(name)} times; keep one")


def _csv_fault(path: Path, options: pa.csv.ConvertOptions, header: Sequence[str]) -> str:
    """What Arrow says, in the words of someone who looks at the file; only one thread counts the rows."""
    try:
        pa.csv.read_csv(path, read_options=pa.csv.ReadOptions(use_threads=False), convert_options=options)
    except pa.ArrowInvalid as caught:
        error = str(caught)
    else:
        return "could not be read at first; try again"
    if found := _CONVERSION.search(error):
        name, value = header[int(found[1])], _excerpt(found[3])
        row = f" (row {found[2]})" if found[2] else ""
        if name == "ts" and _FOREIGN_YEAR.fullmatch(value):
            return f"ts {value!r}{row} is out of range: write a year from 1678 to 2261"
        if name == "ts":
            return f"ts {value!r}{row} is not a time with a zone; {_ZONE_HELP}"
        return f"{name} {value!r}{row} is not a number; write it like 1234.5"
    if found := _SHAPE.search(error):
        return f"a row has {found[2]} fields, the header {found[1]}: {_excerpt(found[3])}; complete that row"
    return f"cannot be read: {_excerpt(error)}; give a CSV file with a header and commas"


def _symbols(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = _decoded(column.type)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise UsageError(
            f"{path}: the column symbol holds {column.type}, not text; write symbols like BTC/USD"
        )
    names = column.cast(pa.string())
    named = pc.sum(pc.binary_length(names).cast(pa.bool_()))  # a comparison with "" would import pandas
    nameless = len(names) - int(named.as_py() or 0)
    if nameless:
        rows = counted(nameless, "row")
        raise UsageError(f"{path}: {rows} without a symbol; fill it in, or remove such rows")
    for name in pc.unique(names).to_pylist():
        if not (name.isprintable() and name == name.strip() and len(name) <= _LONGEST_SYMBOL):
            raise UsageError(
                f"{path}: the symbol {_excerpt(name, strip=False)!r} is none: "
                f"write symbols like BTC/USD, of at most {_LONGEST_SYMBOL} characters"
            )
    return names


def _stamps(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        raise UsageError(f"{path}: the times in ts have no zone; store them as UTC timestamps")
    if not pa.types.is_timestamp(kind):
        raise UsageError(f"{path}: the column ts holds {kind}, not times; store UTC timestamps")
    try:
        return column.cast(options=pc.CastOptions(_STAMP, allow_time_truncate=True))
    except pa.ArrowInvalid:
        raise UsageError(f"{path}: a time in ts is out of range; check the unit of the timestamps") from None


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = _decoded(column.type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_null(kind):
        raise UsageError(f"{path}: the column {name} is empty; fill it in, as float64")
    raise UsageError(f"{path}: the column {name} holds {column.type}, not numbers; store it as float64")


def _decoded(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _by_symbol(columns: dict[str, pa.ChunkedArray]) -> dict[str, RawBars]:
    """Takes each column out of ``columns`` as it is read, so that none is held twice for long."""
    symbols = columns.pop("symbol").combine_chunks().dictionary_encode()
    if isinstance(symbols, pa.ChunkedArray):
        symbols = symbols.combine_chunks()
    codes = np.from_dlpack(symbols.indices)
    names: list[str] = symbols.dictionary.to_pylist()
    stamps = _to_numpy(columns.pop("ts")).view("datetime64[us]")
    bars = RawBars(stamps, *(_to_numpy(columns.pop(name)) for name in VALUES))
    if (codes[1:] < codes[:-1]).any():  # codes count up in order of appearance: a fall means scattered rows
        compact = codes.astype(np.uint16) if len(names) <= 65_536 else codes
        bars = bars.take(np.argsort(compact, kind="stable"))
    ends = np.cumsum(np.bincount(codes, minlength=len(names))).tolist()
    starts = [0, *ends[:-1]]
    return {name: bars.take(slice(start, end)) for name, start, end in zip(names, starts, ends, strict=True)}


def _to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """The column as a numpy array of its own, of int64 or float64; null becomes NaN, or NaT.

    Arrow's own memory would be read-only, for which kernels would be compiled a second time; and its
    ``to_numpy`` would import pandas.
    """
    kind, missing = (np.float64, np.nan) if column.type == pa.float64() else (np.int64, _NAT)
    filled = column.cast(pa.int64()) if kind is np.int64 else column
    filled = pc.fill_null(filled, missing) if filled.null_count else filled
    array: NDArray[Any] = np.empty(len(filled), kind)
    start = 0
    for chunk in filled.chunks:
        array[start : start + len(chunk)] = np.from_dlpack(chunk)
        start += len(chunk)
    return array


def _short(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _excerpt(str(error))


def _excerpt(text: str, *, strip: bool = True) -> str:
    line = " ".join(text.split()) if strip else text
    return line if len(line) <= 100 else f"{line[:97]}..."
