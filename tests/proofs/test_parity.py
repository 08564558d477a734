"""P2: day by day, in one late run, and as one batch scan: the same signals and outcomes.

The batch is a second reading of the rules "From detection to signal": it shares the detectors and the
lifecycle with the program, and nothing of the engine: gates, ranking, slots, cool-down, conflicts, budget and
the order of moments are written here once more.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import Series, as_datetime, as_ts64
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.app.demo import DEMO_LAST_DAY, DEMO_SYMBOLS, SAMPLE_BARS, SAMPLE_FILES
from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Event
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.lifecycle import step, without_data
from crypto_signals.domain.signals import Plan, Progress, Signal, signal_id
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, Family, Role
from crypto_signals.engine.ports import Letter, Picture, Receipt, Store, Wanted, Watermark
from crypto_signals.engine.replay import VirtualClock, closes, replay, start_at
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.summary import Summary
from crypto_signals.engine.views import signal_view
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.file_source import FileBars
from crypto_signals.repository.opening import open_store
from crypto_signals.research.backtest import Backtest, Test, backtest
from crypto_signals.research.parity import compare

pytestmark = pytest.mark.proof

DEV = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dev"
CALENDAR = MarketCalendar()
DAILY = Timeframe("1Day")
DAY = dt.timedelta(days=1)
Truth = dict[str, dict[str, object]]


class Quiet:
    """A channel that takes everything."""

    name, can_find, can_edit = "quiet", False, False

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        return Receipt(letter.key, "1")

    def find(self, letter: Letter) -> Receipt | None:  # noqa: ARG002
        return None

    def edit(self, letter: Letter, message_id: str) -> None:
        """Nothing is shown."""

    def check(self) -> str:
        return "ready"

    def close(self) -> None:
        """Nothing is held open."""


class Patient:
    stopping = False

    def wait(self, _seconds: float) -> bool:
        return True


@dataclass(frozen=True)
class Stage:
    """Bars and the days over which they are replayed."""

    files: tuple[Path, ...]
    symbols: tuple[str, ...]
    first: dt.date
    last: dt.date
    strategy: Strategy

    def source(self) -> FileBars:
        return FileBars(self.files, CALENDAR, self.symbols)

    def moments(self) -> list[dt.datetime]:
        return closes(CALENDAR, [Instrument.of(symbol) for symbol in self.symbols], self.first, self.last)

    @contextmanager
    def store(self, folder: Path) -> Iterator[Store]:
        """A new store whose watermarks stand right before the first day."""
        folder.mkdir()
        store = open_store(f"sqlite:///{folder / 'sentinel.db'}")
        store.acquire("test", 3600)
        start_at(store, self.source(), self.strategy, self.moments()[0])
        yield store
        store.close()

    def run(self, store: Store, moments: Sequence[dt.datetime]) -> Summary:
        clock, total = VirtualClock(moments[0]), Summary()
        job = MainJob(
            strategies=(self.strategy,),
            catalogue=CATALOGUE,
            source=self.source(),
            store=store,
            channels=dict.fromkeys(AssetClass, Quiet()),
            calendar=CALENDAR,
            clock=clock,
            patience=Patient(),
            draw=lambda _signal, _series, _events: b"",
            settle=dt.timedelta(0),
            config_hash="parity",
        )
        for _ in replay(job, clock, moments, total):
            pass
        assert not total.errors
        return total


@pytest.fixture(scope="module")
def demo() -> Stage:
    files = tuple(SAMPLE_BARS / name for name in SAMPLE_FILES)
    first = DEMO_LAST_DAY - 364 * DAY
    return Stage(files, DEMO_SYMBOLS, first, DEMO_LAST_DAY, Strategy(name="demo"))


DEV_CRYPTO = (
    "ADA/USD", "ATOM/USD", "BCH/USD", "BTC/USD", "CRO/USD", "DOGE/USD", "ETH/USD", "LINK/USD",
)  # fmt: skip
DEV_EQUITY = ("AAPL", "ACN", "ADM", "AGQ", "AIG", "AMAT", "AMZN", "BEN", "BSX", "BX", "CAT", "CHD")
DEV_LAST_DAY = dt.date(2021, 12, 31)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """20 symbols over 250 days, two of which end in between, under a tight budget."""
    if not DEV.exists():
        pytest.skip("shared/data/dev is not beside this checkout")
    folder = tmp_path_factory.mktemp("bars")
    files = tuple(
        _sample(f"{name}.parquet", folder, symbols)
        for name, symbols in (("crypto_daily", DEV_CRYPTO), ("equity_daily", DEV_EQUITY))
    )
    strategy = Strategy(name="dev", max_announcements=1, cooldown_hours=100.0, cooldown_escape_pct=5.0)
    return Stage(files, (*DEV_CRYPTO, *DEV_EQUITY), DEV_LAST_DAY - 249 * DAY, DEV_LAST_DAY, strategy)


def _sample(name: str, folder: Path, symbols: Sequence[str]) -> Path:
    """A copy of one dev file with the bars of a few symbols."""
    columns = ["symbol", "ts", "open", "high", "low", "close", "volume"]
    table = pq.read_table(DEV / name, columns=columns, filters=[("symbol", "in", symbols)])
    pq.write_table(table, folder / name)
    return folder / name


# ------------------------------------------------------------------- what is compared

_OF_PEOPLE = ("status", "created_at", "announced_at", "run_id", "late_bars", "thread_id", "exit_reason")


def stored(store: Store) -> Truth:
    """Everything the store says of the market's side, by id."""
    found: Truth = {}
    for signal in store.signals():
        view = signal_view(signal)
        for key in _OF_PEOPLE:
            del view[key]
        extra = {"fills": signal.progress.fills, "gates": signal.gates, "anchors": signal.anchors}
        events = [event for event in store.signal(signal.signal_id)[1] if not _is_human(event)]
        found[signal.signal_id] = view | extra | {"events": events, "valid_until_": signal.valid_until}
    return found


