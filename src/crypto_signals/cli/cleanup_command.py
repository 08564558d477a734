"""``sentinel cleanup``: brings what is over to the warehouse, deletes what has outlived its time."""

import math
from collections.abc import Iterable
from contextlib import closing
from typing import Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, notes, print_json, print_table
from crypto_signals.domain.wording import counted


def cleanup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be kept for good, and deleted.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Bring closed signals to the warehouse, and delete those whose time to live has passed.

    Open ones are never touched.
    """
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import stores  # noqa: PLC0415
    from crypto_signals.app.live import now  # noqa: PLC0415
    from crypto_signals.process import RunBudget  # noqa: PLC0415

    settings, budget = config.load().settings, RunBudget(math.inf)
    moment = now(settings)
    if dry_run:
        store, _ = stores.store_to_read(settings)
        with closing(store):
            counts = stores.keeper(settings, store, budget).prospects(moment)
    else:
        with stores.own_store(settings, budget) as store:
            keeper = stores.keeper(settings, store, budget)
            archived = _summed(keeper.archived(), "archived")
            counts = {"archived": archived, "deleted": _summed(keeper.cleaned(moment), "deleted")}
    counts = {"dry_run": dry_run, **counts}
    if output is Format.JSON:
        print_json([counts])
    else:
        title = "Clean-up, not done yet" if dry_run else "Clean-up"
        print_table(title, ("", "signals"), [(k, v) for k, v in counts.items() if k != "dry_run"])


def _summed(batches: Iterable[int], word: str) -> int:
    total = 0
    for number in batches:
        total += number
        notes().print(f"{counted(total, 'signal')} {word} so far")
    return total
