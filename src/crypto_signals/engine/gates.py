"""The gates: what each one measured, against what it asks for. Shorts mirror longs.

Whether one passes is said once, for numbers as for columns of them: a run asks about the setups of one bar,
research about those of many years.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import Bools, Floats
from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.signals import GateResult
from crypto_signals.domain.strategy import GateLimits, Gates
from crypto_signals.domain.vocabulary import Conviction

Readings = Mapping[str, float | None]
Number: TypeAlias = float | Floats
Answer: TypeAlias = bool | Bools


@dataclass(frozen=True, slots=True)
class Measured:
    """A setup in numbers, or many of one side in columns; NaN where something is not known."""

    side: int
    entry: Number
    stop: Number
    second_target: Number
    neckline: Number
    atr: Number
    volume_ratio: Number
    rsi: Number
    adx: Number

    @property
    def reward_to_risk(self) -> Number:
        return np.abs(self.second_target - self.entry) / np.abs(self.entry - self.stop)

    @property
    def stop_atrs(self) -> Number:
        return self.side * (self.entry - self.stop) / self.atr


def passes(name: str, setup: Measured, limits: GateLimits, gates: Gates) -> Answer:
    """Whether the quality gate ``name`` lets the setup pass; what is not known never does."""
    match name:
        case "volume":
            return setup.volume_ratio >= limits.volume_ratio
        case "rsi":
            return setup.rsi <= limits.rsi if setup.side > 0 else setup.rsi >= 100 - limits.rsi
        case "adx":
            return setup.adx >= limits.adx
        case "reward_to_risk":
            return setup.reward_to_risk >= limits.reward_to_risk
        case "bad_stop":
            return (gates.min_stop_atr <= setup.stop_atrs) & (setup.stop_atrs <= gates.max_stop_atr)
        case "neckline":
            return setup.side * (setup.entry - setup.neckline) > 0
    raise ValueError(f"there is no gate {name}")


def quality_gates(
    names: tuple[str, ...], detection: Detection, readings: Readings, conviction: Conviction, gates: Gates
) -> tuple[GateResult, ...]:
    """The gates ``names`` of the catalogue, applied to a detection and the readings of its bar."""
    limits, setup = gates.limits(conviction), _measured(detection, readings)
    return tuple(
        GateResult(name, bool(passes(name, setup, limits, gates)), *_SAID[name](setup, limits, gates))
        for name in names
    )


def portfolio_gate(
    name: str, detail: str, value: float | None = None, limit: float | None = None
) -> GateResult:
    """A refusal that comes from the other signals, not from the setup itself."""
    return GateResult(name, passed=False, value=value, limit=limit, detail=detail)


def evidence_gate(evidence: Evidence | None, least: float) -> GateResult:
    """Whether the lower end of the measured mean result is at least ``least`` R; of too few trades it is not
    known."""
    known = evidence is not None and evidence.verdict is not Verdict.TOO_FEW
    value = evidence.mean_r_lo if evidence is not None and known else None
    passed = value is not None and value >= least
    detail = _said("measured mean of {} R at least", value, "at least", least, 2)[2]
    return GateResult("evidence", passed, value, least, detail)


def _measured(found: Detection, readings: Readings) -> Measured:
    unknown = math.nan
    known = {name: unknown if (value := readings[name]) is None else value for name in _READ}
    neckline = unknown if found.neckline is None else found.neckline
    side, targets = found.direction.side, found.targets
    return Measured(side, found.entry, found.stop, targets[1], neckline, found.atr, **known)


Said = tuple[float | None, float | None, str]
"""What was measured, what is asked for, and both in words."""


def _volume(setup: Measured, limits: GateLimits, _: Gates) -> Said:
    return _at_least(setup.volume_ratio, limits.volume_ratio, "volume {} times its 20-bar average")


def _rsi(setup: Measured, limits: GateLimits, _: Gates) -> Said:
    if setup.side < 0:
        return _at_least(setup.rsi, 100 - limits.rsi, "RSI {}", digits=1)
    return _said("RSI {}", _known(setup.rsi), "at most", limits.rsi, 1)


def _adx(setup: Measured, limits: GateLimits, _: Gates) -> Said:
    return _at_least(setup.adx, limits.adx, "ADX {}", digits=1)


def _reward_to_risk(setup: Measured, limits: GateLimits, _: Gates) -> Said:
    return _at_least(setup.reward_to_risk, limits.reward_to_risk, "target 2 pays {} R")


def _bad_stop(setup: Measured, _: GateLimits, gates: Gates) -> Said:
    value = float(setup.stop_atrs)
    low, high = gates.min_stop_atr, gates.max_stop_atr
    limit = low if value < low else high
    return value, limit, f"stop {_number(value, limit, 2)} ATR away, asked for {low:g} to {high:g}"


def _neckline(setup: Measured, _: GateLimits, __: Gates) -> Said:
    close, level = float(setup.entry), _known(setup.neckline)
    where = "unknown" if level is None else _number(level, close, 4)
    return close, level, f"close {_number(close, level, 4)}, neckline {where}"


def _at_least(value: Number, limit: float, text: str, digits: int = 2) -> Said:
    return _said(text, _known(value), "at least", limit, digits)


def _said(text: str, value: float | None, relation: str, limit: float, digits: int) -> Said:
    measured = "unknown" if value is None else _number(value, limit, digits)
    return value, limit, f"{text.format(measured)}, asked for {relation} {limit:g}"


def _known(value: Number) -> float | None:
    return None if math.isnan(value) else float(value)


def _number(value: float, other: float | None, digits: int) -> str:
    """``value`` with as many digits as it takes to tell it from ``other``: a near miss reads as one."""
    for more in range(digits, 13):
        text = f"{value:.{more}f}"
        if other is None or value == other or float(text) != round(other, more):
            return text
    return repr(value)


_READ = ("volume_ratio", "rsi", "adx")
_SAID: dict[str, Callable[[Measured, GateLimits, Gates], Said]] = {
    "volume": _volume,
    "rsi": _rsi,
    "adx": _adx,
    "reward_to_risk": _reward_to_risk,
    "bad_stop": _bad_stop,
    "neckline": _neckline,
}
PORTFOLIO_GATES = frozenset({"evidence", "not_shortable", "conflict", "slot", "cooldown", "over_budget"})
"""Those that say nothing of the setup itself."""
GATE_NAMES = (*_SAID, "evidence", "not_shortable", "conflict", "slot", "cooldown", "over_budget")
