"""What the audit asks of a backtest: of which bars, and what it says where something is wrong."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue
from crypto_signals.analysis.panel import Series
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.strategy import Strategy
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.audit import audit
from crypto_signals.research.backtest import backtest
from crypto_signals.research.backtest_audit import (
    CHECKS,
    Answer,
    Extent,
    Printed,
    Rules,
    judged_deterministic,
    judged_parity,
    lifecycle,
    parity,
    sampled,
    windows,
)  # fmt: skip
from crypto_signals.research.conformance import Plan
from crypto_signals.research.digest import digest
from crypto_signals.research.synthetic import walk

RULES = Rules(Strategy(), MarketCalendar())
NARROW = Extent(symbols=20, windows=3, bars=40, setups=50)


@pytest.fixture(scope="module")
def crypto() -> list[Series]:
    return list(file_history([SAMPLE_BARS / "crypto_daily.parquet"], "1Day").panel)


def _named(names: tuple[str, ...]) -> Catalogue:
    return Catalogue(CATALOGUE[name] for name in names)


def test_the_audit_asks_the_backtest_too() -> None:
    """Three rows more, which say how much was looked at; progress tells of them."""
    names = ("engulfing_bullish", "hammer", "double_bottom")
    told: list[str] = []
    checks = audit(
        [walk(1, 700, "A/USD"), walk(2, 500, "B/USD")],
        partial(_named, names),
        names,
        Plan(prefixes=5),
        rules=[RULES],
        workers=2,
        progress=lambda what, *_: told.append(what),
    )
    rows = {row.check: row for row in checks if row.subject == "backtest"}
    assert tuple(rows) == CHECKS
    assert all(row.passed for row in rows.values())
    assert "day by day" in rows["parity"].detail
    assert "kernel and lifecycle" in rows["lifecycle"].detail
    assert "two processes" in rows["deterministic"].detail
    assert told.count("backtest, part") == 2 + 2 + 2  # windows, hashes, series


def test_a_symbol_that_ended_long_ago_has_a_window_of_its_own(crypto: list[Series]) -> None:
    """The newest bars; and those around the end of each symbol, with ten sessions after it and more."""
    gone = crypto[1][:400]
    newest, older = windows([crypto[0], gone], NARROW)
    assert newest.panel.symbols == ("BTC/USD",)
    assert newest.panel.ts[-1] == crypto[0].ts[-1]
    assert int((newest.panel.ts >= newest.since).sum()) == 40
    assert older.panel.symbols == ("BTC/USD", "ETH/USD")
    assert older.since < gone.ts[-1] < older.panel["BTC/USD"].ts[-1]
    assert int((older.panel["BTC/USD"].ts > gone.ts[-1]).sum()) == 10


def test_history_before_a_window_is_as_long_as_live(crypto: list[Series]) -> None:
    """500 bars before the first that is tested, or all there are."""
    (window,) = windows(crypto[:1], NARROW)
    assert len(window.panel["BTC/USD"]) == 540
    (short,) = windows([crypto[0][:100]], NARROW)
    assert len(short.panel["BTC/USD"]) == 100


def test_a_sample_holds_the_first_to_end_and_the_last(crypto: list[Series]) -> None:
    """Evenly from those that are gone to those that go on; in the order of the panel."""
    many = [replace(crypto[0][: 900 - row], symbol=f"S{row}") for row in range(50)]
    some = sampled(many, 5)
    assert [series.symbol for series in some] == ["S0", "S13", "S25", "S37", "S49"]
    assert len(sampled(many, 100)) == 50
    assert sampled([many[0][:0]], 5) == []
    assert windows([], NARROW) == []


def test_what_differs_is_named_and_nothing_else_said() -> None:
    """The first fault of all pieces; what a detector raised counts as one."""
    good = Answer({"announced": 1, "shadow": 2, "closed": 2, "bars": 40})
    check = judged_parity("backtest", [good, Answer(good.seen, "hammer, A bar: r is 1"), Answer({}, "x")])
    assert (check.passed, check.detail) == (False, "hammer, A bar: r is 1")
    assert judged_parity("backtest", [good, "could not be made: no"]).detail == "could not be made: no"
    assert judged_parity("backtest", [good, good]).detail == (
        "2 announced and 4 shadow signals, 4 of them closed, are the same day by day and in one go; "
        "80 bars in 2 windows"
    )
    assert judged_parity("backtest", []).detail == "nothing opens on these bars"


def test_two_hashes_are_not_deterministic() -> None:
    """Both are shown, each with its number of processes."""
    same, other = Printed("aa", 7, 1), Printed("bb", 7, 2)
    assert judged_deterministic("backtest", [same, same, Printed("aa", 7, 2)]).passed
    check = judged_deterministic("backtest", [same, same, other])
    assert not check.passed
    assert "aa by 1, aa by 1, bb by 2" in check.detail


def test_a_hash_covers_trades_and_account() -> None:
    """The same again is the same; another outcome, another size, another gate is not."""
    panel = file_history([SAMPLE_BARS / "crypto_daily.parquet"], "1Day", ["BTC/USD"]).panel
    result = backtest(panel, RULES.test(CATALOGUE))
    assert digest(result) == digest(backtest(panel, RULES.test(CATALOGUE)))
    outcomes = result.examined[0].outcomes.copy()
    row = next(choice.row for choice in result.choices if np.isfinite(outcomes["r"][choice.row]))
    outcomes["r"][row] = np.nextafter(outcomes["r"][row], 9)
    examined = [replace(result.examined[0], outcomes=outcomes)]
    gates = [replace(result.choices[0], failed_gates=["volume"]), *result.choices[1:]]
    account = replace(result.account, worth_usd=result.account.worth_usd + 1)
    others = [{"examined": examined}, {"choices": gates}, {"account": account}]
    hashes = {digest(result), *(digest(replace(result, **other)) for other in others)}  # type: ignore[arg-type]
    assert len(hashes) == 4


def test_setups_are_walked_from_first_to_last(crypto: list[Series]) -> None:
    """At most as many as asked for, from the whole series."""
    now = crypto[0].ts[-1] + np.timedelta64(2, "D")
    few, all_ = (lifecycle(crypto[0], now, most, RULES, CATALOGUE) for most in (50, 10_000))
    assert (few.seen["setups"], few.fault) == (50, None)
    assert (all_.seen["setups"] > 300, all_.fault) == (True, None)


def test_a_window_of_real_bars_is_the_same_both_ways(crypto: list[Series]) -> None:
    """And it is not empty."""
    (window,) = windows(crypto, NARROW)
    answer = parity(window, RULES, CATALOGUE)
    assert answer.fault is None
    assert answer.seen["bars"] == 120
    assert answer.seen["shadow"] > 5
