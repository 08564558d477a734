"""``sentinel patterns``: the catalogue, with the user's own detectors."""

import typer

from crypto_signals.cli.output import Format, FormatOption, print_json, print_table, say_faults


def patterns(output: FormatOption = Format.TABLE) -> None:
    """Every pattern that is looked for: what it is, where its definition comes from, what it must pass."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415

    with own_detectors(config.load()) as known:
        catalogue = known.catalogue
        say_faults(known.faults)
    if output is Format.JSON:
        print_json(
            {
                "name": entry.name,
                "family": entry.family.value,
                "role": entry.role.value,
                "direction": entry.direction.value,
                "warm_up_bars": entry.warm_up_bars,
                "gates": list(entry.gates),
                "needs_gap": entry.needs_gap,
                "definition": entry.definition,
                "source": entry.source,
            }
            for entry in catalogue
        )
        raise typer.Exit(bool(known.faults))
    columns = ("name", "family", "role", "side", "warm-up", "gates", "definition", "source")
    rows = (
        (
            entry.name,
            entry.family.value,
            entry.role.value,
            entry.direction.value,
            entry.warm_up_bars,
            ", ".join(entry.gates),
            entry.definition + (" Not for crypto: it needs a gap." if entry.needs_gap else ""),
            entry.source,
        )
        for entry in catalogue
    )
    print_table(f"{len(catalogue)} patterns", columns, rows)
    raise typer.Exit(bool(known.faults))
