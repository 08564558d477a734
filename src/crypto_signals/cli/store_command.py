"""``sentinel store``: what concerns a store as a whole."""

from typing import Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, notes, print_json, say
from crypto_signals.domain.errors import LeaseHeld, StoreUnusable
from crypto_signals.domain.wording import counted
from crypto_signals.home import HeldByAnother

application = typer.Typer(help="Stores as a whole: copy one into another.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The address of a store, as in STORE_URL.", show_default=False)]


@application.callback()
def store() -> None:
    """Stores as a whole."""


@application.command("copy")
def copy(source: Address, target: Address, output: FormatOption = Format.TABLE) -> None:
    """Copy everything from the store SOURCE into the empty store TARGET, and verify it row by row.

    A copy that was interrupted goes on where it was. A password need not stand on the command line: leave it
    out and set PGPASSWORD, or use ~/.pgpass.
    """
    try:
        rows = _copied(source, target)
    except (HeldByAnother, LeaseHeld) as holder:
        who = str(holder).removesuffix("; nothing was done here.")
        raise StoreUnusable(
            f"nothing was copied: {who}. Stop it, or wait until its run has ended, and copy again."
        ) from None
    if output is Format.JSON:
        print_json([{"rows": rows, "verified": True}])
    else:
        say(f"{counted(rows, 'row')} copied; both stores hold the same")


def _copied(source: str, target: str) -> int:
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.stores import two_stores  # noqa: PLC0415
    from crypto_signals.engine.copying import copy as copied  # noqa: PLC0415

    rows = 0
    with two_stores(config.load().settings, source, target) as (one, other):
        for number in copied(one, other):
            rows += number
            notes().print(f"{counted(rows, 'row')} so far")
    return rows
