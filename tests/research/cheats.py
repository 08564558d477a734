"""Detectors that break one promise each, and an honest one."""

import numpy as np

from crypto_signals.analysis.pivots import provisional_extreme
from crypto_signals.detectors import Detector, Direction, Family, Hits, Ints, Study, detector


def at(study: Study, bars: Ints, strength: float = 50.0) -> Hits:
    """Hits on the given bars, anchored at their own lows."""
    low = study.series.low[bars]
    return Hits.of(
        bars,
        strength=np.full(len(bars), strength),
        duration_bars=np.zeros(len(bars), np.int64),
        anchors=bars[:, None],
        anchor_prices=low[:, None],
        labels=("low",),
        structure=low,
    )


def planted(name: str, find: object, *, warm_up_bars: int = 200) -> Detector:
    """The function as a detector of the long side."""
    enter = detector(
        name,
        family=Family.CHART,
        direction=Direction.LONG,
        definition="For tests.",
        source="-",
        warm_up_bars=warm_up_bars,
    )
    return enter(find)  # type: ignore[arg-type]


def _lower_lows(study: Study) -> Hits:
    low = study.series.low
    return at(study, np.flatnonzero((low[2:] < low[1:-1]) & (low[1:-1] < low[:-2])) + 2)


def _looks_ahead(study: Study) -> Hits:
    low = study.series.low
    return at(study, np.flatnonzero((low[1:-1] < low[:-2]) & (low[1:-1] < low[2:])) + 1)


def _centres(study: Study) -> Hits:
    close = study.series.close
    if len(close) < 5:
        return Hits.none()
    smooth = np.convolve(close, np.ones(5) / 5, mode="same")
    return at(study, np.flatnonzero(close < 0.98 * smooth))


def _normalises(study: Study) -> Hits:
    close = study.series.close
    hits = _lower_lows(study)
    if not len(hits):
        return hits
    return Hits.of(
        hits.index,
        strength=100 * close[hits.index] / np.nanmax(close),
        duration_bars=hits.duration_bars,
        anchors=hits.anchors,
        anchor_prices=hits.anchor_prices,
        labels=hits.labels,
    )


def _repaints(study: Study) -> Hits:
    series = study.series
    extreme = provisional_extreme(series.high, series.low, 2 * study.atr())
    confirmed = study.pivots(2.0)
    bars = confirmed.index[confirmed.kind < 0]
    if extreme is not None and extreme.kind < 0:
        bars = np.append(bars, extreme.bar)
    return at(study, bars.astype(np.int64))


class _Remembers:
    """Fires on every other bar that it would fire on, counted over all calls."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, study: Study) -> Hits:
        self._calls += 1
        hits = _lower_lows(study)
        return hits.take(np.arange(self._calls % 2, len(hits), 2))


def _spoils(study: Study) -> Hits:
    atr = study.atr()
    atr *= 2
    return at(study, np.flatnonzero(study.series.high - study.series.low > atr))


def _prefers_round_numbers(study: Study) -> Hits:
    return at(study, np.flatnonzero(study.series.close % 10 < 1))


def _counts_from_the_start(study: Study) -> Hits:
    return at(study, np.arange(0, len(study), 7))


def _remembers_too_long(study: Study) -> Hits:
    return at(study, np.flatnonzero(study.series.close > 1.02 * study.ema(200)))


def _takes_squares(study: Study) -> Hits:
    close = study.series.close
    highs = [t for t in range(200, len(close)) if close[t] > close[:t].max() + close[:t].std()]
    return at(study, np.array(highs, np.int64))


def _trips_over_nan(study: Study) -> Hits:
    if np.isnan(study.series.close).any():
        raise ArithmeticError("no number")
    return _lower_lows(study)


honest = planted("honest", _lower_lows)

CHEATS = {
    "causal": (
        planted("looks_ahead", _looks_ahead),
        planted("centres_a_window", _centres),
        planted("normalises_by_the_whole", _normalises),
        planted("repaints_a_pivot", _repaints),
    ),
    "deterministic": (planted("keeps_state", _Remembers()), planted("spoils_what_it_is_given", _spoils)),
    "scale_invariant": (planted("prefers_round_numbers", _prefers_round_numbers),),
    "start_invariant": (
        planted("counts_from_the_start", _counts_from_the_start),
        planted("remembers_too_long", _remembers_too_long),
    ),
    "nan_safe": (planted("trips_over_nan", _trips_over_nan),),
}
takes_squares = planted("takes_squares", _takes_squares)
