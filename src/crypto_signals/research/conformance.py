"""The conformance kit: what is asked of every detector, built in or one's own, on one series of bars.

well_formed
    It returns `Hits` of the promised shapes and raises nothing.
deterministic
    It says the same again: on a new study, on one it has seen, after another series, in another process.
causal
    What it says on the first n bars is what it says of them on all bars, bit for bit.
scale_invariant
    At 1,024 times the price, and at a 1,024th, it says the same with prices of that scale, bit for bit; at
    3.7 times it fires on the same bars, but for one in a hundred, and for those that rounding alone decides.
nan_safe
    Bad bars make it neither raise nor fire where a bar is suspect.
start_invariant
    Past its warm-up it does not depend on where history starts (see `starts`).
speed
    Its time grows with the number of bars, and no faster (see `speed_of`).

A detector that is not well formed, or not deterministic, is judged no further on that series.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Ints, Series, as_datetime
from crypto_signals.analysis.scan import runs_on
from crypto_signals.analysis.study import Study
from crypto_signals.research.indicators import changed, moves, readings
from crypto_signals.research.saying import FIELDS, PRICES, Said, first_difference, say
from crypto_signals.research.soundness import fault_of, numbers_fault_of
from crypto_signals.research.starts import StartTally, compare_starts
from crypto_signals.research.synthetic import defiled, nasty, scaled

CHECKS = (
    "well_formed", "deterministic", "causal", "scale_invariant", "nan_safe", "start_invariant", "speed",
)  # fmt: skip
WINDOW_BARS = 800
OVERLAP_BARS = 300
EXACT_FACTORS = (1024.0, 1 / 1024)
ODD_FACTOR = 3.7
ON_THE_EDGE = 0.01
EDGE_STEPS = 8
NASTY_BARS = 260

Failures = dict[tuple[str, str], str]
"""What went wrong first, by check and subject."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard to look at a series. The same plan looks at the same prefixes every time.

    ``prefixes`` of each series are replayed, and besides those that end on one of each detector's
    detections and one bar later; with ``full`` every prefix of every window of 800 bars (each begins 500 bars
    after the one before, so that every bar past the first 300 is seen with at least 300 bars of history).
    History is cut short ``drops`` times.
    """

    prefixes: int = 40
    drops: int = 3
    full: bool = False
    seed: int = 0
    with_indicators: bool = False


@dataclass(slots=True)
class Findings:
    """What was found on one series; of failures, the first of each check and subject."""

    symbol: str
    bars: int
    failures: Failures = field(default_factory=dict)
    detections: dict[str, int] = field(default_factory=dict)
    starts: dict[str, StartTally] = field(default_factory=dict)
    moves: dict[str, float] = field(default_factory=dict)
    prefixes: int = 0

    def fail(self, check: str, subject: str, detail: str) -> None:
        self.failures.setdefault((check, subject), detail)


def examine(series: Series, detectors: Iterable[Detector], plan: Plan) -> Findings:
    """Every check but speed, on one series."""
    found = Findings(series.symbol, len(series))
    rng = np.random.default_rng((plan.seed, len(series)))
    entries = [entry for entry in detectors if runs_on(entry, series)]
    entries = [entry for entry in entries if _is_well_formed(entry, series, found)]
    entries = [entry for entry in entries if _is_deterministic(entry, series, found)]
    whole = _whole(series, entries)
    found.detections = {name: len(said) for name, said in whole.items()}
    _replay(series, entries, whole, plan, found)
    for entry in entries:
        _scale_invariant(entry, series, whole[entry.name], found)
        _nan_safe(entry, _defiled(series, plan.seed), found)
    drops = _drops(rng, len(series), plan.drops)
    for entry in entries:
        found.starts[entry.name] = _starts(series, entry, drops)
    if plan.with_indicators:
        _indicators(series, _sample(rng, len(series), plan.prefixes), drops, found)
    return found


def replay(series: Series, detectors: Iterable[Detector], plan: Plan) -> Findings:
    """Causality alone, on one series."""
    found = Findings(series.symbol, len(series))
    entries = [entry for entry in detectors if runs_on(entry, series)]
    whole = _whole(series, entries)
    found.detections = {name: len(said) for name, said in whole.items()}
    _replay(series, entries, whole, plan, found)
    return found


def examine_on_nasty_bars(detectors: Iterable[Detector], seed: int) -> Findings:
    """NaN safety on drawn series of every kind that should never reach a detector."""
    found = Findings("drawn bars", NASTY_BARS)
    drawn = list(nasty(seed, NASTY_BARS))
    for entry in detectors:
        _nan_safe(entry, drawn, found)
    return found


def digests(series: Sequence[Series], detectors: Iterable[Detector]) -> dict[str, str]:
    """A fingerprint of all that each detector says, to be compared between processes."""
    found = {}
    for entry in detectors:
        digest = hashlib.sha256()
        for row in series:
            said = _attempt(lambda row=row, entry=entry: say(Study(row), entry))  # type: ignore[misc]
            if isinstance(said, str):
                digest.update(said.encode())
                continue
            for column in (said.bars, *said.columns):
                digest.update(column.tobytes())
        found[entry.name] = digest.hexdigest()
    return found


def _attempt(work: Callable[[], Said]) -> Said | str:
    """What a detector says, or how it failed."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
        return f"raised {type(error).__name__}: {' '.join(str(error).split())}"


