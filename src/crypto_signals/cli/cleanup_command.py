"""``sentinel cleanup``: archives what is over, deletes what has outlived its time."""

from collections.abc import Iterable
from contextlib import closing
from typing import Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, counted, notes, print_json, print_table


def cleanup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be archived and deleted.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Archive closed signals, and delete those whose time to live has passed. Open ones are never touched."""
    from crypto_signals import app, config  # noqa: PLC0415 - the command line starts without them

    settings = config.load().settings
    now = app.now(settings)
    if dry_run:
        store, _ = app.store_to_read(settings)
        with closing(store):
            counts = app.keeper(settings, store).prospects(now)
    else:
        with app.own_store(settings) as store:
            keeper = app.keeper(settings, store)
            archived = _summed(keeper.archived(), "archived")
            counts = {"archived": archived, "deleted": _summed(keeper.cleaned(now), "deleted")}
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
