"""The live engine, replayed close by close over real bars, and the backtest of the same bars agree."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Floats, Panel, Series
from crypto_signals.analysis.study import Study
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS, SAMPLE_FILES
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.strategy import Costs, GateLimits, Gates, Strategy
from crypto_signals.domain.vocabulary import EntryType
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.account import trade
from crypto_signals.research.backtest import Backtest, Test, backtest
from crypto_signals.research.live import live
from crypto_signals.research.outcomes import Track, rules_of
from crypto_signals.research.parity import compare
from crypto_signals.research.portfolio import Examined, choose

Stored = Callable[[Strategy], list[Signal]]

CALENDAR = MarketCalendar()
SYMBOLS = ("BTC/USD", "ETH/USD", "LTC/USD", "SPY", "TSLA")
LAST = np.datetime64("2018-12-31", "us")
SINCE = np.datetime64("2018-08-15", "us")
OPEN_HANDED = Gates(normal=GateLimits(volume_ratio=0.8, rsi=90, reward_to_risk=0.5, adx=5))
STRATEGIES = {
    "default": Strategy(),
    "tight": Strategy(max_announcements=1, cooldown_hours=100, cooldown_escape_pct=5, gates=OPEN_HANDED),
    "limit": Strategy(entry=EntryType.LIMIT, cooldown_scope="PATTERN", gates=OPEN_HANDED),
    "stop": Strategy(
        entry=EntryType.STOP, max_bars=9, fractions=(0.1, 0.2, 0.7), costs=Costs(slippage_bp=7.3)
    ),
    "named": Strategy(triggers=("doji", "double_bottom", "gartley_bullish", "hammer"), gates=OPEN_HANDED),
}


@pytest.fixture(scope="module")
def bars() -> list[Series]:
    """The bundled bars of the demo, 500 of each before the time that is tested."""
    panel = file_history([SAMPLE_BARS / name for name in SAMPLE_FILES], "1Day", SYMBOLS).panel
    return [_between(series, int(np.searchsorted(series.ts, SINCE)) - 500, LAST) for series in panel]


@pytest.fixture(scope="module")
def stored(bars: list[Series]) -> Stored:
    """What live stores over these bars, by strategy; each is replayed once."""
    return cache(lambda strategy: live(Panel.of(bars), _test(strategy)))


def _between(series: Series, first: int, last: np.datetime64) -> Series:
    return series[max(0, first) : int(np.searchsorted(series.ts, last, side="right"))]


def _test(strategy: Strategy) -> Test:
    return Test(strategy, CATALOGUE, CALENDAR, since=SINCE)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
def test_day_by_day_and_backtest_agree(bars: list[Series], stored: Stored, strategy: Strategy) -> None:
    """Signals, shadows, gates, levels, fills and results, bit for bit, under several rules."""
    found = compare(stored(strategy), backtest(Panel.of(bars), _test(strategy)))
    assert found.parting is None, found.parting.words
    assert found.shadows > 10
    assert found.closed > 10


@pytest.mark.parametrize("sessions", [9, 10, 11])
def test_a_symbol_whose_bars_end_is_ended_on_the_same_day(bars: list[Series], sessions: int) -> None:
    """Ten sessions without a bar end what is open as soon as the tenth has closed, not a day later."""
    crypto = [series for series in bars if "/" in series.symbol]
    gone = LAST - np.timedelta64(sessions, "D")
    ending = [_between(series, 0, gone if series.symbol == "ETH/USD" else LAST) for series in crypto]
    panel, test = Panel.of(ending), _test(STRATEGIES["tight"])
    signals, tested = live(panel, test), backtest(panel, test)
    found = compare(signals, tested)
    assert found.parting is None, found.parting.words
    reasons = Counter(s.progress.exit_reason for s in signals if s.symbol == "ETH/USD")
    assert (reasons["no_data"] > 0) == (sessions >= 10)  # type: ignore[index]  # a StrEnum


def test_a_pause_and_a_late_beginning(bars: list[Series]) -> None:
    """A symbol that pauses for weeks and comes back, and one that begins within the time that is tested."""
    holed = [_without(series, "2018-10-01", "2018-10-25") for series in bars[:2]]
    late = bars[2][int(np.searchsorted(bars[2].ts, SINCE)) + 10 :]
    panel, test = Panel.of([*holed, late, *bars[3:]]), _test(STRATEGIES["tight"])
    found = compare(live(panel, test), backtest(panel, test))
    assert found.parting is None, found.parting.words


def _without(series: Series, first: str, last: str) -> Series:
    keep = (series.ts < np.datetime64(first)) | (series.ts > np.datetime64(last))
    rows = (series.open, series.high, series.low, series.close)
    opened, high, low, close = (column[keep] for column in rows)
    return Series.of(series.symbol, series.ts[keep], (opened, high, low, close), series.volume[keep])


# ------------------------------------------------------------------- it can fail


class _Ahead(Study):
    """Knows the next bar's trail a bar early."""

    def trail(self, side: int) -> Floats:
        return np.append(super().trail(side)[1:], np.nan)


def _with_outcomes_ahead(one: Examined, strategy: Strategy) -> Examined:
    track = Track.of(_Ahead(one.series), one.instrument.asset_class, CALENDAR, one.known_at[-1])
    return replace(one, outcomes=track.outcomes(one.setups.plans, rules_of(strategy)))


def _chosen_again(honest: Backtest, examined: list[Examined], strategy: Strategy) -> Backtest:
    choices = choose(examined, CATALOGUE, strategy)
    return Backtest(honest.test, examined, choices, trade(examined, choices, honest.test.terms))


def test_outcomes_that_see_the_next_bar_are_found_out(bars: list[Series], stored: Stored) -> None:
    """A trail of the next bar: the first trade that it led elsewhere is named, with the field."""
    strategy = STRATEGIES["default"]
    honest = backtest(Panel.of(bars), _test(strategy))
    examined = [_with_outcomes_ahead(one, strategy) for one in honest.examined]
    parting = compare(stored(strategy), _chosen_again(honest, examined, strategy)).parting
    assert parting is not None
    assert parting.field in {"exit_ts", "exit_reason", "fills"}
    _, symbol, detector = parting.key
    assert symbol in SYMBOLS
    assert parting.words.startswith(f"{detector}, {symbol} bar 2018-")


@pytest.mark.parametrize("forgotten", [{"cooldown_hours": 0}, {"max_announcements": 10}], ids=str)
def test_other_rules_between_signals_are_found_out(
    bars: list[Series], stored: Stored, forgotten: dict[str, object]
) -> None:
    """A portfolio without its cool-down, or its budget, opens what live refuses."""
    rules = STRATEGIES["tight"]
    honest = backtest(Panel.of(bars), _test(rules))
    lenient = _chosen_again(honest, list(honest.examined), rules.model_copy(update=forgotten))
    parting = compare(stored(rules), lenient).parting
    assert parting is not None
    assert parting.field == "failed_gates"


def test_one_signal_less_is_found_out(bars: list[Series], stored: Stored) -> None:
    """What only one of the two has is named, too."""
    strategy = STRATEGIES["default"]
    parting = compare(stored(strategy)[1:], backtest(Panel.of(bars), _test(strategy))).parting
    assert parting is not None
    assert (parting.field, parting.live, parting.backtest) == ("stored", False, True)
