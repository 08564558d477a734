"""The page of the catalogue and the gallery tell of the detectors that there are."""

import re
from pathlib import Path

import pytest

from crypto_signals.analysis.catalogue import CATALOGUE

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
ROWS = {
    cells[0].split("`")[1]: cells
    for line in (DOCS / "catalogue.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| [`") and (cells := [cell.strip() for cell in line.strip("|").split(" | ")])
}
REASONS = set(
    re.findall(r"^\| `(\w+)` \|", (DOCS / "catalogue.md").read_text(encoding="utf-8"), re.MULTILINE)
)
RENEW = "run tools/make_catalogue.py --gallery"


def test_the_page_lists_every_detector() -> None:
    """In the catalogue's order; a new detector needs a new page."""
    assert tuple(ROWS) == CATALOGUE.names, RENEW


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_row_says_what_the_catalogue_says(entry) -> None:  # type: ignore[no-untyped-def]
    """Role, direction, warm-up, gates, gap, definition and source, word for word."""
    gap = "yes" if entry.needs_gap else "no"
    assert ROWS[entry.name][1:8] == [
        entry.role.value,
        entry.direction.value,
        str(entry.warm_up_bars),
        ", ".join(entry.gates),
        gap,
        entry.definition,
        entry.source,
    ], RENEW


def test_never_and_often_have_their_reason() -> None:
    """A rate of nothing, or of more than one bar in ten, stands with a reason; no other does."""
    odd = set()
    for name, cells in ROWS.items():
        rates = [float(cell) for cell in cells[8:] if cell != "–"]
        if max(rates) == 0 or max(rates) > 100:
            odd.add(name)
    assert odd == REASONS


def test_the_gallery_shows_every_detector_or_says_why_not() -> None:
    """A section each, in order, with a picture that exists; all pictures together stay under 4 MB."""
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r'<a id="(\w+)"></a>(.*?)(?=<a id=|\Z)', page, re.DOTALL))
    assert tuple(sections) == CATALOGUE.names, RENEW
    shown = {name for name, text in sections.items() if f"(gallery/{name}.png)" in text}
    assert all("never fires on the bundled bars" in sections[name] for name in sections.keys() - shown)
    pictures = {path.stem: path.stat().st_size for path in (DOCS / "gallery").glob("*.png")}
    assert pictures.keys() == shown
    assert max(pictures.values()) <= 25_000
    assert sum(pictures.values()) < 4_000_000
