"""The site is built without a warning, holds every page, and fetches nothing from elsewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import DOCS, PAGES, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly: a dead link, a missing page or a bad anchor ends it; with ``--quiet`` it would not."""
    folder = tmp_path_factory.mktemp("site") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_it_and_in_its_contents(site: Path) -> None:
    """A page that nobody can click to is not there."""
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (page.relative_to(DOCS) for page in PAGES if DOCS in page.parents):
        assert (site / page.with_suffix(".html")).exists()
        assert page.as_posix() in contents


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """No font, script or style of another host: it works without a network, and tells nobody who reads it."""
    fetched = re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]+", re.IGNORECASE
    )
    assert [
        found for page in site.rglob("*.html") for found in fetched.findall(page.read_text("utf-8"))
    ] == []
    styles = [style.read_text("utf-8") for style in site.rglob("*.css")]
    assert [
        found for style in styles for found in re.findall(r"url\(\"?https?:[^)]+|@import[^;]+", style)
    ] == []


def test_it_can_be_searched(site: Path) -> None:
    """The index holds what people will look for."""
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    told = {entry["location"].split("#")[0] for entry in index["docs"]}
    assert {"reference/settings.html", "how-to/watch-it-run.html", "explanation/promises.html"} <= told
