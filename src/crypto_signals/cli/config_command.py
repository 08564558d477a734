"""``sentinel config``: what the program would run with."""

from typing import TYPE_CHECKING, Any

from crypto_signals.cli.output import Format, FormatOption, print_json, print_table, say, say_faults

if TYPE_CHECKING:
    from crypto_signals.config import Configuration


def config(output: FormatOption = Format.TABLE) -> None:
    """The resolved configuration with secrets masked, and where each value came from."""
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.config import load  # noqa: PLC0415

    configuration = load()
    for warning in configuration.warnings:
        say(warning, "yellow")
    with own_detectors(configuration) as known:
        detection = known.catalogue.fingerprint
        say_faults(known.faults)
    whole = _whole(configuration, detection)
    if output is Format.JSON:
        print_json([whole])
    else:
        _tables(whole)


def _whole(configuration: "Configuration", detection: str) -> dict[str, Any]:
    settings = {
        name.upper(): {"value": value, "origin": configuration.origins[name]}
        for name, value in configuration.masked().items()
    }
    strategies = [
        strategy.model_dump(mode="json") | {"version": strategy.version(detection)}
        for strategy in configuration.strategies
    ]
    return {
        "settings": settings,
        "detectors": configuration.detectors.model_dump(mode="json") | {"fingerprint": detection},
        "messages": configuration.messages.model_dump(mode="json"),
        "strategies": strategies,
        "config_hash": configuration.hash,
    }


def _tables(whole: dict[str, Any]) -> None:
    rows = ((name, cell["value"], cell["origin"]) for name, cell in whole["settings"].items())
    print_table("Settings", ("setting", "value", "from"), rows)
    detectors = dict(whole["detectors"])
    title = f"Detectors, fingerprint {detectors.pop('fingerprint')}"
    print_table(title, ("key", "value"), detectors.items())
    print_table("Messages", ("key", "value"), whole["messages"].items())
    for strategy in whole["strategies"]:
        values = dict(strategy)
        title = f"Strategy {strategy['name']}, version {values.pop('version')}"
        print_table(title, ("key", "value"), values.items())
