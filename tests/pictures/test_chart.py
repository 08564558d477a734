"""The charts: whatever the bars and the story, a picture of the right size, and quickly."""

import struct
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from crypto_signals.analysis.panel import Series, as_ts64
from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.events import Event, EventType, StopKind
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import Fill, Progress, Signal
from crypto_signals.domain.vocabulary import Direction, ExitReason, Status
from crypto_signals.pictures.chart import signal_chart
from crypto_signals.pictures.drawing import drawable
from crypto_signals.pictures.marks import markers, stop_path, tags
from crypto_signals.pictures.palette import DARK
from crypto_signals.pictures.tags import spread
from crypto_signals.pictures.window import BARS_AFTER, BARS_BEFORE, Window
from notifications.samples import BAR, DAY, LONG, PLANS, event, signal

STORY = (
    event(EventType.ENTERED, 1, price=6650.0, stop=LONG.stop),
    event(EventType.TARGET_1_HIT, 3, price=7120.0, fraction=0.5),
    event(EventType.STOP_MOVED, 3, stop=6650.0, stop_kind=StopKind.BREAK_EVEN),
    event(EventType.STOPPED, 9, price=6650.0, fraction=0.5, reason=ExitReason.BREAK_EVEN, result_r=0.6),
)


def walk(before: int = 120, after: int = 30, price: float = 6640.0, spread_pct: float = 1.5) -> Series:
    """Bars of a random walk (fixed seed) around the samples' signal bar."""
    rng = np.random.default_rng(7)
    count = before + 1 + after
    steps = rng.normal(0.0, spread_pct / 100, count)
    close = price * np.exp(np.cumsum(steps) - np.cumsum(steps)[before])
    opened = np.r_[close[0], close[:-1]]
    high, low = (
        np.maximum(opened, close) * (1 + spread_pct / 200),
        np.minimum(opened, close) * (1 - spread_pct / 200),
    )
    ts = as_ts64(BAR) + np.arange(-before, after + 1) * np.timedelta64(1, "D")
    return Series.of("BTC/USD", ts, (opened, high, low, close), rng.uniform(10, 100, count))


def lived(*story: Event, **changes: object) -> Signal:
    told = signal(**changes)
    for happened in story:
        told = apply(told, happened)
    return replace(told, progress=replace(told.progress, last_ts=BAR + 9 * DAY))


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_chart_is_a_picture_of_fixed_size_and_modest_weight(plan, dark: bool) -> None:  # type: ignore[no-untyped-def]
    """Both sides, both grounds: 1000 x 640 pixels, under 200 KB."""
    png = signal_chart(signal(plan), walk(), dark=dark)
    assert size(png) == (1000, 640)
    assert len(png) < 200_000


def test_equal_input_gives_equal_bytes() -> None:
    """A picture depends on nothing but its signal and bars."""
    assert signal_chart(lived(*STORY), walk()) == signal_chart(lived(*STORY), walk())


def test_what_happened_changes_the_picture() -> None:
    """Entry, exits and stop moves are drawn, from the events or from what the fills prove."""
    waiting, over = signal_chart(signal(), walk()), signal_chart(lived(*STORY), walk())
    assert waiting != over
    assert signal_chart(lived(*STORY), walk(), events=STORY) == over


def test_a_chart_is_quick() -> None:
    """240 bars with everything on them take well under a second, on a slow machine too."""
    png = signal_chart(lived(*STORY), walk(300))
    started = time.perf_counter()
    signal_chart(lived(*STORY), walk(300))
    assert time.perf_counter() - started < 1.0
    assert len(png) < 200_000


@pytest.mark.parametrize(
    "series",
    [
        walk(0, 0),
        walk(0, 1),
        walk(30, 10, spread_pct=0.0),
        walk(5, 5, price=1e-7),
        walk(5, 5, price=1e9),
        replace(walk(20, 5), volume=np.zeros(26)),
    ],
    ids=["one bar", "two bars", "constant", "tiny", "huge", "no volume"],
)
@pytest.mark.parametrize("story", [(), STORY[:1], STORY], ids=["waiting", "open", "over"])
def test_degenerate_bars_are_drawn_all_the_same(series: Series, story: tuple[Event, ...]) -> None:
    """A picture never fails a message, however poor the bars."""
    assert size(signal_chart(lived(*story), series)) == (1000, 640)


def test_levels_on_one_price_are_drawn_all_the_same() -> None:
    """A plan whose levels coincide, on a constant price, still gives a picture."""
    flat = replace(LONG, entry=100.0, stop=100.0, targets=(100.0, 100.0, 100.0), invalidation=100.0)
    assert size(signal_chart(signal(flat), walk(10, 0, price=100.0, spread_pct=0.0))) == (1000, 640)


