"""``sentinel why SYMBOL``: what every detector and every gate says of the newest bar."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crypto_signals.cli.output import Format, FormatOption, print_json, print_table, say, say_faults

if TYPE_CHECKING:
    from crypto_signals.engine.why import Explanation, Verdict


def why(
    symbol: str,
    bars: Annotated[list[Path] | None, typer.Option("--bars", help="Look into these files instead.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """For the newest bar: each detector and each gate, with the numbers, and which one said no."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.explaining import explain  # noqa: PLC0415
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415
    from crypto_signals.engine.views import iso  # noqa: PLC0415
    from crypto_signals.market.quality import summarise  # noqa: PLC0415

    configuration = config.load()
    with own_detectors(configuration) as known:
        answer = explain(configuration, known, symbol, bars)
        say_faults(known.faults)
    for line in summarise(answer.problems):
        say(line, "yellow")
    if output is Format.JSON:
        print_json(_json(symbol, iso(answer.ts), verdict) for verdict in answer.verdicts)
    else:
        _tables(symbol, answer)
    raise typer.Exit(bool(known.faults))


def _tables(symbol: str, answer: "Explanation") -> None:
    from crypto_signals.notifications.odds import odds_line  # noqa: PLC0415

    found = [verdict for verdict in answer.verdicts if verdict.fired]
    title = f"{symbol}, bar of {answer.ts:%Y-%m-%d %H:%M} UTC, strategy {answer.strategy}"
    print_table(title, ("reading", "value"), ((k, _number(v)) for k, v in answer.readings.items()))
    gates = [
        (verdict.detector, gate.gate, "passed" if gate.passed else "refused", gate.detail)
        for verdict in found
        for gate in verdict.gates
    ]
    if gates:
        print_table("Gates", ("detector", "gate", "said", "measured"), gates)
        odds = ((v.detector, odds_line(v.evidence)) for v in found if v.gates)
        print_table("Odds", ("detector", "measured"), odds)
    columns = ("detector", "side", "role", "says")
    rows = (
        (v.detector, v.direction, v.role, v.says) for v in sorted(answer.verdicts, key=lambda v: not v.fired)
    )
    print_table(f"{len(found)} of {len(answer.verdicts)} detectors fired", columns, rows)
    say(answer.outcome)


def _json(symbol: str, ts: str | None, verdict: "Verdict") -> dict[str, Any]:
    from crypto_signals.engine.views import evidence_view  # noqa: PLC0415

    return {
        "symbol": symbol,
        "ts": ts,
        "detector": verdict.detector,
        "direction": verdict.direction,
        "role": verdict.role,
        "fired": verdict.fired,
        "says": verdict.says,
        "gates": [
            {"gate": g.gate, "passed": g.passed, "value": g.value, "limit": g.limit, "detail": g.detail}
            for g in verdict.gates
        ],
        "evidence": None if verdict.evidence is None else evidence_view(verdict.evidence),
    }


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
