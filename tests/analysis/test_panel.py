"""Series refuse what is not a series; a panel gives back what was put in."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from crypto_signals.analysis.panel import Panel, Series, as_datetime, as_ts64

from .bars import dated, random_series


def test_slices_are_views() -> None:
    """A slice shares memory with its series, keeps its symbol and takes no step."""
    series = random_series(1, 50)
    part = series[10:20]
    assert len(part) == 10
    assert part.symbol == series.symbol
    assert np.shares_memory(part.close, series.close)
    assert part.close[0] == series.close[10]
    with pytest.raises(ValueError, match="without a step"):
        series[::2]


@pytest.mark.parametrize(
    ("stamps", "told"),
    [
        (["2020-01-02", "2020-01-01", "2020-01-03"], "not strictly increasing at bar 1"),
        (["2020-01-01", "2020-01-02", "2020-01-02"], "not strictly increasing at bar 2"),
        (["2020-01-01", "2020-01-02"], "open has shape"),
    ],
)
def test_unordered_or_uneven_columns_are_refused(stamps: list[str], told: str) -> None:
    """The message names the symbol, the column and the bar."""
    ones = np.ones(3)
    with pytest.raises(ValueError, match=f"X: .*{told}"):
        Series.of("X", np.array(stamps, "datetime64[us]"), (ones, ones, ones, ones), ones)


def test_wrong_types_are_refused() -> None:
    """The constructor takes no copies: float32 or a strided column is an error, `Series.of` converts them."""
    series = random_series(1, 10)
    columns = [series.ts, series.open, series.high, series.low, series.close, series.volume, series.suspect]
    with pytest.raises(ValueError, match="open is float32"):
        Series("X", series.ts, series.open.astype(np.float32), *columns[2:])
    with pytest.raises(ValueError, match="open is not contiguous"):
        Series("X", series.ts, np.ones(20)[::2], *columns[2:])
    ints = [1, 2, 3]
    assert Series.of("X", series.ts[:3], (ints, ints, ints, ints), ints).close.dtype == np.float64


def test_a_panel_gives_back_its_series() -> None:
    """By position and by name, bar for bar, empty ones included."""
    rows = [
        random_series(1, 30, symbol="A"),
        random_series(2, 0, symbol="B"),
        random_series(3, 7, symbol="C"),
    ]
    panel = Panel.of(rows)
    assert (panel.symbols, len(panel), panel.offsets.tolist()) == (("A", "B", "C"), 3, [0, 30, 30, 37])
    for row, back in zip(rows, panel, strict=True):
        assert back.symbol == row.symbol
        for name in ("ts", "open", "high", "low", "close", "volume", "suspect"):
            assert np.array_equal(getattr(back, name), getattr(row, name))
    assert np.shares_memory(panel["C"].close, panel.close)
    with pytest.raises(KeyError):
        panel["D"]
    with pytest.raises(ValueError, match="each symbol once"):
        Panel.of([rows[0], rows[0]])
    assert list(Panel.of([])) == []


def test_stamps_and_datetimes_are_the_same_moment() -> None:
    """Both ways, to the microsecond, whatever the zone; naive times are refused."""
    moment = datetime(2020, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
    assert as_datetime(as_ts64(moment)) == moment
    assert as_ts64(moment.astimezone(timezone(timedelta(hours=-5)))) == as_ts64(moment)
    assert as_datetime(np.datetime64("2020-01-01", "D")) == datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time zone"):
        as_ts64(moment.replace(tzinfo=None))
    with pytest.raises(ValueError, match="not a moment"):
        as_datetime(np.datetime64("NaT", "us"))


def test_crypto_has_a_slash() -> None:
    """That is how the two asset classes are told apart."""
    assert dated("BTC/USD", *([np.ones(1)] * 5)).is_crypto
    assert not dated("AAPL", *([np.ones(1)] * 5)).is_crypto
