"""A store may keep a part of a moment and lose its watermark: looking at it again adds what is missing."""

from collections.abc import Callable, Sequence

import pytest

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine.ports import Saved, Watermark

from .world import BTC, ETH, LTC, World, bars, day, flat, market_truth, pattern

Build = Callable[..., World]
D = 60


class Torn:
    """A store whose transaction is cut after ``kept`` signals, once."""

    def __init__(self, world: World, kept: int) -> None:
        self._commit = world.store.commit
        self.kept: int | None = kept

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        if self.kept is None or not strategy:
            self._commit(saves, strategy, timeframe, watermarks)
            return
        self._commit(list(saves)[: self.kept], strategy, timeframe)
        self.kept = None
        raise StoreUnusable("cut off")


def crowded(world: Build) -> World:
    """On one bar: an open signal stops out, two detectors confirm each other, one is over budget, and two
    shadows fall to the same gate."""
    market = {symbol: bars(D + 2, {D: flat(85.0)} if symbol == LTC else None) for symbol in (BTC, ETH, LTC)}
    return world(
        market,
        pattern("early", {LTC: [day(D - 3)]}),
        pattern("hit", {BTC: [day(D)], ETH: [day(D)], LTC: [day(D)]}),
        pattern("also", {BTC: [day(D)], ETH: [day(D)]}),
        pattern("gated", {BTC: [day(D)], ETH: [day(D)]}, gates=("volume",)),
        strategy=Strategy(name="test", max_announcements=1),
    )


@pytest.mark.parametrize("kept", range(7))
def test_a_torn_moment_is_completed(world: Build, kept: int) -> None:
    """However much of a moment was kept, the next look ends where an unbroken one ends."""
    whole = crowded(world)
    whole.each(D - 3, D + 2)
    torn = crowded(world)
    torn.each(D - 3, D - 1)
    cut = Torn(torn, kept)
    torn.store.commit = cut.commit  # type: ignore[method-assign]
    with pytest.raises(StoreUnusable):
        torn.after(D)
    torn.each(D, D + 2)
    assert len(whole.signals()) == 5
    assert [market_truth(s) for s in torn.signals()] == [market_truth(s) for s in whole.signals()]