def _whole(series: Series, entries: Iterable[Detector]) -> dict[str, Said]:
    study = Study(series)
    return {entry.name: say(study, entry) for entry in entries}


def _is_well_formed(entry: Detector, series: Series, found: Findings) -> bool:
    try:
        hits = _hits(entry, Study(series))
        fault = fault_of(hits, len(series), entry.warm_up_bars) or numbers_fault_of(hits, entry.warm_up_bars)
        if fault is None:
            say(Study(series), entry)
            return True
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
        fault = f"raised {type(error).__name__}: {' '.join(str(error).split())}"
    found.fail("well_formed", entry.name, f"{series.symbol}, {len(series)} bars: {fault}")
    return False


def _hits(entry: Detector, study: Study) -> Hits:
    with np.errstate(all="ignore"):
        return entry(study)


def _is_deterministic(entry: Detector, series: Series, found: Findings) -> bool:
    study = Study(series)
    runs: list[tuple[str, Callable[[], Said]]] = [
        ("on a new study", lambda: say(Study(series), entry)),
        ("on the same study", lambda: say(_repeated(study, entry), entry)),
        ("after another series", lambda: _after_another(series, entry)),
    ]
    first = _attempt(lambda: say(study, entry))
    for name, run in runs:
        again = _attempt(run)
        if isinstance(first, str) or isinstance(again, str):
            fault = first if isinstance(first, str) else again
            found.fail("deterministic", entry.name, f"{series.symbol}: asked again {name}: {fault}")
            return False
        if apart := first_difference(first, again, len(series)):
            detail = f"{_at(series, apart.bar)}: {apart.field} {apart.then} at first, {apart.now} {name}"
            found.fail("deterministic", entry.name, detail)
            return False
    return True


def _repeated(study: Study, entry: Detector) -> Study:
    """The study as another detector would find it: with its arrays, without this one's hits."""
    again = Study(study.series)
    _hits(entry, again)
    return again


