"""Which bars a chart shows, and where on it a moment lies."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from crypto_signals.analysis.panel import Series, as_datetime, as_ts64
from crypto_signals.domain.signals import Signal

BARS_BEFORE = 60
BARS_AFTER = 5
BARS_MAX = 240
TICKS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The bars shown. Positions count bars from the first one shown."""

    bars: Series
    signal: Signal

    @classmethod
    def around(cls, signal: Signal, series: Series) -> "Window":
        if not len(series):
            raise ValueError(f"{series.symbol}: a chart needs at least one bar")
        first = min([signal.bar_ts, *(anchor.ts for anchor in signal.anchors)])
        closed_at = signal.progress.closed_at
        stop = (
            len(series) if closed_at is None else min(len(series), _index(series, closed_at) + 1 + BARS_AFTER)
        )
        pattern = _index(series, first)
        start = max(0, pattern - BARS_BEFORE, min(pattern - BARS_AFTER, stop - BARS_MAX))
        return cls(series[min(start, stop - 1) : stop], signal)

    @property
    def width(self) -> int:
        return len(self.bars)

    def position(self, ts: datetime) -> int:
        """Of the bar that holds ``ts``, or of the nearest one that is shown."""
        return _index(self.bars, ts)

    def price_range(self) -> tuple[float, float]:
        """From the lowest to the highest price on the chart, with some air around them."""
        plan = self.signal.plan
        levels = [plan.entry, plan.stop, *plan.targets]
        prices = [float(np.nanmin(self.bars.low)), float(np.nanmax(self.bars.high)), *levels]
        known = [price for price in prices if np.isfinite(price)]
        low, high = min(known), max(known)
        air = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
        return low - air, high + air

    def ticks(self) -> tuple[list[int], list[str]]:
        """Positions and labels of the time axis; the year stands where it changes."""
        step = max(1, -(-self.width // TICKS))
        positions = list(range(min(step // 2, self.width - 1), self.width, step))
        labels, year = [], 0
        for position in positions:
            moment = as_datetime(self.bars.ts[position])
            labels.append(self._label(moment, with_year=moment.year != year))
            year = moment.year
        return positions, labels

    def _label(self, moment: datetime, *, with_year: bool) -> str:
        day = f"{moment:%-d %b %Y}" if with_year else f"{moment:%-d %b}"
        return day if self.signal.timeframe.is_daily else f"{day}\n{moment:%H:%M}"


def _index(series: Series, ts: datetime) -> int:
    found = int(np.searchsorted(series.ts, as_ts64(ts), side="right")) - 1
    return min(max(found, 0), len(series) - 1)
