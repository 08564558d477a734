"""The report's page: whole, by itself, readable, and its drawings."""

import doctest
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import ModuleType
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Panel, as_ts64
from crypto_signals.app.backtesting import worth_drawing
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.strategy import GateLimits, Gates, Strategy
from crypto_signals.engine.gates import GATE_NAMES
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Test, backtest
from crypto_signals.research.report import cells, drawing, results, tables
from crypto_signals.research.report.page import page
from crypto_signals.research.report.summary import Report, report_of
from crypto_signals.research.trade_table import trade_table

TEST = Test(Strategy(), CATALOGUE, MarketCalendar(), as_ts64(datetime(2017, 1, 1, tzinfo=UTC)))
SECTIONS = (
    "The account",
    "Month by month",
    "Results in R",
    "By detector",
    "By year",
    "By regime",
    "By exit",
    "By conviction",
    "What each gate saved or cost",
    "How it was measured",
    "Trades",
)


class Outline(HTMLParser):
    """The words and links of a page; every tag that was opened must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src", "srcset"} and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def measured(test: Test) -> Report:
    names = ("crypto_daily.parquet", "equity_daily.parquet")
    result = backtest(file_history([SAMPLE_BARS / name for name in names], "1Day").panel, test)
    return report_of(result, trade_table(result))


@pytest.fixture(scope="module")
def report() -> Report:
    return measured(TEST)


def test_the_page_stands_by_itself(report: Report) -> None:
    """All sections; no link but to the pages of charts, nothing loaded, equal bytes for equal input."""
    row = worth_drawing(report.table, 1)[0]
    text = page(report, {row: "charts/x.html"})
    outline = Outline(text)
    for section in SECTIONS:
        assert section in outline.text
    assert set(outline.links) == {"charts/x.html"}
    assert outline.tags.count("script") == 1
    assert not re.search(r"https?://|url\(|@import", text)
    assert not re.search(r"\b(nan|inf)\b|NaN|Infinity", outline.text)
    assert "prefers-color-scheme: light" in text
    assert page(report, {row: "charts/x.html"}) == text


def test_the_page_says_what_was_found_and_what_to_beware_of(report: Report) -> None:
    """The verdict with its interval, ambiguous trades, costs, and the survivors among the symbols."""
    said = Outline(page(report, {}, ["a note on the bars"])).text
    assert "90 % interval" in said
    assert "fee crypto 25 bp, equity 0 bp" in said
    assert f"Ambiguous: in {report.total.ambiguous} trades" in said
    assert "delisted" in said
    assert "a note on the bars" in said


def test_every_gate_says_in_words_what_it_refuses() -> None:
    """Also one that these bars never met."""
    assert tables.GATE_WORDS.keys() == set(GATE_NAMES)


def test_every_trade_is_listed_newest_first(report: Report) -> None:
    """One row a signal that was announced."""
    listed = tables.trades(report, {})
    days = [row[0].text for row in listed.rows]
    assert len(days) == report.total.signals
    assert days == sorted(days, reverse=True)


def test_a_page_without_a_trade_says_why() -> None:
    """No figures, no curves of results, no NaN: a sentence, the gates, and how it was measured."""
    gates = Gates(normal=GateLimits(volume_ratio=1e9), high=GateLimits(volume_ratio=1e9))
    text = page(measured(replace(TEST, strategy=Strategy(gates=gates))), {})
    said = Outline(text).text
    assert "The strategy opened nothing on these bars" in said
    assert "What each gate saved or cost" in said
    assert "Month by month" not in said
    assert not re.search(r"\b(nan|inf)\b", said)


def test_a_symbol_is_text_whatever_it_holds() -> None:
    """Symbols come from files: none of them becomes markup."""
    series = file_history([SAMPLE_BARS / "equity_daily.parquet"], "1Day", ["IBM"]).panel["IBM"]
    result = backtest(Panel.of([replace(series, symbol="<script>x")]), replace(TEST, since=None))
    text = page(report_of(result, trade_table(result)), {})
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_charts_show_the_newest_the_best_and_the_worst(report: Report) -> None:
    """In turn, each once, and never more than there are."""
    table = report.table
    closed = results.ended(table).tolist()
    best = max(closed, key=lambda row: table["r"][row])
    worst = min(closed, key=lambda row: table["r"][row])
    assert worth_drawing(table, 3) == [closed[-1], best, worst]
    assert worth_drawing(table, 0) == []
    assert sorted(worth_drawing(table, 10_000)) == closed


@pytest.mark.parametrize("module", [drawing, cells, tables], ids=lambda module: module.__name__)
def test_examples_hold(module: ModuleType) -> None:
    """Each documented example gives what it says."""
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (-0.07, 0.02), (96_280.0, 104_000.0), (-1e9, 3e9)])
def test_an_axis_holds_its_values_between_round_numbers(low: float, high: float) -> None:
    """At most a handful of evenly spaced labels, no two alike."""
    axis = drawing.number_axis(low, high)
    values, labels = zip(*axis.ticks, strict=True)
    assert axis.low <= low <= high <= axis.high
    assert axis.low < axis.high
    assert 2 <= len(values) <= 8
    assert np.allclose(np.diff(values), np.diff(values)[0])
    assert len(set(labels)) == len(labels)


def test_a_long_curve_keeps_its_lowest_and_highest_point() -> None:
    """Thinned to what can be seen, a spike of one bar stays."""
    values = np.zeros(50_000)
    values[31_415], values[9] = 7.0, -3.0
    text = drawing.curve(np.arange(50_000.0), values, "a curve", unit="", base=0.0, kind="worth")
    root = ET.fromstring(text)  # noqa: S314 - our own
    (line,) = [path for path in root if path.get("class") == "line worth"]
    heights = [float(point.split()[1]) for point in line.get("d", "")[1:].split("L")]
    assert len(heights) < 1_500
    frame_heights = sorted(set(heights))
    assert len(frame_heights) == 3


def test_a_histogram_counts_every_value_once() -> None:
    """Those beyond the ends stand in the outermost bars."""
    values = np.array([-99.0, -1.0, -0.9, 0.1, 0.1, 50.0])
    text = drawing.histogram(values, "results", step=0.25, low=-2.0, high=3.0, unit=" R")
    root = ET.fromstring(text)  # noqa: S314 - our own
    titles = [title.text or "" for title in root.iter("title")]
    assert sum(int(title.split(": ")[1]) for title in titles) == len(values)
    assert "0.00 to 0.25 R: 2" in titles
    assert "−2.00 to −1.75 R: 1" in titles
