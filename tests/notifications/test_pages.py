"""The HTML pages."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.vocabulary import ExitReason
from crypto_signals.notifications.pages import PageEntry, write_pages
from notifications.samples import BAR, DAY, LONG, event, signal

VOID = frozenset({"meta", "img", "source", "path", "rect", "br", "link"})


class Outline(HTMLParser):
    """Text, links and balance of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.targets: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if name in {"href", "src"} and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


STORY = (
    event(EventType.CREATED, 1),
    event(EventType.ANNOUNCED, 1, thread_id="7"),
    event(EventType.ENTERED, 1, price=6650.0, stop=LONG.stop),
    event(EventType.TARGET_1_HIT, 3, price=7120.0, fraction=0.5),
    event(EventType.STOP_MOVED, 3, stop=6650.0),
    event(EventType.STOP_MOVED, 4, stop=6651.0, quiet=True),
    event(EventType.STOPPED, 6, price=6651.0, fraction=0.5, reason=ExitReason.STOP, result_r=0.5, fees_r=0.1),
)


def lived(story: tuple[Event, ...], **changes: object) -> PageEntry:
    told = signal(**changes)
    for happened in story:
        told = apply(told, happened)
    return PageEntry(told, story, b"\x89PNG picture")


def shadow() -> Signal:
    gates = (
        GateResult("volume", passed=False, value=1.1, limit=1.5),
        GateResult("rsi", passed=False, value=73.0, limit=70.0, detail="RSI 73.0, asked for at most 70"),
        GateResult("adx", passed=True, value=31.0, limit=25.0),
    )
    refused = lived((STORY[0], *STORY[2:]), gates=gates, signal_id="shadow-1", symbol="ETH/USD").signal
    return replace(refused, progress=replace(refused.progress, result_r=-1.04))


def test_the_index_lists_announced_and_refused_signals_with_their_results(tmp_path: Path) -> None:
    """Totals on top, each announced signal with a link, each refused one with all failing gates."""
    index = write_pages(tmp_path, [lived(STORY)], [shadow()], ["2 signals", "+0.50 R"])
    page = Outline(index.read_text())
    assert not page.open
    for words in ("2 signals", "BTC/USD", "Bull flag", "stopped", "+0.50 R", "ETH/USD", "−1.04 R"):
        assert words in page.text
    assert "1.1, asked for 1.5" in page.text
    assert "RSI 73.0, asked for at most 70" in page.text
    assert "adx" not in page.text
    assert {target for target in page.targets if not target.startswith("signals/")} == set()
    assert all((tmp_path / target).is_file() for target in page.targets)


def test_a_refused_signal_that_has_not_ended_is_not_over_yet(tmp_path: Path) -> None:
    """Its progress is stored at its end alone: that it waits for its entry would be a guess."""
    fresh = lived(STORY[:1], gates=shadow().gates, signal_id="shadow-2").signal
    page = Outline(write_pages(tmp_path, [], [fresh]).read_text())
    assert "not over yet" in page.text
    assert "waiting for the entry" not in page.text


def test_a_signals_page_reads_like_its_thread(tmp_path: Path) -> None:
    """Announcement with picture, then what each bar brought, in order, as it stood at that time."""
    write_pages(tmp_path, [lived(STORY)])
    path = tmp_path / "signals" / f"{signal().signal_id}.html"
    page = Outline(path.read_text())
    assert not page.open
    order = [
        "Buy now",
        "In at 6,650.00",
        "Target 1 hit",
        "Move the stop to 6,650.00",
        "Half is still open",
        "Closed: +0.50 R",
    ]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    assert "Everything is open, stop 6,240.00, next target 7,120.00." in page.text
    assert "6,651.00 (" in page.text
    assert "Move the stop to 6,651.00" not in page.text
    assert (path.parent / f"{signal().signal_id}.png").read_bytes() == b"\x89PNG picture"
    assert all((path.parent / target).is_file() for target in page.targets)


def test_a_cancelled_signal_is_not_followed_on_its_page(tmp_path: Path) -> None:
    """What the market did after a cancellation was told to nobody, so the thread does not show it."""
    cancelled = event(EventType.CANCELLED, 1, detail="not announced in time")
    write_pages(tmp_path, [lived((STORY[0], cancelled, *STORY[2:]))])
    text = Outline((tmp_path / "signals" / f"{signal().signal_id}.html").read_text()).text
    assert "Cancelled (not announced in time): do not act on it." in text
    assert "In at" not in text


def test_pages_ask_nothing_of_the_network(tmp_path: Path) -> None:
    """No page names a host; style and avatar are inside."""
    write_pages(tmp_path, [lived(STORY)], [shadow()])
    for path in tmp_path.rglob("*.html"):
        assert "http" not in path.read_text()
        assert "<script" not in path.read_text()


def test_names_from_outside_are_text(tmp_path: Path) -> None:
    """Markup in a symbol, detector, gate or total is shown, not obeyed."""
    evil = "<script>alert(1)</script>"
    entry = lived(STORY, symbol=evil, detector=evil)
    gates = (GateResult(evil, passed=False, detail=evil),)
    write_pages(tmp_path, [entry], [signal(symbol=evil, gates=gates)], [evil])
    for path in tmp_path.rglob("*.html"):
        assert "<script" not in path.read_text()
        assert evil in Outline(path.read_text()).text


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    """Two folders written from the same signals, in another order, do not differ."""
    other = lived(STORY, signal_id="other", bar_ts=BAR - DAY)
    for name, entries in (("a", [lived(STORY), other]), ("b", [other, lived(STORY)])):
        write_pages(tmp_path / name, entries, [shadow()], ["x"])
    pages = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    again = {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    assert pages == again
    assert len(pages) == 5


def test_writing_again_replaces_and_leaves_no_drafts(tmp_path: Path) -> None:
    """A second writing leaves the same files, without temporary ones."""
    for _ in range(2):
        write_pages(tmp_path, [lived(STORY)])
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        f"{signal().signal_id}.html", f"{signal().signal_id}.png", "index.html",
    ]  # fmt: skip


def test_an_empty_run_has_an_index_too(tmp_path: Path) -> None:
    """Without signals, the index says so."""
    page = Outline(write_pages(tmp_path, []).read_text())
    assert "No signal was announced." in page.text
    assert "No setup was refused." in page.text


def test_an_id_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A signal id that is a path is refused before anything is written for it."""
    with pytest.raises(ValueError, match="signal id"):
        write_pages(tmp_path / "site", [lived(STORY, signal_id="../../evil")])
    assert not list(tmp_path.rglob("evil*"))


def test_the_chart_follows_the_readers_scheme(tmp_path: Path) -> None:
    """On light ground for those who read so; without one, the dark one is for all."""
    both = replace(lived(STORY), light_picture=b"light")
    write_pages(tmp_path, [both])
    page = (tmp_path / "signals" / f"{signal().signal_id}.html").read_text(encoding="utf-8")
    assert f'media="(prefers-color-scheme: light)" srcset="{signal().signal_id}-light.png"' in page
    assert (tmp_path / "signals" / f"{signal().signal_id}-light.png").read_bytes() == b"light"
    write_pages(tmp_path / "dark", [lived(STORY)])
    assert "<source" not in (tmp_path / "dark" / "signals" / f"{signal().signal_id}.html").read_text(
        encoding="utf-8"
    )