def test_no_bars_is_said() -> None:
    """Without bars there is nothing to draw, and the error names the symbol."""
    with pytest.raises(ValueError, match="BTC/USD"):
        signal_chart(signal(), walk()[:0])


def test_names_from_outside_are_drawn_as_text() -> None:
    """Dollar signs are no formulas, and characters that the font lacks become question marks."""
    assert drawable("A$x$ 漢字") == "A$x$ ??"
    anchors = (Anchor(BAR, 6600.0, "$\\frac{1}{0}$"), Anchor(BAR, 6600.0, "漢\n"))
    assert size(signal_chart(signal(symbol="$\\x$ 漢" * 30, detector="_", anchors=anchors), walk()))


def test_the_window_runs_from_before_the_pattern_to_after_the_close() -> None:
    """60 bars before the first anchor, 5 after the closing bar; the signal's bar where it belongs."""
    window = Window.around(lived(*STORY), walk())
    assert window.bars.ts[0] == as_ts64(BAR - (9 + BARS_BEFORE) * DAY)
    assert window.bars.ts[-1] == as_ts64(BAR + (9 + BARS_AFTER) * DAY)
    assert window.bars.ts[window.position(BAR)] == as_ts64(BAR)


def test_a_long_window_gives_up_bars_before_the_pattern_first() -> None:
    """The pattern and the whole trade stay on the picture."""
    window = Window.around(signal(), walk(300, 230))
    assert window.bars.ts[0] <= as_ts64(BAR - 9 * DAY)
    assert window.width < 300


def test_the_time_axis_is_sparse_and_names_the_year_once() -> None:
    """At most seven labels; a year only where it changes."""
    positions, labels = Window.around(signal(), walk()).ticks()
    assert len(positions) == len(labels) <= 7
    assert sum("2018" in label for label in labels) == 1


def test_the_stop_moves_in_steps() -> None:
    """From the entry on, each move from its bar on, up to the close."""
    path = stop_path(lived(*STORY), STORY)
    assert path == [(BAR + DAY, 6240.0), (BAR + 3 * DAY, 6650.0), (BAR + 9 * DAY, 6650.0)]
    assert stop_path(lived(*STORY), ()) == path
    assert stop_path(signal(), ()) == []


def test_a_trail_shows_where_the_stop_stands_now() -> None:
    """An open trade whose stop was moved has a tag of its own for it."""
    progress = Progress(
        status=Status.TP2_HIT,
        entry_ts=BAR + DAY,
        entry_fill=6650.0,
        stop=7300.0,
        stop_kind=StopKind.TRAIL,
        targets_hit=2,
        last_ts=BAR + 9 * DAY,
        fills=(Fill(BAR + 2 * DAY, 7120.0, 0.5), Fill(BAR + 4 * DAY, 7600.0, 0.25)),
    )
    found = {tag.name: tag.price for tag in tags(signal(progress=progress), (), DARK)}
    assert found["Stop now"] == 7300.0
    assert found["Stop"] == 6240.0


def test_fills_are_marked_and_the_last_carries_the_result() -> None:
    """Entry, target and exit in order; a winner's colour is that of the targets."""
    found = markers(lived(*STORY), DARK)
    assert [marker.text for marker in found] == ["entry", "T1", "out: +0.60 R"]
    assert found[1].colour == DARK.target
    assert markers(signal(), DARK) == []


@pytest.mark.parametrize("side", Direction)
def test_tags_name_the_levels_of_the_plan(side: Direction) -> None:
    """The picture's levels come from the same plan as the text's."""
    plan = PLANS[side]
    found = {tag.name: tag.price for tag in tags(signal(plan), (), DARK)}
    assert found == {
        "T1": plan.targets[0], "T2": plan.targets[1], "T3": plan.targets[2],
        "Entry": plan.entry, "Stop": plan.stop, "Invalid": plan.invalidation,
    }  # fmt: skip


@pytest.mark.parametrize("wanted", [[5.0] * 7, [0.0, 1.0, 99.0, 100.0], [50.0], [], [90.0, 95.0, 100.0]])
def test_labels_never_overlap(wanted: list[float]) -> None:
    """Labels keep their distance and order, and stay within the panel."""
    places = spread(wanted, 10.0, 0.0, 100.0)
    ranked = [place for _, place in sorted(zip(wanted, places, strict=True), key=lambda pair: pair[0])]
    assert all(b - a >= 10.0 - 1e-9 for a, b in zip(sorted(ranked), sorted(ranked)[1:], strict=False))
    assert all(-1e-9 <= place <= 100.0 + 1e-9 for place in places)
    assert len(places) == len(wanted)


def test_importing_the_room_loads_no_matplotlib() -> None:
    """A run that owes no picture does not pay for one."""
    code = "import sys, crypto_signals.pictures.chart; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
