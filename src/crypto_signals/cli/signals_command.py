"""``sentinel signals``: what is stored."""

from contextlib import closing, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, out, print_json, print_table, say
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto_signals.engine.ports import Store

application = typer.Typer(
    help="What is stored: signals, their events, and what is owed.", no_args_is_help=True
)


@application.command("list")
def list_signals(output: FormatOption = Format.TABLE) -> None:
    """Every stored signal, by bar."""
    from crypto_signals.engine.views import signal_view  # noqa: PLC0415 - the command line starts without it

    with _store() as store:
        signals = store.signals()
    if output is Format.JSON:
        print_json(signal_view(signal) for signal in signals)
        return
    columns = ("id", "symbol", "bar", "detector", "side", "status", "why", "R")
    print_table(
        counted(len(signals), "signal"),
        columns,
        (
            (
                signal.short_id,
                signal.symbol,
                f"{signal.bar_ts:%Y-%m-%d}"
                if signal.timeframe.is_daily
                else f"{signal.bar_ts:%Y-%m-%d %H:%M}",
                signal.detector,
                signal.direction.value,
                signal.status.value,
                ", ".join(gate.gate for gate in signal.failed_gates) or signal.exit_reason,
                None if signal.progress.result_r is None else f"{signal.progress.result_r:+.2f}",
            )
            for signal in signals
        ),
    )


@application.command("show")
def show_signal(signal_id: str, output: FormatOption = Format.TABLE) -> None:
    """One signal with its events and what is owed; the first letters of its id are enough."""
    from crypto_signals.engine.views import history_view  # noqa: PLC0415
    from crypto_signals.notifications.odds import odds_line  # noqa: PLC0415

    with _store() as store:
        signal, events, effects = store.signal(_whole_id(store, signal_id))
    story = history_view(signal, events, effects)
    if output is Format.JSON:
        print_json([story])
        return
    plain = {key: value for key, value in story.items() if key not in {"events", "effects", "confluence"}}
    plain["evidence"] = signal.evidence and odds_line(signal.evidence)
    print_table(f"Signal {signal.signal_id}", ("", "value"), ((k, _cell(v)) for k, v in plain.items() if v))
    told = ("seq", "type", "ts", "price", "fraction", "stop", "reason", "result_r", "detail")
    print_table("Events", told, ([_cell(event[name]) for name in told] for event in story["events"]))
    columns = ("seq", "kind", "status", "attempts", "done_at", "message_id", "error")
    print_table(
        "Effects", columns, ([_cell(effect[name]) for name in columns] for effect in story["effects"])
    )


class Shown(StrEnum):
    """As what a message is shown: as the terminal does, or as Discord is asked to."""

    CONSOLE = "console"
    DISCORD = "discord"


@application.command("preview")
def preview_message(
    signal_id: str,
    event: Annotated[int, typer.Option(min=1, help="The number of the event to tell of; 1 announces.")] = 1,
    kind: Annotated[
        EffectKind | None, typer.Option(help="Another message on that event than the usual one.")
    ] = None,
    channel: Annotated[Shown, typer.Option(help="Whose form the text has.")] = Shown.CONSOLE,
    output: FormatOption = Format.TABLE,
) -> None:
    """A message of a stored signal as people get it; nothing is sent. JSON is what Discord is given."""
    from crypto_signals.app.previewing import bodies, console_text, letter  # noqa: PLC0415

    with _store() as store:
        stored, events, _ = store.signal(_whole_id(store, signal_id))
    if event > len(events):
        raise UsageError(f"signal {stored.short_id} has {len(events)} events; see: sentinel signals show")
    if stored.is_shadow:
        refusing = ", ".join(gate.gate for gate in stored.failed_gates)
        say(f"nobody was told this: {refusing} refused the signal", "yellow")
    told = letter(stored, events, event, kind)
    if output is Format.JSON:
        print_json(bodies(told))
    elif channel is Shown.DISCORD:
        out().print_json(data=bodies(told), ensure_ascii=False)
    else:
        console_text(told, out())


@contextmanager
def _store() -> "Iterator[Store]":
    from crypto_signals import config  # noqa: PLC0415
    from crypto_signals.app.stores import store_to_read  # noqa: PLC0415

    store, note = store_to_read(config.load().settings)
    if note:
        say(note, "yellow")
    with closing(store):
        yield store


def _whole_id(store: "Store", start: str) -> str:
    if not start.strip():
        raise UsageError("give an id, or its first letters; see: sentinel signals list")
    known = [signal.signal_id for signal in store.signals() if signal.signal_id.startswith(start.lower())]
    if not known:
        raise UsageError(f"no stored signal has an id that starts with {start}; see: sentinel signals list")
    if len(known) > 1:
        raise UsageError(f"{len(known)} signals have an id that starts with {start}; give more of it")
    return known[0]


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "\n".join(str(_cell(item)) for item in value)
    if isinstance(value, dict):
        return value.get("detail", value)
    return value
