"""Reading bars from files: what is accepted, and the one line that a bad file gets."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto_signals.domain.errors import UsageError
from crypto_signals.market.files import read_bars
from crypto_signals.market.raw import VALUES
from market.samples import SHARED, stamps, steady, write

HEADER = "symbol,ts,open,high,low,close,volume\n"
GOOD = "BTC/USD,2018-12-31T00:00:00Z,1,2,0.5,1.5,10\n"


def parquet(path: Path, **changed: pa.Array) -> Path:
    """A file of two good bars with some columns replaced."""
    columns: dict[str, pa.Array] = {
        "symbol": pa.array(["A", "A"]),
        "ts": pa.array(stamps("2018-12-30", "2018-12-31"), pa.timestamp("us", "UTC")),
    }
    columns |= {name: pa.array([1.0, 2.0]) for name in VALUES}
    pq.write_table(pa.table(columns | changed), path)
    return path


def test_parquet_and_csv_hold_the_same(tmp_path: Path) -> None:
    """A CSV file in another column order, with extra columns, reads like the Parquet file."""
    one = write(tmp_path / "a.parquet", {"BTC/USD": [("2018-12-31", 1, 2, 0.5, 1.5, 10)]})
    other = tmp_path / "a.csv"
    other.write_text(
        "close,extra,ts,symbol,volume,low,high,open\n1.5,x,2018-12-31T01:00:00+01:00,BTC/USD,10,0.5,2,1\n"
    )
    first, second = read_bars([one])["BTC/USD"], read_bars([other])["BTC/USD"]
    np.testing.assert_array_equal(first.ts, second.ts)
    np.testing.assert_array_equal(first.values, second.values)


def test_symbols_that_look_like_other_things(tmp_path: Path) -> None:
    """NA, TRUE and 1 are symbols, not missing values, booleans and numbers."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "".join(GOOD.replace("BTC/USD", name) for name in ("NA", "TRUE", "1")))
    assert list(read_bars([path])) == ["NA", "TRUE", "1"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["A", "B", "A", "B"]),
        pa.array(["A", "B", "A", "B"], pa.large_string()),
        pa.array(["A", "B", "A", "B"]).dictionary_encode(),
    ],
)
def test_scattered_symbols_are_grouped(tmp_path: Path, column: pa.Array) -> None:
    """Rows of several symbols in any order end up with their symbol, in the order of the file."""
    ts = pa.array(stamps("2018-12-31", "2018-12-31", "2018-12-30", "2018-12-30"), pa.timestamp("ms", "UTC"))
    values = {name: pa.array([1, 2, 3, 4]) for name in VALUES}
    pq.write_table(pa.table({"symbol": column, "ts": ts, **values}), tmp_path / "a.parquet")
    bars = read_bars([tmp_path / "a.parquet"])
    assert {symbol: own.close.tolist() for symbol, own in bars.items()} == {"A": [1, 3], "B": [2, 4]}
    np.testing.assert_array_equal(bars["B"].ts, stamps("2018-12-31", "2018-12-30"))


@pytest.mark.parametrize(
    "kind",
    [pa.int32(), pa.uint8(), pa.float32(), pa.decimal128(10, 2), pa.dictionary(pa.int8(), pa.float64())],
)
def test_numbers_of_every_kind(tmp_path: Path, kind: pa.DataType) -> None:
    """Integers, decimals and encoded numbers are prices too."""
    path = parquet(
        tmp_path / "a.parquet",
        open=pa.array([3.0, 4.0]).cast(kind)
        if not pa.types.is_dictionary(kind)
        else pa.array([3.0, 4.0]).dictionary_encode(),
    )
    assert read_bars([path])["A"].open.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_of_every_unit_and_zone(tmp_path: Path, unit: str) -> None:
    """Stamps are UTC, whatever their unit and the zone they are shown in."""
    ts = (
        pa.array(stamps("2018-12-30", "2018-12-31"))
        .cast(pa.timestamp(unit))
        .cast(pa.timestamp(unit, "Asia/Tokyo"))
    )
    bars = read_bars([parquet(tmp_path / "a.parquet", ts=ts)])["A"]
    np.testing.assert_array_equal(bars.ts, stamps("2018-12-30", "2018-12-31"))
    assert bars.ts.dtype == np.dtype("datetime64[us]")


