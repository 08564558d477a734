"""Drawing with matplotlib: one figure, two panels, few artists. Loaded only by `signal_chart`."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from crypto_signals.analysis.panel import Floats, Series
from crypto_signals.domain.events import Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.wording import one_line, price_text, setup_words, timeframe_words
from crypto_signals.pictures.marks import Marker, Tag, markers, stop_path, tags
from crypto_signals.pictures.outline import are_candles, lines, short_labels
from crypto_signals.pictures.palette import DARK, LIGHT, Palette
from crypto_signals.pictures.tags import spread
from crypto_signals.pictures.window import Window

WIDTH_PX, HEIGHT_PX, DPI = 1000, 640, 100
TICK_PT, LABEL_PT, TAG_PT, TITLE_PT = 14, 15, 16, 20
"""On a phone the picture is 375 points wide, and its smallest letters are 7 points high."""
FONT = "DejaVu Sans"
EMPTY_BARS_RIGHT = 4
_BODY = 0.36
_TAG_GAP_PX = 29.0
_LABEL_GAP_PX = 24.0
_HALF_CHAR_PX = 6.6


def png(signal: Signal, series: Series, events: Sequence[Event], *, dark: bool) -> bytes:
    """The finished picture; the same input gives the same bytes."""
    return _Chart(Window.around(signal, series), events, DARK if dark else LIGHT).png()


@lru_cache(maxsize=1024)
def drawable(text: str) -> str:
    """``text`` with a question mark for what the font cannot draw."""
    font = get_font(findfont(FONT))
    return "".join(char if font.get_char_index(ord(char)) else "?" for char in text)


class _Chart:
    def __init__(self, window: Window, events: Sequence[Event], colours: Palette) -> None:
        self.window, self.events, self.colours = window, events, colours
        self.signal = window.signal
        self.right = window.width - 1 + EMPTY_BARS_RIGHT + window.width // 40
        self.figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=colours.ground)
        self.canvas = FigureCanvasAgg(self.figure)
        self.prices = self._panel(0.235, 0.69)
        self.volume = self._panel(0.085, 0.14)
        self._taken: list[tuple[float, float, float]] = []

    def png(self) -> bytes:
        self._title()
        self._axes()
        self._candles()
        self._signal_bar()
        self._levels()
        self._pattern()
        self._markers()
        out = io.BytesIO()
        self.canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
        return out.getvalue()

    def _panel(self, bottom: float, height: float) -> Axes:
        axes = self.figure.add_axes((0.09, bottom, 0.66, height), facecolor=self.colours.panel)
        axes.set_xlim(-1, self.right)
        for spine in axes.spines.values():
            spine.set_color(self.colours.grid)
        return axes

    def _title(self) -> None:
        signal = self.signal
        symbol = one_line(signal.symbol)
        setup = setup_words(signal).removeprefix(f"{symbol} {signal.direction.value} · ")
        title = f"{symbol} · {timeframe_words(signal.timeframe)} · {setup} · {signal.direction.value}"
        shown = title if len(title) <= 54 else f"{title[:53]}…"
        self._text(self.figure, 0.09, 0.948, shown, self.colours.text, TITLE_PT, weight="bold")

    def _text(
        self, where: Figure | Axes, x: float, y: float, text: str, colour: str, size: float, **how: object
    ) -> None:
        where.text(x, y, drawable(text), color=colour, fontsize=size, family=FONT, parse_math=False, **how)  # type: ignore[arg-type]

    def _axes(self) -> None:
        positions, labels = self.window.ticks()
        self.prices.set_ylim(*self.window.price_range())
        self.prices.yaxis.set_major_locator(MaxNLocator(6))
        self.prices.xaxis.set_major_locator(FixedLocator(positions))
        self.prices.tick_params(axis="x", length=0, labelbottom=False)
        ticks = list(self.prices.get_yticks())
        self.prices.yaxis.set_major_locator(FixedLocator(ticks))
        self.prices.yaxis.set_major_formatter(FixedFormatter(_tick_labels(ticks)))
        self.volume.xaxis.set_major_locator(FixedLocator(positions))
        self.volume.xaxis.set_major_formatter(FixedFormatter(labels))
        self.volume.yaxis.set_major_locator(NullLocator())
        for axes in (self.prices, self.volume):
            axes.grid(visible=True, color=self.colours.grid, linewidth=0.7)
            axes.set_axisbelow(True)
            axes.tick_params(colors=self.colours.quiet, labelsize=TICK_PT, length=0, labelfontfamily=FONT)
        self.volume.set_ylabel("Volume", color=self.colours.quiet, fontsize=TICK_PT, family=FONT)

    def _candles(self) -> None:
        bars, colours = self.window.bars, self.colours
        x = np.arange(len(bars), dtype=np.float64)
        shade = [colours.up if up else colours.down for up in bars.close >= bars.open]
        wicks = np.stack([np.stack([x, bars.low], 1), np.stack([x, bars.high], 1)], 1)
        self.prices.add_collection(LineCollection(list(wicks), colors=shade, linewidths=1.1, zorder=2))
        bottom, top = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
        self._boxes(self.prices, x, (bottom, top), shade, edge=0.8)
        volume = np.nan_to_num(bars.volume)
        self._boxes(self.volume, x, (np.zeros(len(x)), volume), shade, edge=0.0)
        self.volume.set_ylim(0, max(float(volume.max()) * 1.1, 1e-9))

    def _boxes(
        self, axes: Axes, x: Floats, ends: tuple[Floats, Floats], shade: list[str], edge: float
    ) -> None:
        low, high = ends
        corners = [(x - _BODY, low), (x - _BODY, high), (x + _BODY, high), (x + _BODY, low)]
        boxes = np.stack([np.stack(corner, 1) for corner in corners], 1)
        axes.add_collection(
            PolyCollection(list(boxes), facecolors=shade, edgecolors=shade, linewidths=edge, zorder=3)
        )

    def _signal_bar(self) -> None:
        x = self.window.position(self.signal.bar_ts)
        for axes in (self.prices, self.volume):
            axes.axvspan(x - 0.5, x + 0.5, color=self.colours.entry, alpha=0.22, linewidth=0, zorder=1)
        where = self.volume.get_xaxis_transform()
        self._text(
            self.volume,
            x,
            0.96,
            "signal",
            self.colours.entry,
            LABEL_PT,
            transform=where,
            ha="center",
            va="top",
            bbox=self._ground(),
        )

    def _levels(self) -> None:
        start = self.window.position(self.signal.bar_ts)
        shown = tags(self.signal, self.events, self.colours)
        for tag in shown:
            self.prices.plot(
                [start, self.right],
                [tag.price] * 2,
                color=tag.colour,
                lw=1.3,
                ls=tag.style,
                alpha=0.85,
                zorder=1.5,
            )
        path = stop_path(self.signal, self.events)
        if len(path) > 1:
            x = [self.window.position(ts) for ts, _ in path]
            y = [price for _, price in path]
            self.prices.step(x, y, where="post", color=self.colours.stop, lw=2.0, zorder=4)
        self._tags(shown)

    def _tags(self, shown: Sequence[Tag]) -> None:
        """Right of the chart, each as near to its level as the others let it."""
        pixels = [float(self._pixel(0, tag.price)[1]) for tag in shown]
        box = self.prices.bbox
        places = spread(pixels, _TAG_GAP_PX, box.y0 + 8, box.y1 - 8)
        for tag, pixel, place in zip(shown, pixels, places, strict=True):
            level, y = ((value - box.y0) / box.height for value in (pixel, place))
            self.prices.plot(
                [1.0, 1.012], [min(max(level, 0), 1), y], color=tag.colour, lw=1.2, clip_on=False,
                transform=self.prices.transAxes,
            )  # fmt: skip
            text = f"{tag.name} {price_text(self.signal.symbol, tag.price)}"
            where = self.prices.transAxes
            self._text(
                self.prices,
                1.017,
                y,
                text,
                tag.colour,
                TAG_PT,
                transform=where,
                va="center_baseline",
                clip_on=False,
            )

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        across, up = self.prices.transData.transform((x, y))
        return float(across), float(up)

    def _pattern(self) -> None:
        """The anchors in order of time, joined unless they are candles; labels step aside where they would
        meet."""
        anchors = sorted(self.signal.anchors, key=lambda anchor: anchor.ts)
        if not anchors:
            return
        x = [self.window.position(anchor.ts) for anchor in anchors]
        y = [anchor.price for anchor in anchors]
        colour = self.colours.pattern
        labels = [one_line(anchor.label) for anchor in anchors]
        joined = "none" if are_candles(labels) else "-"
        self.prices.plot(x, y, color=colour, lw=1.8, ls=joined, marker="o", ms=5, alpha=0.95, zorder=5)
        for start, end in lines(dict(zip(labels, zip(x, y, strict=True), strict=True))):
            across, up = zip(start, end, strict=True)
            self.prices.plot(across, up, color=colour, lw=1.5, ls="--", alpha=0.8, zorder=4.5)
        for anchor, position, text in zip(anchors, x, short_labels(labels), strict=True):
            if not text:
                continue
            above = self._is_high(position, anchor.price)
            at, half = self._pixel(position, anchor.price), len(text) * _HALF_CHAR_PX
            offset = _free_offset(at, half, self._taken, above=above)
            self._label(position, anchor.price, text, colour, offset)

    def _is_high(self, position: int, price: float) -> bool:
        bars = self.window.bars
        return abs(price - float(bars.high[position])) <= abs(price - float(bars.low[position]))

    def _label(self, x: float, y: float, text: str, colour: str, offset: float, **how: Any) -> None:
        """``text`` above its point, or below it for a negative offset, on a ground of its own."""
        self.prices.annotate(
            drawable(text),
            (x, y),
            xytext=(0, offset),
            textcoords="offset pixels",
            color=colour,
            fontsize=LABEL_PT,
            family=FONT,
            ha="center",
            va="bottom" if offset > 0 else "top",
            parse_math=False,
            annotation_clip=False,
            bbox=self._ground(),
            **({"zorder": 6} | how),
        )

    def _ground(self) -> dict[str, Any]:
        return {"facecolor": self.colours.panel, "edgecolor": "none", "alpha": 0.65, "pad": 0.8}

    def _markers(self) -> None:
        for marker in markers(self.signal, self.colours):
            x = self.window.position(marker.ts)
            above = self._is_high(x, marker.price)
            half, clear = len(marker.text) * _HALF_CHAR_PX, self._beside_bar(x, marker.price, above=above)
            at = self._pixel(x, marker.price)
            self._marker(marker, x, _free_offset(at, half, self._taken, above=above, least=clear))

    def _beside_bar(self, x: int, price: float, *, above: bool) -> float:
        """How far from a fill its label goes to stand clear of the bar."""
        bars = self.window.bars
        extreme = float(bars.high[x] if above else bars.low[x])
        clear = self._pixel(x, extreme)[1] - self._pixel(x, price)[1]
        return max(clear if above else -clear, 0.0) + 26.0

    def _marker(self, marker: Marker, x: int, offset: float) -> None:
        """An arrow that points at the fill from the nearer end of its bar."""
        arrow = {"arrowstyle": "-|>", "color": marker.colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 1}
        how = {"fontweight": "bold", "arrowprops": arrow, "zorder": 8}
        self._label(x, marker.price, marker.text, marker.colour, offset, **how)


def _free_offset(
    at: tuple[float, float],
    half_width: float,
    taken: list[tuple[float, float, float]],
    *,
    above: bool,
    least: float = 8.0,
) -> float:
    """How far from its point a label goes so that it covers none of the ``taken`` ones."""
    x, y = at
    offset = least
    for _ in range(8):
        place = y + offset if above else y - offset
        if all(
            abs(x - tx) > half_width + width or abs(place - ty) >= _LABEL_GAP_PX for tx, ty, width in taken
        ):
            break
        offset += _LABEL_GAP_PX
    taken.append((x, y + offset if above else y - offset, half_width))
    return offset if above else -offset


def _tick_labels(ticks: Sequence[float]) -> list[str]:
    """Round numbers, with as many digits as their distance needs."""
    step = min(np.diff(ticks), default=1.0)
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9))) if step > 0 else 2
    digits += bool(step > 0 and round(step, digits) != round(step, digits + 3))
    return [f"{tick:,.{min(digits, 10)}f}".replace("-", "−") for tick in ticks]
