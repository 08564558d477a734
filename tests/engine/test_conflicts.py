"""Optimistic concurrency: who lost a race reloads and decides again."""

from collections.abc import Callable, Sequence

from crypto_signals.domain.errors import VersionConflict
from crypto_signals.engine.ports import Saved, Watermark

from .world import BTC, World, bars, day, market_truth, pattern

Build = Callable[..., World]
D = 60


def beaten(world: World, times: int) -> None:
    """Another writer is faster with the same facts, so many times."""
    commit, left = world.store.commit, [times]

    def lose(
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        if strategy and left[0]:
            left[0] -= 1
            commit(saves, strategy, timeframe, watermarks)
            raise VersionConflict("someone was faster")
        commit(saves, strategy, timeframe, watermarks)

    world.store.commit = lose  # type: ignore[method-assign]


def test_a_loser_looks_again(world: Build) -> None:
    """The run goes on from what is stored: nothing is missing, nothing is there twice, nothing is counted
    twice, and people are told once."""
    fair, raced = (world({BTC: bars(D + 3)}, pattern("hit", {BTC: [day(D)]})) for _ in range(2))
    fair.each(D, D + 3)
    raced.after(D - 1)
    beaten(raced, 2)
    summaries = raced.each(D, D + 3)
    assert [market_truth(s) for s in raced.signals()] == [market_truth(s) for s in fair.signals()]
    assert [call.types for call in raced.channel.told] == [call.types for call in fair.channel.told]
    assert all(summary.errors == [] for summary in summaries)


def test_a_race_without_end_is_reported(world: Build) -> None:
    """Who loses again and again gives up for this run, says so, and the next run catches up."""
    raced = world({BTC: bars(D + 1)}, pattern("hit", {BTC: [day(D)]}))
    raced.after(D - 1)
    commit = raced.store.commit
    raced.store.commit = lambda *_args: (_ for _ in ()).throw(VersionConflict("never"))  # type: ignore[method-assign]
    assert [error.service for error in raced.after(D).errors] == ["store"]
    raced.store.commit = commit  # type: ignore[method-assign]
    raced.after(D + 1)
    assert len(raced.signals()) == 1
