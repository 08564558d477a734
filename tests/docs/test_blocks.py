"""What the pages tell people to type is typed here, and does what the page says.

A block runs in a folder that has what its page speaks of; blocks of a page run one after the other. What is
not run stands in ``NOT_RUN`` with its reason. On the pages words in capitals are for the reader to replace.
"""

import re
import shutil
from pathlib import Path

import pytest
from dotenv import dotenv_values

from crypto_signals.config import problems_of, strategies
from docs.pages import PAGES, ROOT, Block, blocks, name
from docs.workspace import commands, furnish, python, sentinel

ACCOUNT, ROOT_USER, ENGINE, STAND_IN, ELSEWHERE = (
    "needs an account of Google Cloud",
    "changes the machine, as root; the units are checked in tests/deploy/test_systemd.py",
    "needs a container engine; the files are checked in tests/deploy",
    "serves until it is ended, or asks what serves; the same is done in tests/e2e",
    "is run by another test",
)
NOT_RUN = {
    (
        "README.md",
        "make run     # a year of real bars,",
    ): f"{ELSEWHERE}: the first is the demo, the second this",
    ("docs/tutorials/first-signal.md", "make run"): f"{ELSEWHERE}: it is the demo",
    ("docs/tutorials/first-signal.md", "sentinel simulator"): STAND_IN,
    ("docs/tutorials/first-signal.md", 'export PATH="$PWD'): STAND_IN,
    (
        "docs/tutorials/first-signal.md",
        "sentinel init",
    ): f"asks questions; {ELSEWHERE}, tests/cli/test_init.py",
    ("docs/tutorials/write-a-detector.md", "sentinel audit"): f"{ELSEWHERE}, test_write_a_detector.py",
    ("docs/tutorials/write-a-detector.md", "import numpy"): f"{ELSEWHERE}, test_write_a_detector.py",
    ("docs/how-to/secret-manager.md", "printf %s"): ACCOUNT,
    ("docs/how-to/google-cloud.md", ""): ACCOUNT,
    ("docs/how-to/warehouse.md", "bq --location"): ACCOUNT,
    ("DEPLOYMENT.md", "sudo git clone"): ROOT_USER,
    ("DEPLOYMENT.md", "sudo cp deploy/systemd"): ROOT_USER,
    ("DEPLOYMENT.md", "systemctl status"): ROOT_USER,
    ("DEPLOYMENT.md", "sudo systemd-run"): ROOT_USER,
    ("DEPLOYMENT.md", "cd /opt/crypto-sentinel"): ROOT_USER,
    ("DEPLOYMENT.md", "cp .env.example .env"): ENGINE,
    ("DEPLOYMENT.md", "docker compose"): ENGINE,
    ("SECURITY.md", ""): "commands for the services that hold the keys, and for the owner of a machine",
    ("CONTRIBUTING.md", ""): f"{ELSEWHERE}: what it names decides on each change",
}
"""Pages and the beginnings of blocks, with the reason why they are not run here."""
RUN = [page for page in PAGES if blocks(page, "sh", "python")]


def reason(block: Block) -> str | None:
    """Why a block is not run."""
    found = [
        why for (page, first), why in NOT_RUN.items() if page == block.page and block.first.startswith(first)
    ]
    return found[0] if found else None


def test_nothing_is_left_out_for_a_reason_that_is_gone() -> None:
    """Each entry of the list still belongs to a block."""
    known = [block for page in PAGES for block in blocks(page)]
    assert [
        (page, first)
        for page, first in NOT_RUN
        if (ROOT / page).exists() and first
        if not any(block.page == page and block.first.startswith(first) for block in known)
    ] == []


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the demo was replayed, and what that printed."""
    folder = tmp_path_factory.mktemp("pages") / "replayed"
    furnish(folder)
    said = sentinel(folder, ["demo", "--days", "12"])
    assert said.code == 0, said.err
    return folder, said.out


@pytest.mark.parametrize("page", RUN, ids=name)
def test_what_a_page_tells_to_type_works(page: Path, tmp_path: Path, replayed: tuple[Path, str]) -> None:
    """Commands exit with 0, scripts end, and what a tutorial says they print is printed."""
    folder = tmp_path / "folder"
    shutil.copytree(replayed[0], folder)
    if page.stem in {"move-and-restore", "warehouse"}:
        shutil.copy(folder / ".sentinel" / "demo" / "sentinel.db", folder / ".sentinel")
    printed = ""
    script = ""
    for block in blocks(page):
        if block.language == "text":
            assert not script or block.text.strip() in printed, block.text
        elif block.language in {"sh", "python"} and reason(block) is None:
            script += block.text
            printed = typed(folder, block, replayed[1]) if block.language == "sh" else python(folder, script)


def typed(folder: Path, block: Block, demo: str) -> str:
    """What the commands of a block print."""
    printed = ""
    text = re.sub(r"\bID\b", "c80d", block.text)
    for settings, (program, *words) in commands(text):
        assert program.removeprefix(".venv/bin/") == "sentinel", block
        if words == ["demo", "--days", "12"]:
            printed += demo
            continue
        said = sentinel(folder, words, **settings)
        assert said.code == 0, (words, said)
        printed += said.out
    return printed


TOML = [block for page in PAGES for block in blocks(page, "toml")]
INI = [block for page in PAGES for block in blocks(page, "ini")]


@pytest.mark.parametrize("block", TOML, ids=lambda block: f"{block.page}: {block.first}")
def test_every_configuration_loads(block: Block, tmp_path: Path) -> None:
    """As a ``sentinel.toml`` of its own, without a problem."""
    (tmp_path / "sentinel.toml").write_text(block.text, encoding="utf-8")
    problems: list[str] = []
    strategies.read(tmp_path / "sentinel.toml", {}, problems, required=True)
    assert problems == []


@pytest.mark.parametrize("block", INI, ids=lambda block: f"{block.page}: {block.first}")
def test_every_environment_loads(block: Block, tmp_path: Path) -> None:
    """As a ``.env`` of its own, with something where the page has dots."""
    (tmp_path / "env").write_text(block.text.replace("…", "x/y"), encoding="utf-8")
    given = {key: value or "" for key, value in dotenv_values(tmp_path / "env").items()}
    assert given
    assert problems_of(given) == []


def test_every_block_says_its_language() -> None:
    """Only so is it known whether it is to be run."""
    for page in PAGES:
        fences = re.findall(r"^ *```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(fences[::2]), name(page)
        assert set(fences[::2]) <= {"sh", "python", "toml", "ini", "text", "json", "yaml", "sql"}, name(page)


def test_what_belongs_to_a_list_stands_four_spaces_in() -> None:
    """With fewer the site takes it out of the list, or makes prose of it."""
    torn = re.compile(r"^ {1,3}(?:```|\|)", re.MULTILINE)
    assert [name(page) for page in PAGES if torn.search(page.read_text(encoding="utf-8"))] == []
