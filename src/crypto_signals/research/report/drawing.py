"""Charts as inline SVG: plain shapes whose colours the page's style gives, so that they follow its ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

from crypto_signals.analysis.panel import Floats
from crypto_signals.domain.wording import MINUS

WIDE, NARROW, HEIGHT = 720.0, 460.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 12, 34
_MOST_POINTS = 700
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``, with what stands at which value."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def share(self, values: Floats) -> Floats:
        return np.asarray((values - self.low) / (self.high - self.low))


def number_axis(low: float, high: float, unit: str = "", most: int = 6) -> Axis:
    """Round numbers from at or below ``low`` to at or above ``high``.

    >>> [label for _, label in number_axis(-12.0, 31.0, " R").ticks]
    ['−20 R', '−10 R', '0 R', '10 R', '20 R', '30 R', '40 R']
    """
    if high <= low:
        low, high = low - 0.5, low + 0.5
    step = _round_step((high - low) / (most - 1))
    first, last = int(np.floor(low / step)), int(np.ceil(high / step))
    ticks = [(place * step, number_text(place * step, step) + unit) for place in range(first, last + 1)]
    return Axis(first * step, last * step, ticks)


def number_text(value: float, step: float) -> str:
    """``value`` with as many digits as steps of ``step`` need."""
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    digits += abs(round(step, digits) - step) > step / 1000
    return f"{value:,.{digits}f}".replace("-", MINUS)


def time_axis(days: Floats, most: int = 8) -> Axis:
    """Days since 1970 with a label a year, or a month where there is less than two years."""
    low, high = float(days[0]), float(max(days[-1], days[0] + 1))
    unit: Literal["Y", "M"] = "Y" if high - low > 730 else "M"
    length = 365.25 if unit == "Y" else 30.44
    start, end = (np.datetime64(int(day), "D").astype(f"datetime64[{unit}]") for day in (low, high))
    firsts = np.arange(start, end + np.timedelta64(1, unit))
    every = max(1, -(-int((high - low) / length) // most))
    ticks = [(float(first.astype("datetime64[D]").astype(np.int64)), str(first)) for first in firsts[::every]]
    return Axis(low, high, [(place, label) for place, label in ticks if low <= place <= high])


def curve(days: Floats, values: Floats, label: str, *, unit: str, base: float, kind: str) -> str:
    """One line over time, with the ground between it and ``base`` tinted; ``kind`` names its style."""
    shown = _thinned(values)
    low, high = float(min(values.min(), base)), float(max(values.max(), base))
    frame = _Frame(time_axis(days), number_axis(low, high, unit))
    x, y = frame.across(days[shown]), frame.up(values[shown])
    line = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    floor = frame.up(np.array([base]))[0]
    area = f'<path class="area {kind}" d="M{x[0]:.1f} {floor:.1f}L{line}L{x[-1]:.1f} {floor:.1f}Z"/>'
    return frame.svg(label, f'{area}<path class="line {kind}" d="M{line}"/>')


def histogram(values: Floats, label: str, *, step: float, low: float, high: float, unit: str) -> str:
    """Bars ``step`` wide; those at ``low`` and ``high`` also count what lies beyond."""
    bins = round((high - low) / step)
    counts = np.bincount(
        np.clip(np.floor((values - low) / step), 0, bins - 1).astype(np.int64), minlength=bins
    )
    ticks = [
        (low + place, number_text(low + place, 1.0) + unit)
        for place in range(0, round(high - low) + 1, 2 if high - low > 9 else 1)
    ]
    frame = _Frame(Axis(low, high, ticks), number_axis(0, float(counts.max(initial=1))), NARROW)
    width = frame.across(np.array([low + step]))[0] - frame.across(np.array([low]))[0]
    shapes = []
    for place in np.flatnonzero(counts).tolist():
        begins = low + place * step
        x, y = frame.across(np.array([begins]))[0], frame.up(counts[place : place + 1].astype(np.float64))[0]
        kind = "good" if begins >= 0 else "bad"
        said = f"{number_text(begins, step)} to {number_text(begins + step, step)}{unit}: {counts[place]}"
        shapes.append(
            f'<rect class="bar {kind}" x="{x + 0.5:.1f}" y="{y:.1f}" width="{width - 1:.1f}" '
            f'height="{frame.floor - y:.1f}"><title>{escape(said)}</title></rect>'
        )
    return frame.svg(label, "".join(shapes))


def scatter(x: Floats, y: Floats, good: Floats, label: str, *, most: tuple[float, float], unit: str) -> str:
    """A point a trade; what lies beyond ``most``, across and up, stands at the border."""
    frame = _Frame(number_axis(0, most[0], unit), number_axis(0, most[1], unit), NARROW)
    across, up = frame.across(np.clip(x, 0, frame.x.high)), frame.up(np.clip(y, 0, frame.y.high))
    shapes = []
    for kind, mask in (("bad", good <= 0), ("good", good > 0)):
        points = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(across[mask], up[mask], strict=True))
        if points:
            shapes.append(f'<path class="dots {kind}" d="{points}"/>')
    return frame.svg(label, "".join(shapes))


def interval_bar(low: float, mean: float, high: float, reach: float, label: str) -> str:
    """An interval with its middle on a scale from ``-reach`` to ``reach``."""
    a, b, c = (110 * (1 + value / (reach or 1)) for value in (low, mean, high))
    kind = "good" if low > 0 else "bad" if high < 0 else "unsure"
    return (
        f'<svg class="interval" viewBox="-4 0 228 20" role="img" aria-label="{escape(label)}">'
        f'<path class="zero" d="M110 0V20"/><path class="span {kind}" d="M{a:.1f} 10H{c:.1f}"/>'
        f'<circle class="{kind}" cx="{b:.1f}" cy="10" r="5"/></svg>'
    )


class _Frame:
    """The axes of one chart, and where on it a value lies."""

    floor = HEIGHT - _BOTTOM

    def __init__(self, x: Axis, y: Axis, width: float = WIDE) -> None:
        self.x, self.y, self.right = x, y, width - _RIGHT
        self.width = width

    def across(self, values: Floats) -> Floats:
        return _LEFT + self.x.share(values) * (self.right - _LEFT)

    def up(self, values: Floats) -> Floats:
        return self.floor - self.y.share(values) * (self.floor - _TOP)

    def svg(self, label: str, shapes: str) -> str:
        style = "chart narrow" if self.width == NARROW else "chart"
        room = f'class="{style}" viewBox="0 0 {self.width:g} {HEIGHT:g}"'
        return (
            f'<svg {room} role="img" aria-label="{escape(label)}">'
            f"{self._levels()}{self._times()}{shapes}</svg>"
        )

    def _levels(self) -> str:
        return "".join(
            f'<path class="{"zero" if value == 0 else "grid"}" d="M{_LEFT} {y:.1f}H{self.right:g}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
            for (value, label), y in zip(self.y.ticks, self.up(_values(self.y)), strict=True)
        )

    def _times(self) -> str:
        return "".join(
            f'<path class="grid" d="M{x:.1f} {self.floor:g}v5"/>'
            f'<text x="{x:.1f}" y="{self.floor + 20:g}" text-anchor="middle">{escape(label)}</text>'
            for (_, label), x in zip(self.x.ticks, self.across(_values(self.x)), strict=True)
        )


def _values(axis: Axis) -> Floats:
    return np.array([value for value, _ in axis.ticks], np.float64)


def _round_step(least: float) -> float:
    magnitude = 10.0 ** np.floor(np.log10(least))
    return float(next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9)))


def _thinned(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows that keep the shape: of each stretch its lowest and its highest value, and both ends."""
    count = len(values)
    if count <= _MOST_POINTS:
        return np.arange(count)
    edges = np.linspace(0, count, _MOST_POINTS // 2 + 1).astype(np.int64)
    kept = {0, count - 1}
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[start:end]
        kept |= {start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(kept), np.int64)
