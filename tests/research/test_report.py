"""The figures of a backtest's report, against the same ones computed another way."""

import json
import math
import statistics
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Panel, as_ts64
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.events import EventType
from crypto_signals.domain.strategy import GateLimits, Gates, Strategy
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Backtest, Test, backtest
from crypto_signals.research.report.performance import Performance
from crypto_signals.research.report.summary import Report, as_json, nothing_traded, report_of
from crypto_signals.research.stories import story
from crypto_signals.research.trade_table import plain_columns, trade_table

TEST = Test(Strategy(), CATALOGUE, MarketCalendar(), as_ts64(datetime(2016, 1, 1, tzinfo=UTC)))
UNREACHABLE = Gates(normal=GateLimits(volume_ratio=1e9), high=GateLimits(volume_ratio=1e9))


def measured(panel: Panel, test: Test = TEST) -> Report:
    result = backtest(panel, test)
    return report_of(result, trade_table(result))


@pytest.fixture(scope="module")
def panel() -> Panel:
    return file_history(
        [SAMPLE_BARS / name for name in ("crypto_daily.parquet", "equity_daily.parquet")], "1Day"
    ).panel


@pytest.fixture(scope="module")
def report(panel: Panel) -> Report:
    return measured(panel)


@pytest.fixture(scope="module")
def rows(report: Report) -> list[dict[str, Any]]:
    """The trades as rows, as one who reads the trades file has them."""
    columns = {name: list(column) for name, column in plain_columns(report.table).items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def account(worth: list[float], first: str = "2018-01-01", exposure: float = 0.5) -> Performance:
    """Daily worths of an account of 100 USD."""
    values = np.array(worth)
    peak = np.maximum.accumulate(np.append(100.0, values))[1:]
    ts = (np.datetime64(first, "D") + np.arange(len(worth))).astype("datetime64[us]")
    return Performance(100.0, ts, values, values / peak - 1, np.full(len(worth), exposure))


def test_the_totals_are_those_of_the_trades(report: Report, rows: list[dict[str, Any]]) -> None:
    """Mean, sum, profit factor, hits and counts, over the closed trades that no gate refused."""
    told = [row for row in rows if not row["shadow"]]
    r = [row["r"] for row in told if math.isfinite(row["r"])]
    found = as_json(report)
    assert found["signals"] == len(told)
    assert found["closed"] == len(r) > 30
    assert found["open"] + found["not_entered"] == len(told) - len(r)
    assert found["not_entered"] == sum(row["exit_reason"] in ("missed", "no_entry") for row in told)
    assert math.isclose(found["mean_r"], statistics.fmean(r))
    assert math.isclose(found["total_r"], math.fsum(r))
    assert (found["best_r"], found["worst_r"]) == (max(r), min(r))
    lost = -math.fsum(x for x in r if x < 0)
    assert math.isclose(found["profit_factor"], math.fsum(x for x in r if x > 0) / lost)
    assert found["mean_r_lo"] < found["mean_r"] < found["mean_r_hi"]


def test_groups_add_up_to_the_whole(report: Report) -> None:
    """Detectors, exits, convictions, regimes and years: each closed trade stands once in each of them."""
    found = as_json(report)
    for name in ("detectors", "exit_reasons", "convictions", "regimes", "years"):
        assert sum(row["closed"] for row in found[name]) == found["closed"], name
        assert math.isclose(math.fsum(row["total_r"] for row in found[name]), found["total_r"]), name


def test_a_gate_saved_what_it_alone_refused(report: Report, rows: list[dict[str, Any]]) -> None:
    """Minus the sum of R over closed shadows whose only failed gate it is; one of two gates saved nothing."""
    alone: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if len(row["failed_gates"]) == 1 and math.isfinite(row["r"]):
            alone[row["failed_gates"][0]].append(row["r"])
    gates = {row["gate"]: row for row in as_json(report)["gates"]}
    assert alone.keys() <= gates.keys() == {gate for row in rows for gate in row["failed_gates"]}
    for name, gate in gates.items():
        assert gate["closed"] == len(alone[name])
        assert math.isclose(gate["saved_r"], -math.fsum(alone[name]), abs_tol=1e-9)
        assert gate["refused"] == sum(name in row["failed_gates"] for row in rows)
        if gate["mean_r_lo"] is not None:
            assert gate["saved_r_lo"] <= gate["saved_r"] <= gate["saved_r_hi"]
            assert math.isclose(gate["saved_r_lo"], -gate["closed"] * gate["mean_r_hi"])


def test_the_account_gains_what_years_and_months_say(report: Report) -> None:
    """Gains of all years, and of all months, lead from the capital to the final worth."""
    performance = report.performance
    for unit in ("Y", "M"):
        gained = math.fsum(performance.gains_usd(unit).values())
        assert math.isclose(performance.capital_usd + gained, performance.final_worth_usd)
    assert as_json(report)["from"] == "2016-01-01T00:00:00Z"
    assert account([101.0, 99.0], "2017-12-31").gains_usd("Y") == {"2017": 1.0, "2018": -2.0}


def test_profits_explain_the_account(report: Report) -> None:
    """What trades earned in USD, and what the open rest of others would bring at its last close, is what the
    account gained."""
    table, result = report.table, report.result
    earned = math.fsum(table["profit_usd"][table["size"] > 0])
    rest = 0.0
    for row in range(len(table)):
        if table["size"][row] > 0 and not table.exit_reason[row]:
            last = result.examined[result.choices[row].series].series.close[-1]
            left = 1 - sum(result.test.strategy.fractions[: table["targets_hit"][row]])
            side = 1 if table.direction[row] == "long" else -1
            rest += left * table["size"][row] * side * (last - table["entry_fill"][row])
    gained = report.performance.final_worth_usd - report.performance.capital_usd
    assert math.isclose(earned + rest, gained, abs_tol=1e-6)


def test_idle_time_counts(panel: Panel) -> None:
    """The account is measured from the first tested bar on, not from the first trade: bars before that trade
    are days without change, and without exposure."""
    report = measured(panel)
    performance, first = report.performance, report.result.account.ts[0]
    before = performance.ts < first
    assert before.sum() > 0
    assert (performance.worth_usd[before] == performance.capital_usd).all()
    assert not performance.exposure[before].any()
    assert performance.ts[0] == TEST.since


def test_drawdown_is_measured_from_the_best_so_far() -> None:
    """Also from the capital itself, when the account was never above it."""
    assert math.isclose(account([110, 88, 99, 120, 90]).max_drawdown_pct, 25.0)
    assert math.isclose(account([95, 97, 99]).max_drawdown_pct, 5.0)
    assert str(account([100, 100]).max_drawdown_pct) == "0.0"


def test_a_yearly_rate_compounds_to_the_final_worth() -> None:
    """Over two years; and there is none for less than 90 days, or when everything is lost."""
    two_years = account([100.0] * 730 + [121.0])
    rate = two_years.cagr_pct
    assert rate is not None
    assert math.isclose((1 + rate / 100) ** (731 / 365.25), 1.21)
    assert account([100.0] * 88 + [110.0]).cagr_pct is None
    assert account([100.0] * 100 + [0.0]).cagr_pct is None


def test_the_sharpe_ratio_is_that_of_daily_changes() -> None:
    """Mean over standard deviation, times the root of the days in a year: here a bar a day."""
    worth = [101.0, 100.0, 103.0, 102.0, 104.0]
    changes = [b / a - 1 for a, b in zip([100.0, *worth], worth, strict=False)]
    wanted = statistics.fmean(changes) / statistics.stdev(changes) * math.sqrt(365.25)
    found = account(worth).sharpe
    assert found is not None
    assert math.isclose(found, wanted)


def test_several_bars_a_day_make_one_daily_change() -> None:
    """Only the last worth of a day counts."""
    daily = account([101.0, 100.0, 103.0])
    ts = np.repeat(daily.ts, 2) + np.tile(np.array([0, 12], "timedelta64[h]"), 3)
    worth = np.array([500.0, 101.0, 7.0, 100.0, 90.0, 103.0])
    twice = replace(daily, ts=ts, worth_usd=worth)
    assert twice.sharpe == daily.sharpe


@pytest.mark.parametrize("worth", [[100.0], [100.0, 100.0, 100.0], [100.0, -5.0, -5.0]])
def test_there_is_no_sharpe_ratio_without_change(worth: list[float]) -> None:
    """Or with nothing left to change: None, and no division by zero."""
    assert account(worth).sharpe is None


def test_a_strategy_that_never_trades_is_told_why(panel: Panel) -> None:
    """Every figure is a number or None, and the sentence names the gate that refused most."""
    report = measured(panel, replace(TEST, strategy=Strategy(gates=UNREACHABLE)))
    found = as_json(report)
    json.dumps(found, allow_nan=False)
    assert (found["signals"], found["closed"], found["mean_r"]) == (0, 0, None)
    assert found["final_worth_usd"] == found["capital_usd"]
    (said,) = nothing_traded(report)
    assert "opened nothing" in said
    assert "most by volume" in said


def test_a_strategy_without_a_trigger_is_told_so(panel: Panel) -> None:
    """Nothing fired that may open anything: the sentence names what was looked for."""
    bars = Panel.of(series[:60] for series in panel)
    nothing = measured(bars, replace(TEST, strategy=Strategy(triggers=("bull_flag",)), since=None))
    (said,) = nothing_traded(nothing)
    assert "none of bull_flag was found" in said
    json.dumps(as_json(nothing), allow_nan=False)


def test_no_figure_is_nan(report: Report) -> None:
    """JSON has no NaN, and neither have we."""
    json.dumps(as_json(report), allow_nan=False)


def told_rows(result: Backtest) -> list[int]:
    return [row for row, choice in enumerate(result.choices) if not choice.is_shadow]


def test_a_story_ends_as_its_trade_did(report: Report) -> None:
    """The signal that lives through the events has the id, levels, entry and result of the table's row, and
    ended for the same reason."""
    result, table = report.result, report.table
    for row in told_rows(result)[::3]:
        signal, events = story(result, result.choices[row])
        assert (signal.symbol, signal.detector) == (table.symbol[row], table.detector[row])
        assert not signal.is_shadow
        assert signal.confirmed_by == table.confirmed_by[row]
        assert signal.plan.stop == table["stop"][row]
        assert list(signal.plan.targets) == table["targets"][row].tolist()
        assert (signal.exit_reason or "") == table.exit_reason[row]
        assert signal.progress.ambiguous == table["ambiguous"][row]
        result_r = signal.progress.result_r
        assert np.array_equal(np.nan if result_r is None else result_r, table["r"][row], equal_nan=True)
        assert [event.type for event in events[:2]] == [EventType.CREATED, EventType.ANNOUNCED]
