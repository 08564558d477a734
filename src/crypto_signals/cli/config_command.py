"""``sentinel config``: what the program would run with."""

from crypto_signals.cli.output import Format, FormatOption, print_json, print_table, say


def config(output: FormatOption = Format.TABLE) -> None:
    """The resolved configuration with secrets masked, and where each value came from."""
    from crypto_signals.config import load  # noqa: PLC0415 - the command line starts without it

    configuration = load()
    for warning in configuration.warnings:
        say(warning, "yellow")
    masked = configuration.masked()
    if output is Format.JSON:
        settings = {
            name.upper(): {"value": value, "origin": configuration.origins[name]}
            for name, value in masked.items()
        }
        whole = {
            "settings": settings,
            "strategies": [
                s.model_dump(mode="json") | {"version": s.version} for s in configuration.strategies
            ],
            "config_hash": configuration.hash,
        }
        print_json([whole])
        return
    rows = ((name.upper(), value, configuration.origins[name]) for name, value in masked.items())
    print_table("Settings", ("setting", "value", "from"), rows)
    for strategy in configuration.strategies:
        values = strategy.model_dump(mode="json").items()
        print_table(f"Strategy {strategy.name}, version {strategy.version}", ("key", "value"), values)