def _is_human(event: Event) -> bool:
    return event.type.value in {"created", "announced", "cancelled"}


def condensed(store: Store) -> Truth:
    return {signal.signal_id: essence(signal) for signal in store.signals()}


def essence(signal: Signal, *, refused: bool = False) -> dict[str, object]:
    """What the batch can say of a signal, too. An open shadow is stored as it was created."""
    is_open_shadow = (signal.is_shadow or refused) and signal.progress.closed_at is None
    progress = Progress() if is_open_shadow else signal.progress
    return {
        "setup": (signal.symbol, signal.detector, signal.bar_ts, signal.direction, signal.family),
        "plan": signal.plan,
        "conviction": signal.conviction,
        "context": signal.context,
        "confirmed_by": signal.confirmed_by,
        "refused": [(gate.gate, gate.value, gate.limit) for gate in signal.failed_gates],
        "market": (progress.status, progress.exit_reason, progress.closed_at, progress.ambiguous),
        "entry": (progress.entry_ts, progress.entry_fill, progress.stop),
        "fills": progress.fills,
        "result": (progress.result_r, progress.fees_r),
    }


# ------------------------------------------------------------------- the batch


@dataclass
class Trade:
    signal: Signal
    refused: list[tuple[str, float | None, float | None]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.signal.progress.closed_at is None

    @property
    def essence(self) -> dict[str, object]:
        return essence(self.signal, refused=bool(self.refused)) | {"refused": self.refused}


@dataclass
class Idea:
    found: Detection
    study: Study
    conviction: Conviction
    context: tuple[str, ...]
    refused: list[tuple[str, float | None, float | None]]
    confirmed_by: tuple[str, ...] = ()

    @property
    def merit(self) -> tuple[object, ...]:
        high, chart = self.conviction is Conviction.HIGH, self.found.family is Family.CHART
        reward = abs(self.found.targets[1] - self.found.entry) / abs(self.found.entry - self.found.stop)
        return (-int(high), -int(chart), -reward, self.found.detector, self.found.symbol)


class Batch:
    """One pass over whole histories."""

    def __init__(self, strategy: Strategy, marks: Mapping[str, Watermark]) -> None:
        self.strategy, self.marks = strategy, marks
        self.trades: dict[str, list[Trade]] = defaultdict(list)

    def over(self, histories: Sequence[Series], end: dt.datetime) -> Truth:
        studies = {series.symbol: Study(series) for series in histories}
        hits: dict[tuple[str, int], list[Detection]] = defaultdict(list)
        for symbol, study in studies.items():
            for found in detect(study, CATALOGUE):
                if found.role is Role.TRIGGER and found.ts > self.marks[symbol].seen_ts:
                    hits[symbol, found.index].append(found)
        by_moment: dict[np.datetime64, list[tuple[str, int]]] = defaultdict(list)
        for symbol, study in studies.items():
            known = CALENDAR.known_at(Instrument.of(symbol).asset_class, DAILY, study.series.ts)
            for index, ts in enumerate(study.series.ts):
                if as_datetime(ts) > self.marks[symbol].seen_ts:
                    by_moment[known[index]].append((symbol, index))
        for moment in sorted(by_moment):
            self._moment(sorted(by_moment[moment]), studies, hits)
        self._starved(studies, end)
        return {trade.signal.signal_id: trade.essence for trades in self.trades.values() for trade in trades}

    def _moment(
        self,
        bars: Sequence[tuple[str, int]],
        studies: Mapping[str, Study],
        hits: Mapping[tuple[str, int], list[Detection]],
    ) -> None:
        best: list[Idea] = []
        refused: list[Idea] = []
        for symbol, index in bars:
            self._follow(studies[symbol], index)
            ideas = [self._idea(studies[symbol], found, hits) for found in hits.get((symbol, index), ())]
            refused += [idea for idea in ideas if idea.refused]
            passed = sorted((idea for idea in ideas if not idea.refused), key=lambda idea: idea.merit)
            if passed:
                names = tuple(idea.found.detector for idea in passed[1:])
                best.append(replace(passed[0], confirmed_by=names))
        best.sort(key=lambda idea: idea.merit)
        most = self.strategy.max_announcements
        for place, idea in enumerate(best):
            if place >= most:
                idea.refused.append(("over_budget", len(best), most))
                refused.append(idea)
            else:
                self._store(idea)
        for idea in refused:
            twins = [
                trade
                for trade in self.trades[idea.found.symbol]
                if trade.open
                and trade.refused
                and (trade.signal.detector, trade.signal.direction)
                == (idea.found.detector, idea.found.direction)
            ]
            if not twins:
                self._store(idea)

    def _follow(self, study: Study, index: int) -> None:
        series = study.series
        row = (series.open, series.high, series.low, series.close, series.volume)
        bar = Bar(as_datetime(series.ts[index]), *(float(column[index]) for column in row))
        for trade in self.trades[series.symbol]:
            if not trade.open:
                continue
            seen = trade.signal.progress.last_ts or trade.signal.bar_ts
            tenth = CALENDAR.session_after(trade.signal.asset_class, seen, 10)
            if bar.ts.date() > tenth.date():
                trade.signal, _ = without_data(trade.signal, tenth)
                continue
            trail = float(study.trail(1 if trade.signal.direction is Direction.LONG else -1)[index])
            trade.signal, _ = step(trade.signal, bar, trail)

    def _starved(self, studies: Mapping[str, Study], end: dt.datetime) -> None:
        for symbol in studies:
            for trade in self.trades[symbol]:
                seen = trade.signal.progress.last_ts or trade.signal.bar_ts
                tenth = CALENDAR.session_after(trade.signal.asset_class, seen, 10)
                known = CALENDAR.known_at(trade.signal.asset_class, DAILY, np.array([as_ts64(tenth)]))[0]
                if trade.open and known <= as_ts64(end):
                    trade.signal, _ = without_data(trade.signal, tenth)

    def _idea(self, study: Study, found: Detection, hits: Mapping[tuple[str, int], list[Detection]]) -> Idea:
        context = fresh_contexts(study, CATALOGUE, found.index)[found.direction]
        conviction = Conviction.HIGH if context else Conviction.NORMAL
        refused = [*self._quality(study, found, conviction)]
        instrument, index = Instrument.of(found.symbol), found.index
        if found.direction is Direction.SHORT and instrument.asset_class is AssetClass.CRYPTO:
            refused.append(("not_shortable", None, None))
        if {other.direction for other in hits[found.symbol, index]} == set(Direction):
            refused.append(("conflict", None, None))
        real = [trade for trade in self.trades[found.symbol] if not trade.refused]
        if any(trade.open for trade in real):
            refused.append(("slot", None, None))
        blocked = int(np.ceil(self.strategy.cooldown_hours / 24))
        for trade in real:
            if trade.open:
                continue
            closed_at = trade.signal.progress.closed_at
            assert closed_at is not None
            since = [ts for ts in study.series.ts[: index + 1] if as_datetime(ts) > closed_at]
            fills = trade.signal.progress.fills
            last = fills[-1].price if fills else trade.signal.plan.entry
            moved = abs(float(study.series.close[index]) - last) / last * 100
            if len(since) <= blocked and moved < self.strategy.cooldown_escape_pct:
                refused.append(("cooldown", len(since), blocked))
                break
        return Idea(found, study, conviction, context, refused)

    def _quality(
        self, study: Study, found: Detection, conviction: Conviction
    ) -> Iterator[tuple[str, float | None, float | None]]:
        high, long, t = conviction is Conviction.HIGH, found.direction is Direction.LONG, found.index
        volume, rsi, adx = (float(values[t]) for values in (study.volume_ratio(), study.rsi(), study.adx()))
        need = 1.3 if high else 1.5
        if not volume >= need:
            yield "volume", None if np.isnan(volume) else volume, need
        if not (rsi <= 70 if long else rsi >= 30):
            yield "rsi", None if np.isnan(rsi) else rsi, 70 if long else 30
        need = 1.2 if high else 1.5
        reward = abs(found.targets[1] - found.entry) / abs(found.entry - found.stop)
        if reward < need:
            yield "reward_to_risk", reward, need
        away = (found.entry - found.stop if long else found.stop - found.entry) / found.atr
        if away < 0.5:
            yield "bad_stop", away, 0.5
        if away > 4:
            yield "bad_stop", away, 4
        if found.family is Family.CHART:
            line = found.neckline
            if line is None or not (found.entry > line if long else found.entry < line):
                yield "neckline", found.entry, line
            need = 20 if high else 25
            if any(word in found.detector for word in ("flag", "pennant", "channel")) and not adx >= need:
                yield "adx", None if np.isnan(adx) else adx, need

    def _store(self, idea: Idea) -> None:
        found, kind = idea.found, Instrument.of(idea.found.symbol).asset_class
        plan = Plan(
            direction=found.direction,
            entry=found.entry,
            stop=found.stop,
            targets=found.targets,
            invalidation=found.invalidation,
            cost_rate=0.0025 if kind is AssetClass.CRYPTO else 0.0,
        )
        name = self.strategy.name
        signal = Signal(
            signal_id=signal_id(name, found.symbol, DAILY, found.ts, found.detector, found.direction),
            symbol=found.symbol,
            asset_class=kind,
            timeframe=DAILY,
            strategy=name,
            strategy_version="",
            run_id="",
            detector=found.detector,
            family=found.family,
            conviction=idea.conviction,
            bar_ts=found.ts,
            plan=plan,
            valid_until=found.ts,
            created_at=found.ts,
            confirmed_by=idea.confirmed_by,
            context=idea.context,
        )
        assert signal.signal_id not in {trade.signal.signal_id for trade in self.trades[found.symbol]}
        self.trades[found.symbol].append(Trade(signal, idea.refused))


def batch(stage: Stage, store: Store) -> Truth:
    marks = store.watermarks(stage.strategy.name, "1Day")
    end = stage.moments()[-1]
    wanted = [Wanted(Instrument.of(symbol), marks[symbol].anchor_ts) for symbol in stage.symbols]
    history = stage.source().history(wanted, DAILY, end)
    return Batch(stage.strategy, marks).over(list(history.panel), end)


def in_one_go(stage: Stage, store: Store) -> Backtest:
    """The backtest of the bars that the last of the runs has, from their anchors on."""
    marks = store.watermarks(stage.strategy.name, "1Day")
    wanted = [Wanted(Instrument.of(symbol), marks[symbol].anchor_ts) for symbol in stage.symbols]
    history = stage.source().history(wanted, DAILY, stage.moments()[-1])
    since = np.datetime64(stage.first, "us")
    return backtest(history.panel, Test(stage.strategy, CATALOGUE, CALENDAR, since=since))


# ------------------------------------------------------------------- the proofs


def same(first: Truth, second: Truth) -> None:
    """Equal, or the first difference, in few words."""
    assert sorted(first) == sorted(second), {
        "only first": [first[key].get("setup") for key in first.keys() - second.keys()][:5],
        "only second": [second[key].get("setup") for key in second.keys() - first.keys()][:5],
    }
    for key, mine in first.items():
        differing = {
            name: (mine[name], second[key][name]) for name in mine if mine[name] != second[key][name]
        }
        assert not differing, (key, mine.get("setup"), differing)


@pytest.fixture(params=["demo", "dev"])
def stage(request: pytest.FixtureRequest) -> Stage:
    made: Stage = request.getfixturevalue(request.param)
    return made


def test_day_by_day_late_and_batch_agree(stage: Stage, tmp_path: Path) -> None:
    """The replay, one single late run, runs at odd times, the batch and the backtest: the same signals and
    outcomes."""
    moments = stage.moments()
    with stage.store(tmp_path / "daily") as daily:
        origin = batch(stage, daily)
        tested = in_one_go(stage, daily)
        total = stage.run(daily, moments)
        truth, brief = stored(daily), condensed(daily)
        found = compare(daily.signals(), tested)
    kinds = {bool(one["failed_gates"]) for one in truth.values()}
    assert kinds == {True, False}, "these bars prove too little"
    assert total.signals > 10
    reasons = {one["market_exit_reason"] for one in truth.values()}
    assert {"target_3", "stop", "break_even"} <= reasons, "these bars prove too little"
    with stage.store(tmp_path / "late") as late:
        stage.run(late, moments[-1:])
        same(stored(late), truth)
    with stage.store(tmp_path / "odd") as odd:
        rng = np.random.default_rng(5)
        some = sorted(rng.choice(len(moments), 25, replace=False).tolist())
        stage.run(odd, [*(moments[place] for place in some if place < len(moments) - 1), moments[-1]])
        same(stored(odd), truth)
    same(origin, brief)
    assert found.parting is None, found.parting.words
    assert (found.announced, found.shadows) == (total.signals, total.shadow_signals)


def test_two_replays_are_byte_identical(demo: Stage, tmp_path: Path) -> None:
    """Replayed twice, `signals list` as JSON is the same to the byte."""
    texts = []
    for name in ("one", "two"):
        with demo.store(tmp_path / name) as store:
            demo.run(store, demo.moments()[:120])
            texts.append("\n".join(json.dumps(signal_view(signal)) for signal in store.signals()))
    assert texts[0] == texts[1]
    assert texts[0].count("\n") > 5


def test_the_batch_would_notice(demo: Stage, tmp_path: Path) -> None:
    """A batch under other rules disagrees: the proof above can fail."""
    short = replace(demo, last=demo.first + 120 * DAY)
    with demo.store(tmp_path / "daily") as daily:
        short.run(daily, short.moments())
        brief = condensed(daily)
        with demo.store(tmp_path / "other") as other:
            changed = Strategy(name="demo", cooldown_hours=480.0, max_announcements=10)
            different = batch(replace(short, strategy=changed), _Marks(other))  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        same(different, brief)


class _Marks:
    def __init__(self, store: Store) -> None:
        self._store = store

    def watermarks(self, _strategy: str, timeframe: str) -> dict[str, Watermark]:
        return self._store.watermarks("demo", timeframe)
