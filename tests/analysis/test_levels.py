"""Levels that nobody can trade by are never told."""

import numpy as np
import pytest

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.levels import levels_at
from crypto_signals.domain.vocabulary import Direction


def hit_with(targets: tuple[float, float, float]) -> Hits:
    """One hit that brings its own targets."""
    return Hits.of(
        np.array([300]),
        strength=np.array([50.0]),
        duration_bars=np.array([0]),
        anchors=np.array([[300]]),
        anchor_prices=np.array([[100.0]]),
        labels=("low",),
        targets=np.array([targets]),
    )


@pytest.mark.parametrize(
    ("targets", "kept"),
    [
        ((101.0, 102.0, 103.0), 1),
        ((101.0, np.nan, 120.0), 1),
        ((99.0, 102.0, 103.0), 0),
        ((100.0, 102.0, 103.0), 0),
        ((103.0, 102.0, 101.0), 0),
        ((101.0, 101.0, 103.0), 0),
        ((101.0, 102.0, np.inf), 0),
    ],
)
def test_targets_run_away_from_the_entry(targets: tuple[float, float, float], kept: int) -> None:
    """A hit whose targets lie behind the entry, or not in the order in which they are reached, is left out;
    a missing one is that of the general rule. Shorts mirror longs."""
    entry, atr = np.array([100.0]), np.array([1.0])
    mirrored = (200 - targets[0], 200 - targets[1], 200 - targets[2])
    assert len(levels_at(entry, atr, hit_with(targets), Direction.LONG).rows) == kept
    assert len(levels_at(entry, atr, hit_with(mirrored), Direction.SHORT).rows) == kept
