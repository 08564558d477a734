"""``*``: everything that can be traded, is no penny stock, and is traded enough for its volume to matter."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.assets import Assets, DayList
from crypto_signals.market.raw import RawBars

LEAST_PRICE_USD = 5.0
LEAST_TURNOVER_USD = 5_000_000.0
MEDIAN_BARS = 20

DailyBars = Callable[[AssetClass, Sequence[str]], Mapping[str, RawBars]]
"""The newest daily bars of symbols, `MEDIAN_BARS` where there are so many. Raises ``SourceFailed``."""


class Universe:
    """Selects once a day; on a day on which that fails, the last selection stands."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._chosen: dict[AssetClass, tuple[str, ...]] = {}

    def symbols(self, kind: AssetClass, daily: DailyBars) -> tuple[str, ...]:
        """By name. Raises ``SourceFailed`` if nothing was ever selected."""
        if kind not in self._chosen:
            kept = DayList(self._assets.folder / f"selected-{kind.value}.json")
            self._chosen[kind] = kept.of(self._assets.today) or self._selected(kind, daily, kept)
        return self._chosen[kind]

    def _selected(self, kind: AssetClass, daily: DailyBars, kept: DayList) -> tuple[str, ...]:
        try:
            selected = self._worth_it(kind, daily)
        except SourceFailed:
            before = kept.of(None)
            if not before:
                raise
            return before
        kept.keep(self._assets.today, selected)
        return selected

    def _worth_it(self, kind: AssetClass, daily: DailyBars) -> tuple[str, ...]:
        """Raises ``SourceFailed`` where that is nothing."""
        listed = [own for own in self._assets.tradable(kind) if "/" not in own or own.endswith("/USD")]
        bars = daily(kind, listed)
        selected = tuple(symbol for symbol in listed if symbol in bars and is_traded(bars[symbol]))
        if not selected:
            raise SourceFailed(f"of {len(listed)} that Alpaca lists ({kind.value}) none is traded enough")
        return selected


def is_traded(bars: RawBars) -> bool:
    """Whether the last close is above 5 USD, and the median turnover of 20 days above 5 million USD."""
    if len(bars) < MEDIAN_BARS:
        return False
    newest = bars.take(np.argsort(bars.ts, kind="stable")[-MEDIAN_BARS:])
    turnover = float(np.median(newest.close * newest.volume))
    return bool(newest.close[-1] > LEAST_PRICE_USD and turnover > LEAST_TURNOVER_USD)
