"""Writes ``docs/explanation/evidence.md``: the whole catalogue, measured on years on which nothing was tuned.

    python tools/make_evidence.py STOCKS.parquet CRYPTO.parquet

Stocks count from 2015 on, crypto from 2021 on.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.app.bars import file_history
from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.wording import detector_words, signed
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Test
from crypto_signals.research.evidence import Findings, gather
from crypto_signals.research.report.evidence_page import ranked, subtitle, verdict

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "evidence.md"
FROM = ("2015-01-01", "2021-01-01")
MEASURED = "<!-- measured -->"
WORDS = {Verdict.EDGE: "**edge**", Verdict.NO_EDGE: "none proven", Verdict.TOO_FEW: "too few"}
HEAD = "| setup | side | trades | dates | hit (90 %) | mean R (90 %) | random entries | p | p, all | edge |"


def main() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MEASURED)
    after = rest.partition(MEASURED)[2]
    parts = [
        "\n".join(table(measured(Path(path), since))) for path, since in zip(sys.argv[1:], FROM, strict=True)
    ]
    text = "\n\n".join(parts)
    PAGE.write_text(f"{before}{MEASURED}\n\n{text}\n\n{MEASURED}{after}", encoding="utf-8")


def measured(path: Path, since: str) -> Findings:
    test = Test(Strategy(), CATALOGUE, MarketCalendar(), np.datetime64(since, "us"))
    return gather(file_history([path], "1Day").panel, test)


def table(findings: Findings) -> Iterator[str]:
    """A section a market: what could be tested, then the rest in a line."""
    whole = [row for row in ranked(findings.rows) if row.conviction is None]
    yield f"### {subtitle(findings)}"
    yield ""
    yield verdict(findings)
    yield ""
    yield HEAD
    yield "|---|---|--:|--:|---|---|--:|--:|--:|---|"
    yield from map(line, (row for row in whole if row.verdict is not Verdict.TOO_FEW))
    yield ""
    yield f"Too few to say: {names(row for row in whole if row.n and row.verdict is Verdict.TOO_FEW)}."
    yield ""
    yield f"Never traded: {names(row for row in whole if not row.n)}."


def line(row: Evidence) -> str:
    hit = f"{row.hit_rate:.0%} ({row.hit_rate_lo:.0%} to {row.hit_rate_hi:.0%})"
    low, high, mean = (signed(value or 0.0) for value in (row.mean_r_lo, row.mean_r_hi, row.mean_r))
    return (
        f"| {detector_words(row.detector)} | {row.direction.value} | {row.n:,} | {row.dates:,} | {hit} "
        f"| {mean} ({low} to {high}) | {signed(row.baseline_mean_r or 0.0)} | {row.p_value:.3f} "
        f"| {row.p_value_adjusted:.3f} | {WORDS[row.verdict]} |"
    )


def names(rows: Iterable[Evidence]) -> str:
    said = [f"{detector_words(row.detector).lower()}{f' ({row.n})' if row.n else ''}" for row in rows]
    return ", ".join(sorted(said)) or "none"


if __name__ == "__main__":
    main()