def _after_another(series: Series, entry: Detector) -> Said:
    say(Study(series[: len(series) // 2]), entry)
    return say(Study(series), entry)


def _replay(
    series: Series, entries: Sequence[Detector], whole: dict[str, Said], plan: Plan, found: Findings
) -> None:
    rng = np.random.default_rng((plan.seed, len(series), 1))
    _causal(series, entries, whole, _sample(rng, len(series), plan.prefixes), found)
    _causal_at_detections(series, entries, whole, rng, found)
    if plan.full:
        _causal_in_windows(series, entries, found)


def _sample(rng: np.random.Generator, bars: int, count: int) -> list[int]:
    if bars < 2:
        return []
    short = {0, 1, 2, 15, bars - 1}
    return sorted(short & set(range(bars)) | set(rng.integers(1, bars, count).tolist()))


def _causal(
    series: Series,
    entries: Iterable[Detector],
    whole: dict[str, Said],
    lengths: Iterable[int],
    found: Findings,
) -> None:
    left = list(entries)
    for length in lengths:
        if not left:
            return
        study = Study(series[:length])
        found.prefixes += 1
        changed_now = [entry for entry in left if not _agrees(entry, study, series, whole[entry.name], found)]
        left = [entry for entry in left if entry not in changed_now]


def _agrees(entry: Detector, study: Study, series: Series, now: Said, found: Findings) -> bool:
    then = _attempt(lambda: say(study, entry))
    length = len(study)
    if isinstance(then, str):
        found.fail("causal", entry.name, f"{series.symbol}, the first {length} bars: {then}")
        return False
    apart = first_difference(then, now, length)
    if apart is None:
        return True
    detail = (
        f"{_at(series, apart.bar)}: {apart.field} {apart.then} with {length} bars, "
        f"{apart.now} with all {len(series)}"
    )
    found.fail("causal", entry.name, detail)
    return False


def _causal_at_detections(
    series: Series,
    entries: Iterable[Detector],
    whole: dict[str, Said],
    rng: np.random.Generator,
    found: Findings,
) -> None:
    """For each detector, the prefix that ends on one of its detections, and the one with the next bar."""
    for entry in entries:
        bars = whole[entry.name].bars
        if len(bars):
            bar = int(rng.choice(bars))
            lengths = [length for length in (bar + 1, bar + 2) if length < len(series)]
            _causal(series, [entry], whole, lengths, found)


def _causal_in_windows(series: Series, entries: Sequence[Detector], found: Findings) -> None:
    warm = min((entry.warm_up_bars for entry in entries), default=0)
    for start in range(0, max(1, len(series) - OVERLAP_BARS), WINDOW_BARS - OVERLAP_BARS):
        window = series[start : start + WINDOW_BARS]
        _causal(window, entries, _whole(window, entries), range(warm + 1, len(window)), found)


def _scale_invariant(entry: Detector, series: Series, whole: Said, found: Findings) -> None:
    for factor in EXACT_FACTORS:
        there = scaled(series, factor)
        said = _attempt(lambda there=there: say(Study(there), entry))  # type: ignore[misc]
        if isinstance(said, str):
            found.fail(
                "scale_invariant", entry.name, f"{series.symbol} at {factor:g} times the price: {said}"
            )
        elif apart := first_difference(_times(whole, factor), said, len(series)):
            detail = (
                f"{_at(series, apart.bar)}: {apart.field} {apart.then} at first, {apart.now} in other units "
                f"({factor:g} times the price)"
            )
            found.fail("scale_invariant", entry.name, detail)
    said = _attempt(lambda: say(Study(scaled(series, ODD_FACTOR)), entry))
    if isinstance(said, str):
        found.fail(
            "scale_invariant", entry.name, f"{series.symbol} at {ODD_FACTOR:g} times the price: {said}"
        )
        return
    apart_bars = np.setxor1d(whole.bars, said.bars)
    if len(apart_bars) > 1 + ON_THE_EDGE * len(whole):
        apart_bars = np.setdiff1d(apart_bars, _on_an_edge(entry, series, whole))
    if len(apart_bars) > 1 + ON_THE_EDGE * len(whole):
        detail = (
            f"{_at(series, int(apart_bars[0]))}: {len(apart_bars)} detections come or go at {ODD_FACTOR:g} "
            f"times the price; there are {len(whole)}"
        )
        found.fail("scale_invariant", entry.name, detail)


def _on_an_edge(entry: Detector, series: Series, whole: Said) -> Ints:
    """The bars on which rounding alone decides: they come or go when prices move by a billionth."""
    bars: set[int] = set()
    for step in range(1, EDGE_STEPS + 1):
        said = _attempt(lambda step=step: say(Study(scaled(series, 1 + step * 1e-9)), entry))  # type: ignore[misc]
        if not isinstance(said, str):
            bars |= set(np.setxor1d(whole.bars, said.bars).tolist())
    return np.array(sorted(bars), np.int64)


def _times(said: Said, factor: float) -> Said:
    columns = zip(FIELDS, said.columns, strict=True)
    return Said(said.bars, tuple(column * factor if name in PRICES else column for name, column in columns))


def _defiled(series: Series, seed: int) -> Iterator[tuple[str, Series]]:
    for value in (np.nan, 0.0, np.inf):
        yield f"{series.symbol} with {value:g} here and there", defiled(series, seed, value)


def _nan_safe(entry: Detector, drawn: Iterable[tuple[str, Series]], found: Findings) -> None:
    for kind, series in drawn:
        fault = _bad_bars_fault(entry, series)
        if fault is not None:
            found.fail("nan_safe", entry.name, f"{kind}: {fault}")
            return


def _bad_bars_fault(entry: Detector, series: Series) -> str | None:
    try:
        fault = fault_of(_hits(entry, Study(series)), len(series), entry.warm_up_bars)
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
        return f"raised {type(error).__name__}: {' '.join(str(error).split())}"
    if fault is not None:
        return fault
    said = say(Study(series), entry)
    if not len(said):
        return None
    on_suspect = said.bars[series.suspect[said.bars]]
    if len(on_suspect):
        return f"fires on bar {on_suspect[0]}, which is suspect"
    for name in ("entry", "stop", "targets", "atr"):
        prices = said.column(name).reshape(len(said), -1)
        sound = ((prices > 0) & (prices < np.inf)).all(axis=1)
        if not sound.all():
            return f"{name} is no price at bar {said.bars[int(np.argmin(sound))]}"
    return None


def _drops(rng: np.random.Generator, bars: int, count: int) -> list[int]:
    """How many bars to leave out: one, and some seeded numbers up to a third of the series."""
    if bars < 3:
        return []
    return sorted({1, *rng.integers(1, max(2, bars // 3), max(0, count - 1)).tolist()})


def _starts(series: Series, entry: Detector, drops: Iterable[int]) -> StartTally:
    tally = StartTally()
    for drop in drops:
        try:
            tally = tally.plus(compare_starts(series, entry, drop))
        except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
            why = f"{series.symbol}, the first {drop} bars dropped: raised {type(error).__name__}: {error}"
            tally = tally.plus(StartTally(differing=1, settled=1, example=why))
    return tally


def _indicators(series: Series, lengths: Iterable[int], drops: Iterable[int], found: Findings) -> None:
    whole = readings(Study(series))
    for length in lengths:
        for name, bar in changed(whole, series, length).items():
            found.fail("causal", f"indicator {name}", f"{_at(series, bar)}: differs with {length} bars")
    for drop in drops:
        for name, move in moves(whole, series, drop).items():
            found.moves[name] = max(move, found.moves.get(name, 0.0))


def _at(series: Series, bar: int) -> str:
    return f"{series.symbol} bar {bar} ({as_datetime(series.ts[bar]):%Y-%m-%d %H:%M})"
