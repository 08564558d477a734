"""The colours of a chart, on dark and on light ground."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    ground: str
    panel: str
    grid: str
    text: str
    quiet: str
    up: str
    down: str
    entry: str
    stop: str
    target: str
    invalidation: str
    pattern: str


DARK = Palette(
    ground="#1e1f22",
    panel="#232428",
    grid="#34363c",
    text="#f2f3f5",
    quiet="#a3a6ad",
    up="#26a69a",
    down="#ef5350",
    entry="#5dade2",
    stop="#ff6b6b",
    target="#2ecc71",
    invalidation="#f1c40f",
    pattern="#f5a623",
)
LIGHT = Palette(
    ground="#ffffff",
    panel="#fafbfc",
    grid="#e3e5e8",
    text="#1e1f22",
    quiet="#5c6069",
    up="#0f8a7e",
    down="#d93a37",
    entry="#1f6fb2",
    stop="#c0282d",
    target="#18794e",
    invalidation="#946800",
    pattern="#b35c00",
)
