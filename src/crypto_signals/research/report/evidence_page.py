"""Evidence as one HTML page, and as the tables of it."""

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.domain.wording import detector_words, signed, timeframe_words
from crypto_signals.research.evidence import LEAST_DATES, LEAST_TRADES, SIGNIFICANT, Findings
from crypto_signals.research.population import ENTRIES_A_TRADE, REACH_BARS
from crypto_signals.research.report.cells import NUMBER, Cell, Table, figure, gain, headings, number, share
from crypto_signals.research.report.drawing import interval_bar
from crypto_signals.research.report.templating import template
from crypto_signals.research.report.words import SURVIVORS

_VERDICTS = {Verdict.EDGE: "edge", Verdict.NO_EDGE: "no proven edge", Verdict.TOO_FEW: "too few"}
_KINDS = {AssetClass.CRYPTO: ("crypto pair", "crypto pairs"), AssetClass.EQUITY: ("stock", "stocks")}


def evidence_page(findings: Findings, strategy: Strategy, notes: Sequence[str] = ()) -> str:
    """``notes`` tell what was wrong with the bars."""
    rows = ranked(findings.rows)
    whole = [row for row in rows if row.conviction is None]
    enough = [row for row in whole if row.verdict is not Verdict.TOO_FEW]
    named = {(row.detector, row.asset_class) for row in enough}
    of_conviction = [r for r in rows if r.conviction and r.n and (r.detector, r.asset_class) in named]
    return template("evidence.html").render(
        subtitle=subtitle(findings),
        verdict=verdict(findings),
        notes=list(notes),
        measured=_measured(enough),
        few=_few([row for row in whole if row.n and row.verdict is Verdict.TOO_FEW]),
        convictions=_by_conviction(of_conviction),
        facts=list(facts(findings, strategy)),
        never=", ".join(sorted({detector_words(row.detector) for row in whole if not row.n})),
    )


def ranked(rows: Iterable[Evidence]) -> list[Evidence]:
    """The best first, by what they are worth beside their relatives."""
    return sorted(rows, key=lambda r: (-_or(r.rank_r, -9.0), -_or(r.mean_r, -9.0), r.detector, r.asset_class))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def subtitle(findings: Findings) -> str:
    """What was measured: how many instruments of which kind, from when to when."""
    spans = dict.fromkeys((r.asset_class, r.symbols, r.since, r.until, r.timeframe) for r in findings.rows)
    return " · ".join(
        f"{symbols} {_KINDS[kind][symbols != 1]}, {since:%Y-%m-%d} to {until:%Y-%m-%d}, "
        f"{timeframe_words(timeframe)} bars"
        for kind, symbols, since, until, timeframe in spans
    )


def verdict(findings: Findings) -> str:
    """The outcome in a sentence."""
    whole = [row for row in findings.rows if row.conviction is None]
    edges = [row for row in whole if row.verdict is Verdict.EDGE]
    traded = sum(row.n for row in whole)
    tried = f"{findings.tested} of {len(whole)} setups had enough of {traded:,} trades to be tested"
    if not findings.tested:
        return (
            f"Nothing can be said: none of {len(whole)} setups has enough of {traded:,} trades to be tested."
        )
    if not edges:
        return f"No setup shows a proven edge: {tried}, and none did better than chance."
    names = ", ".join(detector_words(row.detector) for row in edges)
    return f"Better than chance: {names}. {tried}."


def _measured(rows: Sequence[Evidence]) -> Table:
    names = (
        "Setup", "Side", "Of", "Verdict", "|Trades", "|Dates", "|Reached target 1", "|Mean R",
        "90 % interval", "|Random entries", "|p", "|p, all tested", "|Best, worst", "|Bars held",
        "|Profit factor",
    )  # fmt: skip
    reach = max((abs(bound) for row in rows for bound in _bounds(row)), default=1.0)
    return Table(headings(*names), [_row(row, reach) for row in rows])


def _row(row: Evidence, reach: float) -> list[Cell]:
    return [
        *_setup(row),
        Cell(_VERDICTS[row.verdict], "green" if row.verdict is Verdict.EDGE else ""),
        Cell(f"{row.n:,}", NUMBER),
        Cell(f"{row.dates:,}", NUMBER),
        _rate(row),
        gain(row.mean_r),
        Cell(_interval(row, reach)),
        gain(row.baseline_mean_r),
        figure(row.p_value, 3),
        figure(row.p_value_adjusted, 3),
        Cell(f"{number(row.mean_mfe_r, 1, signed=True)}, {number(row.mean_mae_r, 1)}", NUMBER),
        figure(row.mean_holding_bars, 1),
        figure(row.profit_factor),
    ]


