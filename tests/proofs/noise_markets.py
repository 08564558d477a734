"""Markets without any edge, and one edge of known size planted in them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import Floats, Ints, Panel, Series
from crypto_signals.detectors import Detector, Direction, Family, Hits, Study, detector
from crypto_signals.domain.strategy import Costs, GateLimits, Gates, Strategy
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Test
from crypto_signals.research.population import measure

FIRST = np.datetime64("2015-01-01", "us")
DAY = np.timedelta64(1, "D")
OPEN_GATES = Gates(normal=GateLimits(volume_ratio=0, rsi=100, reward_to_risk=0.1, adx=0))
"""Nearly every trigger becomes a trade: as many rows as can be are put to the test."""
FREE = Strategy(gates=OPEN_GATES, costs=Costs(crypto_fee_bp=0))
STEPS = 12
EFFECT_BARS = 12


def freely(catalogue: Catalogue) -> Test:
    """All detectors, with every gate open and nothing to pay."""
    return Test(FREE, catalogue, MarketCalendar())


def random_walks(seed: int, symbols: int = 20, bars: int = 1000) -> Panel:
    """Walks whose volatility clusters (GARCH(1,1)) and which share a third of their moves."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(bars, STEPS))
    return Panel.of(_walk(f"N{number:02}/USD", rng, common) for number in range(symbols))


def _walk(symbol: str, rng: np.random.Generator, common: Floats) -> Series:
    bars = len(common)
    noise = 0.58 * common + 0.81 * rng.normal(size=(bars, STEPS))
    variance, moves = 4e-4, np.empty((bars, STEPS))
    for bar in range(bars):
        moves[bar] = noise[bar] * np.sqrt(variance / STEPS)
        variance = 1e-5 + 0.08 * moves[bar].sum() ** 2 + 0.895 * variance
    volume = np.round(np.exp(rng.normal(12, 0.4, bars) + 8 * np.abs(moves.sum(axis=1))))
    return _from_moves(symbol, moves, volume)


def _from_moves(symbol: str, moves: Floats, volume: Floats) -> Series:
    """Bars of the logarithmic moves (float64[bars, steps]) from 100 on; each opens where the last closed."""
    path = np.log(100) + np.cumsum(moves.reshape(-1)).reshape(moves.shape)
    opened = np.concatenate([[np.log(100)], path[:-1, -1]])
    whole = np.exp(np.column_stack([opened, path]))
    columns = (whole[:, 0], whole.max(axis=1), whole.min(axis=1), whole[:, -1])
    return Series.of(symbol, FIRST + np.arange(len(moves)) * DAY, columns, volume)


def shuffled_bars(seed: int, file: Path, symbols: int = 20, bars: int = 1000) -> Panel:
    """Real daily bars, whole days of all symbols in another order: no day knows the one before."""
    rng = np.random.default_rng(seed)
    table = pq.read_table(file, columns=["symbol", "ts", "open", "high", "low", "close", "volume"])
    names = np.array(table.column("symbol").to_pylist())
    known, counts = np.unique(names, return_counts=True)
    chosen = rng.choice(known[counts > bars + 1], symbols, replace=False)
    order = rng.permutation(bars)
    return Panel.of(_shuffled(str(name), table.filter(names == name), order) for name in chosen)


def _shuffled(name: str, table: pa.Table, order: Ints) -> Series:
    keys = ("open", "high", "low", "close", "volume")
    rows = {key: np.asarray(table.column(key))[-len(order) - 1 :] for key in keys}
    before = rows["close"][:-1]
    shapes = {key: (rows[key][1:] / before)[order] for key in ("open", "high", "low", "close")}
    start = 100 * np.concatenate([[1.0], np.cumprod(shapes["close"])[:-1]])
    columns = tuple(shapes[key] * start for key in ("open", "high", "low", "close"))
    stamps = FIRST + np.arange(len(order)) * DAY
    return Series.of(f"{name}/USD", stamps, columns, rows["volume"][1:][order])  # type: ignore[arg-type]


# ------------------------------------------------------------------- an edge of known size


def planted_detector() -> Detector:
    """Fires long where the volume is no whole number."""

    @detector(
        "planted", family=Family.CHART, direction=Direction.LONG, definition="For tests.", source="-",
        gates=("bad_stop",), warm_up_bars=50,
    )  # fmt: skip
    def planted(study: Study) -> Hits:
        bars = np.flatnonzero(study.series.volume % 1)
        return Hits.of(
            bars,
            strength=np.full(len(bars), 50.0),
            duration_bars=np.zeros(len(bars), np.int64),
            anchors=bars[:, None],
            anchor_prices=study.series.low[bars][:, None],
            labels=("low",),
        )

    return planted


@dataclass(frozen=True)
class Planted:
    panel: Panel
    effect_r: float
    trades: int
    dates: int


def with_edge(
    seed: int, effect_r: float, catalogue: Catalogue, symbols: int = 40, bars: int = 2000
) -> Planted:
    """Walks in which what the planted detector marks is followed by a drift worth ``effect_r`` to its trades:
    so much more than the same trades earned before it was put there."""
    without = _marked(seed, symbols, bars, 0.0)
    alone = freely(Catalogue([catalogue["planted"]]))
    low, high = 0.0, 0.02
    base = _mean_r(without, alone)
    for _ in range(12):
        drift = (low + high) / 2
        gained = _mean_r(_marked(seed, symbols, bars, drift), alone) - base
        low, high = (drift, high) if gained < effect_r else (low, drift)
    panel = _marked(seed, symbols, bars, (low + high) / 2)
    rows = measure(panel, alone)
    entries = np.concatenate([one.entry_ts[one.closed] for one in rows])
    return Planted(panel, _mean_r(panel, alone) - base, len(entries), len(np.unique(entries)))


def _mean_r(panel: Panel, test: Test) -> float:
    return float(np.nanmean(np.concatenate([one.r for one in measure(panel, test)])))


def _marked(seed: int, symbols: int, bars: int, drift: float) -> Panel:
    """The market of a seed with about 1,000 marks, each followed by some bars that gain ``drift``."""
    rng = np.random.default_rng((seed, 7))
    common = rng.normal(size=(bars, STEPS))
    made: list[Series] = []
    for number in range(symbols):
        series = _walk(f"P{number:02}/USD", rng, common)
        marks = _marks(rng, bars)
        gain = np.zeros(bars)
        for mark in marks.tolist():
            gain[mark + 1 : mark + 1 + EFFECT_BARS] = drift
        made.append(_lifted(series, np.cumsum(gain), marks))
    return Panel.of(made)


def _marks(rng: np.random.Generator, bars: int) -> Ints:
    """About 30 bars, none of which follows another within the time that a trade usually takes."""
    return np.cumsum(rng.integers(45, 95, bars // 72)) + 60


def _lifted(series: Series, gain: Floats, marks: Ints) -> Series:
    """The series whose every bar stands higher by the logarithm ``gain``; a bar's drift lies within it."""
    before = np.concatenate([[0.0], gain[:-1]])
    high = np.maximum(series.high * np.exp(before), series.close * np.exp(gain))
    columns = (series.open * np.exp(before), high, series.low * np.exp(before), series.close * np.exp(gain))
    volume = series.volume.copy()
    volume[marks[marks < len(volume)]] += 0.5
    return Series.of(series.symbol, series.ts, columns, volume)
