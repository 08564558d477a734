"""Every link within the project leads somewhere, on the site and where the files are read as they are."""

import re
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

from docs.pages import PAGES, ROOT, name, prose, read

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)|(?:src|href)=\"(?!https?:)([^\"#]+)\"")
_MARKS = re.compile(r"[`*]|\[([^\]]*)\]\([^)]*\)")


def headings(page: Path) -> list[str]:
    found = re.findall(
        r"^#+ (.+)$",
        re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.DOTALL | re.MULTILINE),
        re.MULTILINE,
    )
    return [_MARKS.sub(r"\1", heading).strip() for heading in found]


def on_github(heading: str) -> str:
    """The anchor that the readers of the repository get."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Those that a heading has wherever the page is shown, and those that are set by hand."""
    same = {on_github(heading) for heading in headings(page)} & {slugify(h, "-") for h in headings(page)}
    return same | set(re.findall(r'<a id="([^"]+)">', read(page)))


def links(page: Path) -> list[tuple[str, str]]:
    return [(path or source, anchor) for path, anchor, source in LINK.findall(prose(page))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading in it."""
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT], ids=name)
def test_the_site_links_to_nothing_outside_itself(page: Path) -> None:
    """What lies beside ``docs`` is named, not linked: the site does not have it."""
    outside = [
        path
        for path, _ in links(page)
        if path and ROOT / "docs" not in (page.parent / path).resolve().parents
    ]
    assert outside == []


def test_every_picture_is_used() -> None:
    """No file is carried along for nothing."""
    told = "".join(read(page) for page in PAGES)
    assert [p.name for p in (ROOT / "docs").rglob("*.[ps][nv]g") if p.name not in told] == []