def _setup(row: Evidence) -> list[Cell]:
    named = (detector_words(row.detector), row.direction.value, row.asset_class.value)
    return [Cell(text) for text in named]


def _few(rows: Sequence[Evidence]) -> Table:
    """Without intervals: they would look surer than they are."""
    names = ("Setup", "Side", "Of", "|Trades", "|Dates", "|Reached target 1", "|Mean R", "|Random entries")
    counted = [(row, (f"{row.n:,}", f"{row.dates:,}")) for row in rows]
    return Table(
        headings(*names),
        [
            [
                *_setup(row),
                *(Cell(count, NUMBER) for count in counts),
                share(row.hit_rate),
                gain(row.mean_r),
                gain(row.baseline_mean_r),
            ]
            for row, counts in counted
        ],
    )


def _rate(row: Evidence) -> Cell:
    if row.hit_rate_lo is None or row.hit_rate_hi is None:
        return share(row.hit_rate)
    low, high = 100 * row.hit_rate_lo, 100 * row.hit_rate_hi
    return Cell(f"{share(row.hit_rate).text} ({low:.0f}–{high:.0f})", NUMBER)


def _bounds(row: Evidence) -> tuple[float, ...]:
    return tuple(bound for bound in (row.mean_r_lo, row.mean_r_hi) if bound is not None)


def _interval(row: Evidence, reach: float) -> Markup:
    if row.mean_r is None or row.mean_r_lo is None or row.mean_r_hi is None:
        return Markup()
    said = f"{signed(row.mean_r_lo)} to {signed(row.mean_r_hi)}"
    bar = interval_bar(row.mean_r_lo, row.mean_r, row.mean_r_hi, reach, said)
    return Markup(f"{bar}<small>{said}</small>")  # noqa: S704 - drawn from numbers


def _by_conviction(rows: Sequence[Evidence]) -> Table:
    names = (
        "Setup",
        "Side",
        "Of",
        "Conviction",
        "|Trades",
        "|Reached target 1",
        "|Mean R",
        "|Random entries",
    )
    ordered = sorted(rows, key=lambda row: (row.detector, row.asset_class, row.conviction or ""))
    return Table(
        headings(*names),
        [
            [
                *_setup(row),
                Cell((row.conviction or "").lower()),
                Cell(f"{row.n:,}", NUMBER),
                share(row.hit_rate),
                gain(row.mean_r),
                gain(row.baseline_mean_r),
            ]
            for row in ordered
        ],
    )


def facts(findings: Findings, strategy: Strategy) -> Iterator[str]:
    """The method in a few sentences, and what to beware of."""
    costs, used = strategy.costs, findings.resampling
    trials = sum(row.conviction is None for row in findings.rows)
    yield (
        "Measured are all triggers that pass their quality gates, whatever else was open; of one detector on "
        "one instrument the next trade starts only after the last one has closed. Entries are at the next "
        "open, stops come before targets, gaps fill at the open, as in the live program. A hit is target 1 "
        "before any other exit."
    )
    yield (
        f"Results are net of costs a side: fee {costs.crypto_fee_bp:g} bp for crypto and "
        f"{costs.equity_fee_bp:g} bp for stocks, slippage {costs.slippage_bp:g} bp and "
        f"{costs.slippage_atr:g} ATR."
    )
    yield (
        f"Random entries: for each trade {ENTRIES_A_TRADE} on the same instrument and side, within "
        f"{REACH_BARS} bars, with the same distances in ATR, exits and costs. What they bring is what the "
        "market gave to everyone."
    )
    yield (
        f"Intervals are 90 %: whole days were drawn again {used.repetitions:,} times, all instruments "
        f"together, in blocks of {used.block_days:.0f} days on average. All {findings.tested} setups with "
        "enough trades were tested together for being better than random entries (Romano and Wolf's "
        f"step-down); {trials} were tried. An edge is claimed at an adjusted p of {SIGNIFICANT:g} or less "
        f"and an interval above zero, and never on fewer than {LEAST_TRADES} trades or {LEAST_DATES} dates."
    )
    yield SURVIVORS
