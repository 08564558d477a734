"""What a page quotes stands where it says: figures on the page of evidence, messages in the program."""

import ast
import re

import yaml

from docs.pages import DOCS, ROOT, read

SOURCES = sorted((ROOT / "src" / "crypto_signals").rglob("*.py"))


def test_the_figures_of_the_readme_are_those_of_the_evidence() -> None:
    """Nothing is quoted that was not measured, nor what was measured before."""
    readme, page = read(ROOT / "README.md"), read(DOCS / "explanation" / "evidence.md")
    quoted = re.findall(r"[+−]?\d\.\d\d \([+−]?\d\.\d\d to [+−]?\d\.\d\d\)", readme)
    counted = re.findall(r"^\| (\d+) (.*?), daily, .*?\| ([\d,]+) \| (\d+ of \d+) \|", readme, re.MULTILINE)
    assert len(quoted) == 6
    assert [words for words in quoted if words not in page] == []
    for number, kind, trades, tested in counted:
        assert f"### {number} {kind}, " in page
        assert f"{tested} setups had enough of {trades} trades" in page
    assert len(counted) == 2


def test_the_alert_rules_are_as_many_as_is_said() -> None:
    """A page that counts has to count again."""
    rules = yaml.safe_load(read(ROOT / "deploy" / "prometheus" / "alerts.yml"))["groups"][0]["rules"]
    assert ("twelve alert rules" in read(ROOT / "DEPLOYMENT.md")) == (len(rules) == 12)


def said() -> set[str]:
    """Every text of the program, with dots for what is filled in."""
    return {words for path in SOURCES for node in ast.walk(ast.parse(read(path))) if (words := _words(node))}


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def test_the_messages_to_look_up_are_those_of_the_program() -> None:
    """Who searches the page for what was printed finds it."""
    table = read(ROOT / "DEPLOYMENT.md").partition("## When something is wrong")[2]
    symptoms = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    quoted = [message for symptom in symptoms for message in re.findall(r"\*([^*]+)\*", symptom)]
    assert len(quoted) > 15
    texts = said()
    for message in quoted:
        for part in filter(None, map(str.strip, message.split("…"))):
            assert any(part in text for text in texts), part
