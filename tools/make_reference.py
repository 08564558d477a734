"""Writes what can be read off the code: pages of ``docs/reference`` and the two example files.

    python tools/make_reference.py

Run it after a command, an option, a setting, an event or a metric was added or changed.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml
from reference_of_settings import env_example, settings, strategies, toml_example
from reference_tables import code, codes, head, is_union, table
from typer.main import get_command

from crypto_signals.cli import application
from crypto_signals.domain.events import EventType, StopKind
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus, ExitReason, Health, Status
from crypto_signals.observability.metrics import Metrics
from crypto_signals.warehouse import views
from crypto_signals.warehouse.star import TABLES

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


def made() -> dict[Path, str]:
    """Every file with its text."""
    files: dict[Path, Callable[[], Iterator[str]]] = {
        REFERENCE / "commands.md": commands,
        REFERENCE / "settings.md": settings,
        REFERENCE / "sentinel-toml.md": strategies,
        REFERENCE / "events.md": events,
        REFERENCE / "metrics.md": metrics,
        REFERENCE / "warehouse.md": warehouse,
        ROOT / ".env.example": env_example,
        ROOT / "sentinel.example.toml": toml_example,
    }
    return {path: "\n".join(lines()).strip() + "\n" for path, lines in files.items()}


def commands() -> Iterator[str]:
    yield from head(
        "Commands",
        "`sentinel …` is the same as `python -m crypto_signals …`. Commands that print data take"
        " `--format json`: one object a line on stdout, everything else on stderr"
        " ([what is in it](json.md)). What a command ends with: [exit codes](exit-codes.md).",
    )
    for name, command in _leaves("sentinel", get_command(application)):
        yield f"## {name}\n"
        yield f"{_help(command.help)}\n"
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([name, *(f"{p.name.upper()}" for p in arguments)])
        needed = [f"{p.opts[0]} {_takes(p)}" for p in _options(command) if p.required]
        others = ["[options]"] if _options(command) else []
        yield f"```text\n{' '.join([usage, *needed, *others])}\n```\n"
        if rows := [_option(p) for p in [*arguments, *_options(command)]]:
            yield from table(("option", "takes", "what it is", "default"), rows)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Each command that does something, by its whole name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, child in command.commands.items():
        yield from _leaves(f"{name} {word}", child)


def _options(command: Any) -> list[Any]:
    return [p for p in command.params if p.param_type_name == "option" and not p.hidden]


def _option(parameter: Any) -> tuple[str, ...]:
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.name.upper()] if is_argument else [*parameter.opts, *parameter.secondary_opts]
    default = parameter.default
    shown = "required" if parameter.required else code(default) if default not in (None, "", False) else ""
    repeated = ", may be repeated" if parameter.multiple else ""
    return codes(names), f"{_takes(parameter)}{repeated}", _help(parameter.help), shown


def _takes(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if kind is bool:
        return ""
    kind = next((part for part in get_args(kind) if part is not NoneType), kind) if is_union(kind) else kind
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    if get_origin(kind) is Literal:
        return codes(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return codes(member.value for member in kind)
    return {"Path": "PATH", "int": "a whole number", "float": "a number", "datetime": "YYYY-MM-DD"}.get(
        kind.__name__, "TEXT"
    )


def events() -> Iterator[str]:
    yield from head(
        "Events and states",
        "What `sentinel signals show ID` lists, and what [JSON](json.md) says. How they follow from each"
        " other: [the life of a signal](../explanation/lifecycle.md). `created` is told by the announcement,"
        " `announced` and `cancelled` are not told, nor are moves of a trailing stop by less than 1 %; all"
        " others are follow-ups in the thread.",
    )
    for title, kind in (
        ("Events", EventType),
        ("Status of a signal", Status),
        ("Reasons for an end", ExitReason),
        ("Kinds of stop", StopKind),
        ("What is owed", EffectKind),
        ("Status of what is owed", EffectStatus),
        ("Health", Health),
    ):
        yield f"## {title}\n"
        yield from table(("value", "means"), [(f"`{value}`", said) for value, said in member_docs(kind)])


def member_docs(kind: type[StrEnum]) -> Iterator[tuple[str, str]]:
    """The value of each member with the docstring under it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for member, said in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(said, ast.Expr):
            yield ast.literal_eval(member.value), " ".join(ast.literal_eval(said.value).split())


def metrics() -> Iterator[str]:
    yield from head(
        "Metrics",
        "What `sentinel serve` shows at `/metrics`, and what `sentinel run` pushes to"
        " `METRICS_PUSHGATEWAY_URL` or writes to `METRICS_TEXTFILE`"
        " ([how to watch](../how-to/watch-it-run.md)).",
    )
    watched = Metrics()
    watched.succeeded(0)
    labels = {c._name: c._labelnames for c in vars(watched.registry)["_collector_to_names"]}  # noqa: SLF001
    rows = [
        (f"`{family.name}{'_total' * (family.type == 'counter')}`", family.type, codes(labels[family.name]),
         family.documentation)
        for family in watched.registry.collect()
    ]  # fmt: skip
    yield from table(("metric", "type", "labels", "what it is"), rows)
    yield "## Alerts\n"
    yield "The rules of `deploy/prometheus/alerts.yml`.\n"
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    named = [rule for group in rules["groups"] for rule in group["rules"]]
    rows = [(f"`{rule['alert']}`", *map(_without_values, rule["annotations"].values())) for rule in named]
    yield from table(("alert", "when", "what to do"), rows)


def warehouse() -> Iterator[str]:
    yield from head(
        "Tables and views of the warehouse",
        "What is kept of closed signals. Every row lies in the `day` on which its signal ended; rows of one"
        " signal share its `signal_id`. Types are GoogleSQL's. How to ask: [Ask the"
        " warehouse](../how-to/warehouse.md).",
    )
    for kept in reversed(TABLES):
        yield f"## {kept.name}\n"
        yield f"{kept.what} A row is named by {codes(kept.key)}.\n"
        rows = [
            (code(column.name), column.kind.value, column.what + ("" if column.required else " May be null."))
            for column in kept.columns
        ]
        yield from table(("column", "type", "what it is"), rows)
    yield "## Views\n"
    yield from table(("view", "what a row is"), [(code(name), views.meaning(name)) for name in views.NAMES])
    for name in views.NAMES:
        yield f"### {name}\n"
        yield f"```sql\n{views.query(name).strip()}\n```\n"


def _without_values(text: str) -> str:
    return re.sub(r"{{.*?}}", "…", text)


def _help(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> None:
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
