"""The tables of the page."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from markupsafe import Markup

from crypto_signals.analysis.panel import Times
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.wording import detector_words, one_line
from crypto_signals.research.report import results
from crypto_signals.research.report.cells import (
    NUMBER,
    Cell,
    Table,
    figure,
    gain,
    headings,
    number,
    share,
)
from crypto_signals.research.report.drawing import interval_bar
from crypto_signals.research.report.gates import GateBill
from crypto_signals.research.report.intervals import Interval
from crypto_signals.research.report.results import UNKNOWN, Results
from crypto_signals.research.report.summary import Grouping, Report

MOST_TRADES = 2_000
FEW = 30
"""Of fewer trades than these no interval is shown: it would look surer than it is."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RESULTS = ("|Trades", "|Hit", "|Mean R", "|Total R", "|Profit factor")
_TRENDS, _VOLATILITIES = ("up", "range", "down"), ("calm", "normal", "volatile")
GATE_WORDS = {
    "volume": "too little volume",
    "rsi": "RSI too far gone",
    "reward_to_risk": "target 2 too near",
    "bad_stop": "stop too near or too far",
    "neckline": "no close beyond the neckline",
    "adx": "trend too weak",
    "evidence": "measured odds too low, or none",
    "not_shortable": "cannot be sold short",
    "conflict": "opposite triggers on one bar",
    "slot": "another signal was still open",
    "cooldown": "too soon after the last one",
    "over_budget": "too many setups on one bar",
}
_EXITS = {
    "target_3": "target 3",
    "trail": "trailing stop",
    "stop": "stop",
    "break_even": "break-even stop",
    "tp1_lock": "stop at target 1",
    "structure": "pattern broke",
    "time": "time is up",
    "no_data": "no more bars",
    "missed": "missed",
    "no_entry": "not filled",
    "": "open",
}


def detectors(report: Report) -> Table:
    """Best first; those without a closed trade last."""
    rows = sorted(report.detectors, key=lambda row: (row[1].mean_r is None, -(row[1].total_r), row[0].key))
    return Table(
        headings("Detector", "Side", *_RESULTS[:3], "|90 % interval", *_RESULTS[3:]),
        [
            [
                Cell(detector_words(group.key[0])),
                Cell(group.key[2]),
                *_cells(found)[:3],
                Cell(interval_words(interval) if found.closed >= FEW else "too few", NUMBER),
                *_cells(found)[3:],
            ]
            for group, found, interval in rows
        ],
    )


def convictions(report: Report) -> Table:
    return _by(report, "Conviction", results.by_conviction, {})


def exits(report: Report) -> Table:
    return _by(report, "Ended by", results.by_exit_reason, _EXITS)


def _by(report: Report, name: str, grouping: Grouping, words: Mapping[str, str]) -> Table:
    groups = report.groups(grouping)
    return Table(
        headings(name, *_RESULTS),
        [[Cell(words.get(group.key[0], group.key[0])), *_cells(found)] for group, found in groups],
    )


def years(report: Report) -> Table:
    """Every year with bars, also one in which nothing ended."""
    ended = {group.key[0]: found for group, found in report.groups(results.by_year)}
    nothing = results.results_of(report.table, np.empty(0, np.int64))
    gains = report.performance.gains_usd("Y")
    return Table(
        headings("Year", *_RESULTS, "|Account, USD"),
        [[Cell(year), *_cells(ended.get(year, nothing)), gain(usd, 0)] for year, usd in gains.items()],
    )


def regimes(report: Report) -> Table:
    """Trend down the side, volatility along the top."""
    found = {group.key: cell for group, cell in report.groups(results.by_regime)}
    known = [name for name in (*_VOLATILITIES, UNKNOWN) if any(key[1] == name for key in found)]
    trends = [name for name in (*_TRENDS, UNKNOWN) if any(key[0] == name for key in found)]
    return Table(
        headings("Trend", *(f"|{name}" for name in known)),
        [
            [Cell(trend), *(_mean_of(found.get((trend, volatility))) for volatility in known)]
            for trend in trends
        ],
    )


def _mean_of(found: Results | None) -> Cell:
    if found is None:
        return Cell("", NUMBER)
    shown = gain(found.mean_r)
    return Cell(f"{shown.text} R × {found.closed:,}", shown.style)


def months(report: Report) -> Table:
    """A year a row, R above USD; the last column is the year's."""
    r = {group.key[0]: found.total_r for group, found in report.groups(results.by_month)}
    r |= {group.key[0]: found.total_r for group, found in report.groups(results.by_year)}
    usd = report.performance.gains_usd("M") | report.performance.gains_usd("Y")
    rows = []
    for year in report.performance.gains_usd("Y"):
        keys = [*(f"{year}-{month:02}" for month in range(1, 13)), year]
        rows.append([Cell(year), *(_month(r.get(key), usd.get(key)) for key in keys)])
    return Table(headings("Year", *(f"|{name}" for name in (*_MONTHS, "Year"))), rows)


