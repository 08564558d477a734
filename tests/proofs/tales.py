"""Small markets whose signals do everything that a signal can do, in a few days."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import Panel, Series, as_ts64
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import History, Letter, Wanted
from engine.world import BTC, ETH, LTC, Ohlcv, bars, day, pattern

FIRST_DAY = 30
GRACE = dt.timedelta(seconds=60)
CALM: Ohlcv = (100.0, 101.0, 99.0, 100.5, 1000.0)
TARGET_1: Ohlcv = (100.0, 112.0, 99.5, 111.0, 1000.0)
TARGETS_1_AND_2: Ohlcv = (100.0, 122.0, 99.5, 121.0, 1000.0)
TARGET_3: Ohlcv = (121.0, 131.0, 120.0, 130.0, 1000.0)
BACK: Ohlcv = (111.0, 111.5, 98.0, 99.0, 1000.0)
STOPPED: Ohlcv = (99.0, 99.5, 88.0, 89.0, 1000.0)
MISSED: Ohlcv = (115.0, 116.0, 114.0, 115.0, 1000.0)


def nothing(_letter: Letter) -> bool:
    return False


@dataclass(frozen=True)
class Tale:
    """Each symbol gets a signal on the first day, and then the bars of its own ``days``.

    ``refuses`` says which messages the other side will never accept.
    """

    days: Mapping[str, Sequence[Ohlcv]]
    refuses: Callable[[Letter], bool] = nothing
    strategy: Strategy = Strategy(name="test")  # noqa: RUF009 - frozen

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue((pattern("hit", {symbol: [day(FIRST_DAY)] for symbol in self.days}),))

    @property
    def moments(self) -> tuple[dt.datetime, ...]:
        """When each day's bars become known."""
        count = 1 + max(map(len, self.days.values()))
        return tuple(day(FIRST_DAY + number + 1) + GRACE for number in range(count))


def announcement_or_many(letter: Letter) -> bool:
    """LTC's announcement, and what tells ETH's entry and targets together."""
    if letter.kind is EffectKind.ANNOUNCE:
        return letter.signal.symbol == LTC
    return letter.signal.symbol == ETH and letter.kind is EffectKind.FOLLOW_UP and len(letter.events) > 1


TALES = {
    "two trades": Tale({BTC: (CALM, TARGET_1, BACK), ETH: (TARGETS_1_AND_2, TARGET_3)}),
    "refusals": Tale({LTC: (CALM, STOPPED), ETH: (TARGETS_1_AND_2, TARGET_3)}, announcement_or_many),
    "a miss and a stop": Tale({BTC: (MISSED,), ETH: (CALM, STOPPED)}),
}


class TaleBars:
    """The `BarSource` of a tale, from memory."""

    def __init__(self, tale: Tale) -> None:
        self._tale = tale

    def instruments(self) -> Sequence[Instrument]:
        return [Instrument.of(symbol) for symbol in self._tale.days]

    def history(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: dt.datetime) -> History:
        known = (now - GRACE - day(0)) // timeframe.span
        return _history(
            tuple((w.instrument.symbol, tuple(self._tale.days[w.instrument.symbol])) for w in wanted), known
        )

    def close(self) -> None:
        pass


@lru_cache
def _history(own: tuple[tuple[str, tuple[Ohlcv, ...]], ...], known: int) -> History:
    return History(Panel.of(_series(symbol, days)[:known] for symbol, days in own))


@lru_cache
def _series(symbol: str, days: tuple[Ohlcv, ...]) -> Series:
    rows = bars(FIRST_DAY + len(days), dict(enumerate(days, FIRST_DAY + 1)))
    opened, high, low, close, volume = np.array(list(rows.values())).T
    return Series.of(symbol, [as_ts64(ts) for ts in rows], (opened, high, low, close), volume)