def test_missing_values_stay_visible(tmp_path: Path) -> None:
    """A null price is NaN and a null stamp NaT: the quality checks report them."""
    ts = pa.array(stamps("NaT", "2018-12-31"), pa.timestamp("us", "UTC"))
    bars = read_bars([parquet(tmp_path / "a.parquet", ts=ts, open=pa.array([None, 2.0]))])["A"]
    assert np.isnat(bars.ts).tolist() == [True, False]
    assert np.isnan(bars.open).tolist() == [True, False]


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    """A folder stands for its Parquet and CSV files; one symbol may be spread over several."""
    write(tmp_path / "a.parquet", {"A": steady("2018-12-01", 3)})
    (tmp_path / "b.csv").write_text(HEADER + GOOD.replace("BTC/USD", "A") + GOOD)
    (tmp_path / "notes.txt").write_text("nothing")
    bars = read_bars([tmp_path])
    assert {symbol: len(own) for symbol, own in bars.items()} == {"A": 4, "BTC/USD": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty; give a file with at least one row"),
        (HEADER, "holds no bars; give a file with at least one row"),
        (
            HEADER.replace("volume", "vol"),
            "the column volume is missing; it has symbol, ts, open, high, low, close, vol; bars",
        ),
        (HEADER.replace("\n", ",open\n"), "the column open is there 2 times; keep one"),
        (
            HEADER + GOOD.replace("Z", ""),
            "ts '2018-12-31T00:00:00' (row 2) is not a time with a zone; write UTC",
        ),
        (HEADER + GOOD.replace("T00:00:00Z", ""), "ts '2018-12-31' (row 2) is not a time with a zone"),
        (
            HEADER + GOOD + GOOD.replace("2018-12-31T00:00:00Z", "1546214400"),
            "ts '1546214400' (row 3) is not a time",
        ),
        (HEADER + GOOD.replace("0.5", "cheap"), "low 'cheap' (row 2) is not a number; write it like 1234.5"),
        (
            HEADER + GOOD.replace(",10\n", "\n"),
            "a row has 6 fields, the header 7: BTC/USD,2018-12-31T00:00:00Z",
        ),
        (
            HEADER + GOOD + GOOD.replace("2018", "9999"),
            "ts '9999-12-31T00:00:00Z' (row 3) is out of range: write a year from 1678 to 2261",
        ),
        (
            HEADER + GOOD.replace("BTC/USD", "BTC\x1b[31m"),
            "the symbol 'BTC\\x1b[31m' is none: write symbols like",
        ),
        (HEADER + GOOD.replace("BTC/USD", "  "), "the symbol '  ' is none: write symbols like BTC/USD"),
        (
            HEADER + GOOD.replace("BTC/USD", "B" * 65),
            "BBB' is none: write symbols like BTC/USD, of at most 64",
        ),
        (HEADER + GOOD.replace("BTC/USD", ""), ": 1 row without a symbol; fill it in, or remove such rows"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, says: str) -> None:
    """One line says which file, what is wrong with it, and what to do."""
    path = tmp_path / "bars.csv"
    path.write_text(text)
    assert says in fault(path)


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        (
            "ts",
            pa.array(stamps("2018-12-30", "2018-12-31")),
            "the times in ts have no zone; store them as UTC",
        ),
        ("ts", pa.array([17895, 17896], pa.date32()), "the times in ts have no zone"),
        ("ts", pa.array([1, 2]), "the column ts holds int64, not times; store UTC timestamps"),
        ("ts", pa.array([2**55, 1], pa.timestamp("ms", "UTC")), "a time in ts is out of range"),
        ("close", pa.array(["1", "2"]), "the column close holds string, not numbers; store it as float64"),
        ("close", pa.array([True, False]), "the column close holds bool, not numbers"),
        ("symbol", pa.array([1, 2]), "the column symbol holds int64, not text"),
        ("symbol", pa.array(["A", None]), ": 1 row without a symbol"),
    ],
)
def test_bad_parquet(tmp_path: Path, column: str, values: pa.Array, says: str) -> None:
    """A column of a wrong type is named, with the type that it has."""
    assert says in fault(parquet(tmp_path / "bars.parquet", **{column: values}))


def test_parquet_without_rows_or_columns(tmp_path: Path) -> None:
    """An empty table, and one without the columns of bars, are refused."""
    empty = write(tmp_path / "empty.parquet", {"A": []})
    assert fault(empty) == f"{empty}: holds no bars; give a file with at least one row"
    pq.write_table(pa.table({"Date": [1], "Close": [2.0]}), tmp_path / "other.parquet")
    assert "the columns symbol, ts, open, high, low, close, volume are missing; it has Date, Close;" in fault(
        tmp_path / "other.parquet"
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.parquet", None, "there is no such file; check the path"),
        ("none.csv", None, "there is no such file; check the path"),
        ("noise.parquet", b"\x89PNG\r\n\x1a\n" * 9, "cannot be read: Parquet magic bytes not found"),
        ("noise.csv", b"\x89PNG\xff\xfe" * 9, "is not text in UTF-8"),
        ("short.parquet", b"", "is empty; give a file with at least one row"),
        ("bars.txt", b"hello", "cannot be read: "),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    """A missing file and one of another kind are said to be so."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert says in fault(path)


def test_no_files(tmp_path: Path) -> None:
    """A folder without bars, and no path at all, are refused."""
    assert "the folder holds no .parquet and no .csv file" in fault(tmp_path)
    with pytest.raises(UsageError, match="no bars file was named"):
        read_bars([])


NEEDED = "bars need symbol, ts, open, high, low, close, volume"
QUOTES = "index, date, open, high, low, close, volume"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("name", "missing", "has"),
    [
        ("Bad.csv", "symbol, ts", f"{QUOTES}, scenario"),
        (
            "Mismatch.csv",
            "symbol, ts, open, high, low, close, volume",
            "Date, Open, High, Low, Close, Volume",
        ),
        ("Penny.csv", "symbol, ts", QUOTES),
        ("TooBig.csv", "symbol, ts", QUOTES),
    ],
)
def test_hostile_csv(name: str, missing: str, has: str) -> None:
    """Each hostile CSV file gets its exact line."""
    path = SHARED / "hostile" / name
    assert fault(path) == f"{path}: the columns {missing} are missing; it has {has}; {NEEDED}"


def fault(path: Path) -> str:
    """The one line that a path gets."""
    with pytest.raises(UsageError) as caught:
        read_bars([path])
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line