def _month(r: float | None, usd: float | None) -> Cell:
    if usd is None:
        return Cell("", NUMBER)
    shown = Cell("", NUMBER) if r is None else gain(r, 1)
    return Cell(Markup("<b>{}</b><small>{}</small>").format(shown.text, gain(usd, 0).text), shown.style)


def gates(report: Report, *, drawn: bool = True) -> Table:
    """``drawn`` intervals are markup, the others text."""
    reach = max((_reach(bill) for bill in report.gates), default=0.0)
    return Table(
        headings(
            "Gate",
            "Refuses for",
            "|Refused",
            "|Alone",
            "|Closed",
            "|Their mean R",
            "90 % interval",
            "|Saved R",
        ),
        [
            [
                Cell(bill.gate),
                Cell(GATE_WORDS.get(bill.gate, "")),
                *(figure(count, 0) for count in (bill.refused, bill.alone, bill.closed)),
                gain(bill.mean_r),
                Cell(_bar(bill, reach) if drawn and bill.closed >= FEW else _around(bill)),
                Cell(_saved(bill), gain(bill.saved_r).style),
            ]
            for bill in report.gates
        ],
    )


def _reach(bill: GateBill) -> float:
    return max(map(abs, bill.interval)) if bill.interval and bill.closed >= FEW else 0.0


def _around(bill: GateBill) -> str:
    return interval_words(bill.interval) if bill.closed >= FEW else "too few"


def _bar(bill: GateBill, reach: float) -> str:
    if bill.interval is None or bill.mean_r is None:
        return ""
    label = interval_words(bill.interval)
    return Markup(  # noqa: S704 - drawn from numbers, its label is escaped there
        interval_bar(bill.interval.lo, bill.mean_r, bill.interval.hi, reach, label)
    )


def _saved(bill: GateBill) -> str:
    if not bill.closed:
        return number(None)
    around = bill.saved_interval if bill.closed >= FEW else None
    return number(bill.saved_r, 1, signed=True) + (f" ({interval_words(around, 1)})" if around else "")


def interval_words(interval: Interval | None, digits: int = 2) -> str:
    """
    >>> interval_words(Interval(-0.02, 0.14))
    '−0.02 to +0.14'
    """
    if interval is None:
        return number(None)
    return " to ".join(number(bound, digits, signed=True) for bound in interval)


def trades(report: Report, pages: Mapping[int, str]) -> Table:
    """The announced signals, newest first, at most `MOST_TRADES` of them; ``pages`` are the links to the
    charts of some, by their row."""
    rows = results.announced(report.table)[::-1][:MOST_TRADES]
    return Table(
        headings(
            *("Signal", "Symbol", "Side", "Setup", "Conviction", "Entry", "Exit", "|Bars", "Ended by", "|R"),
            *("|Best", "|Worst", "|USD"),
        ),
        list(_trades(report, rows.tolist(), pages)),
    )


def _trades(report: Report, rows: Iterable[int], pages: Mapping[int, str]) -> Iterator[list[Cell]]:
    table, timeframe = report.table, report.result.test.timeframe
    stamps = [_stamps(table[name], timeframe) for name in ("signal_ts", "entry_ts", "exit_ts")]
    columns = {name: table[name].tolist() for name in ("r", "mfe_r", "mae_r", "holding_bars", "size")}
    profit, ambiguous = table["profit_usd"].tolist(), table["ambiguous"].tolist()
    for row in rows:
        known = {name: _known(column[row]) for name, column in columns.items()}
        yield [
            Cell(stamps[0][row]),
            Cell(one_line(table.symbol[row]), "", pages.get(row, "")),
            Cell(table.direction[row]),
            Cell(detector_words(table.detector[row]), "", pages.get(row, "")),
            Cell(table.conviction[row].lower()),
            Cell(stamps[1][row]),
            Cell(stamps[2][row] if known["r"] is not None else ""),
            figure(known["holding_bars"] or None, 0),
            Cell(_EXITS[table.exit_reason[row]] + (", ambiguous bar" if ambiguous[row] else "")),
            gain(known["r"]),
            figure(known["mfe_r"]),
            figure(known["mae_r"]),
            gain(profit[row] if known["size"] else None, 0),
        ]


def _stamps(column: Times, timeframe: Timeframe) -> list[str]:
    """Days, or minutes; nothing for NaT."""
    unit = "D" if timeframe.is_daily else "m"
    return ["" if np.isnat(ts) else str(ts).replace("T", " ") for ts in column.astype(f"datetime64[{unit}]")]


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _cells(found: Results) -> list[Cell]:
    return [
        figure(found.closed, 0),
        share(found.hit_rate),
        gain(found.mean_r),
        gain(found.total_r if found.closed else None, 1),
        figure(found.profit_factor),
    ]
