"""A backtest in figures: what the command prints as JSON, and what the page and the tables are made of."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crypto_signals.analysis.panel import Ints, as_datetime
from crypto_signals.engine.views import iso
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.report import results
from crypto_signals.research.report.gates import GateBill, gate_bills, refused_alone
from crypto_signals.research.report.intervals import Interval, mean_r_intervals
from crypto_signals.research.report.performance import Performance, performance_of
from crypto_signals.research.report.results import Group, Results, results_of
from crypto_signals.research.trade_table import TradeTable

Json = dict[str, Any]
Grouping = Callable[[TradeTable, Ints], list[Group]]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that was measured. ``total`` and the groups are of the announced signals: all of them by
    detector and conviction, those that ended by regime, exit reason, year and month."""

    result: Backtest
    table: TradeTable
    total: Results
    interval: Interval | None
    performance: Performance
    detectors: Sequence[tuple[Group, Results, Interval | None]]
    gates: Sequence[GateBill]

    def groups(self, grouping: Grouping, *, of_ended: bool = True) -> list[tuple[Group, Results]]:
        """The announced signals, or those of them that ended, in groups."""
        rows = results.ended(self.table) if of_ended else results.announced(self.table)
        return [(group, results_of(self.table, group.rows)) for group in grouping(self.table, rows)]

    @property
    def bars(self) -> int:
        """How many bars were tested, of all symbols."""
        return sum(self._tested())

    @property
    def symbols(self) -> int:
        """Of how many symbols there were bars to test."""
        return sum(bars > 0 for bars in self._tested())

    def _tested(self) -> list[int]:
        since, columns = self.result.test.since, [one.series.ts for one in self.result.examined]
        return [len(ts) if since is None else int(np.count_nonzero(ts >= since)) for ts in columns]


def report_of(result: Backtest, table: TradeTable) -> Report:
    """Measures a backtest whose series hold at least one tested bar."""
    rows = results.announced(table)
    groups = results.by_detector(table, rows)
    asked = [rows, *(group.rows for group in groups), *refused_alone(table).values()]
    whole, *each = mean_r_intervals(result, table, asked)
    of_detectors, of_gates = each[: len(groups)], each[len(groups) :]
    return Report(
        result,
        table,
        results_of(table, rows),
        whole,
        performance_of(result),
        [
            (group, results_of(table, group.rows), interval)
            for group, interval in zip(groups, of_detectors, strict=True)
        ],
        gate_bills(table, of_gates),
    )


def as_json(report: Report) -> Json:
    """The figures under the names of the contract; what is not known is None, nothing is NaN."""
    test, total, performance = report.result.test, report.total, report.performance
    account = report.result.account
    return {
        "strategy": test.strategy.name,
        "strategy_version": test.strategy.version(test.catalogue.fingerprint),
        "timeframe": test.timeframe.name,
        "from": iso(as_datetime(performance.ts[0])),
        "to": iso(as_datetime(performance.ts[-1])),
        "symbols": report.symbols,
        "bars": report.bars,
        "signals": total.signals,
        "shadow_signals": len(report.table) - total.signals,
        "not_entered": total.not_entered,
        **_figures(total),
        **_bounds(report.interval),
        "best_r": total.best_r,
        "worst_r": total.worst_r,
        "ambiguous": total.ambiguous,
        "drilled": total.drilled,
        "fees_r": total.fees_r,
        "capital_usd": performance.capital_usd,
        "final_worth_usd": performance.final_worth_usd,
        "return_pct": performance.return_pct,
        "max_drawdown_pct": performance.max_drawdown_pct,
        "cagr_pct": performance.cagr_pct,
        "sharpe": performance.sharpe,
        "exposure_pct": performance.exposure_pct,
        "taken": len(account.size),
        "left_out": dict(account.left_out),
        "detectors": [_detector(*row) for row in report.detectors],
        "years": _years(report),
        "regimes": _named(report, results.by_regime, ("trend", "volatility")),
        "exit_reasons": _named(report, results.by_exit_reason, ("exit_reason",)),
        "convictions": _named(report, results.by_conviction, ("conviction",), of_ended=False),
        "gates": [_gate(bill) for bill in report.gates],
    }


def nothing_traded(report: Report) -> list[str]:
    """Why no trade ended, in a sentence; nothing where one did."""
    if report.total.closed:
        return []
    if not report.total.signals:
        return [f"the strategy opened nothing on these bars: {_nothing_opened(report)}"]
    if not report.total.open:
        return [f"no trade ended on these bars: {_counted(report.total.signals, 'signal')} found no entry"]
    return [f"no trade has ended on these bars yet: {_counted(report.total.open, 'signal')} still open"]


def _nothing_opened(report: Report) -> str:
    test = report.result.test
    found = sum(len(one.setups) for one in report.result.examined)
    if not found:
        opening = test.strategy.triggers
        named = "none of its triggers" if opening is None else f"none of {', '.join(opening)}"
        return f"{named} was found on {_counted(report.bars, 'bar')}"
    refusals = Counter(gate for gates in report.table.failed_gates for gate in gates)
    most = ", ".join(f"{gate} ({count})" for gate, count in refusals.most_common(3))
    return f"{_counted(len(report.table), 'setup')} refused, most by {most}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _figures(found: Results) -> Json:
    return {
        "closed": found.closed,
        "open": found.open,
        "hit_rate": found.hit_rate,
        "mean_r": found.mean_r,
        "total_r": found.total_r,
        "profit_factor": found.profit_factor,
    }


def _bounds(interval: Interval | None) -> Json:
    lo, hi = interval or (None, None)
    return {"mean_r_lo": lo, "mean_r_hi": hi}


def _detector(group: Group, found: Results, interval: Interval | None) -> Json:
    keys = dict(zip(("detector", "family", "direction"), group.key, strict=True))
    return {**keys, "signals": found.signals, **_figures(found), **_bounds(interval)}


def _named(report: Report, grouping: Grouping, names: Sequence[str], *, of_ended: bool = True) -> list[Json]:
    return [
        {**dict(zip(names, group.key, strict=True)), **_figures(found)}
        for group, found in report.groups(grouping, of_ended=of_ended)
    ]


def _years(report: Report) -> list[Json]:
    """Every year with bars: the trades that ended in it, and what the account gained."""
    found = {group.key[0]: ended for group, ended in report.groups(results.by_year)}
    nothing = results_of(report.table, np.empty(0, np.int64))
    gains: Mapping[str, float] = report.performance.gains_usd("Y")
    return [
        {"year": int(year), **_figures(found.get(year, nothing)), "gain_usd": gain}
        for year, gain in gains.items()
    ]


def _gate(bill: GateBill) -> Json:
    saved = bill.saved_interval or (None, None)
    return {
        "gate": bill.gate,
        "refused": bill.refused,
        "refused_alone": bill.alone,
        "closed": bill.closed,
        "mean_r": bill.mean_r,
        **_bounds(bill.interval),
        "saved_r": bill.saved_r,
        "saved_r_lo": saved[0],
        "saved_r_hi": saved[1],
    }
