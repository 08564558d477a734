"""``sentinel warehouse``: what is kept of closed signals, and what it says."""

import math
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, notes, print_json, print_table, say
from crypto_signals.domain.wording import counted

application = typer.Typer(
    help="Closed signals, kept for good: bring them there, and ask.", no_args_is_help=True
)

Question = Annotated[
    str,
    typer.Argument(metavar="SQL|NAME", help="A query, or the name of a table or view.", show_default=False),
]


@application.command("sync")
def sync(
    again: Annotated[
        bool, typer.Option("--again", help="Also what was brought before: to a warehouse that was lost.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Bring every closed signal that owes nothing to the warehouse, as each run does with some of them.

    What was interrupted is taken up where it was; nothing is there twice. What is there may be deleted
    from the store when its time to live has passed, by a run or by sentinel cleanup.
    """
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import stores  # noqa: PLC0415
    from crypto_signals.process import RunBudget  # noqa: PLC0415

    settings, total, budget = config.load().settings, 0, RunBudget(math.inf)
    with stores.own_store(settings, budget) as store:
        keeper = stores.keeper(settings, store, budget)
        for number in chain(keeper.archived(), keeper.again() if again else ()):
            total += number
            notes().print(f"{counted(total, 'signal')} so far")
    if output is Format.JSON:
        print_json([{"place": keeper.warehouse().place, "signals": total}])
    else:
        say(f"{counted(total, 'signal')} brought to {keeper.warehouse().place}")


@application.command("query")
def query(question: Question, output: FormatOption = Format.TABLE) -> None:
    """Ask the warehouse, in its own SQL; or show a whole table or view by its name (see status)."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.stores import warehouse  # noqa: PLC0415
    from crypto_signals.process import RunBudget  # noqa: PLC0415
    from crypto_signals.warehouse.star import NAMES  # noqa: PLC0415

    settings = config.load().settings
    whole = f"SELECT * FROM {question} ORDER BY 1, 2, 3"  # noqa: S608 - asked for a name of our own alone
    asked = whole if question in NAMES else question
    answer = warehouse(settings, RunBudget(settings.run_budget_seconds)).ask(asked)
    if output is Format.JSON:
        print_json({name: _plain(value) for name, value in row.items()} for row in answer.rows)
    else:
        cells = [[_cell(row[column]) for column in answer.columns] for row in answer.rows]
        print_table(counted(len(cells), "row"), answer.columns, cells)


@application.command("status")
def status(output: FormatOption = Format.TABLE) -> None:
    """Where the warehouse is, what it holds, and what is not there yet."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import stores  # noqa: PLC0415
    from crypto_signals.app.live import now  # noqa: PLC0415
    from crypto_signals.process import RunBudget  # noqa: PLC0415
    from crypto_signals.warehouse import views  # noqa: PLC0415

    settings = config.load().settings
    store, note = stores.store_to_read(settings)
    with closing(store):
        keeper = stores.keeper(settings, store, RunBudget(settings.run_budget_seconds))
        waiting = keeper.prospects(now(settings))["archived"]
    held = keeper.warehouse().holdings()
    if output is Format.JSON:
        tables = [
            {"name": one.name, "rows": one.rows, "first": _plain(one.first), "last": _plain(one.last)}
            for one in held
        ]
        print_json([{"place": keeper.warehouse().place, "waiting": waiting, "tables": tables}])
        return
    if note:
        say(note, "yellow")
    if held:
        lines: list[tuple[object, ...]] = [
            (one.name, one.rows, one.first, one.last, one.what) for one in held
        ]
        lines += [(name, "view", None, None, views.meaning(name)) for name in views.NAMES]
        print_table(keeper.warehouse().place, ("name", "rows", "first", "last", "what a row is"), lines)
    else:
        say(f"there is no warehouse at {keeper.warehouse().place} yet: the first closed signal makes it")
    if waiting:
        said = "not there yet; the next runs bring them, or sentinel warehouse sync"
        say(f"{counted(waiting, 'closed signal')} {said}")


def _cell(value: object) -> object:
    """A figure that a person can read: a price has six digits, and no exponent."""
    return f"{value:.6g}" if isinstance(value, float) else _plain(value)


def _plain(value: object) -> object:
    """As JSON has it: times in UTC with Z, numbers as numbers; what is not finite is null."""
    from crypto_signals.engine.views import iso  # noqa: PLC0415 - the command line starts without it

    if isinstance(value, datetime):
        return iso(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, Decimal | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, int) else str(value)
