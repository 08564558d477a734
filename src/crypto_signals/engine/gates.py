"""The gates: what each one measured, against what it asks for. Shorts mirror longs."""

from collections.abc import Callable, Mapping

from crypto_signals.analysis.detections import Detection
from crypto_signals.domain.signals import GateResult
from crypto_signals.domain.strategy import GateLimits, Gates
from crypto_signals.domain.vocabulary import Conviction, Direction

Readings = Mapping[str, float | None]


def quality_gates(
    names: tuple[str, ...], detection: Detection, readings: Readings, conviction: Conviction, gates: Gates
) -> tuple[GateResult, ...]:
    """The gates ``names`` of the catalogue, applied to a detection and the readings of its bar."""
    limits = gates.limits(conviction)
    return tuple(_QUALITY[name](detection, readings, limits, gates) for name in names)


def portfolio_gate(
    name: str, detail: str, value: float | None = None, limit: float | None = None
) -> GateResult:
    """A refusal that comes from the other signals, not from the setup itself."""
    return GateResult(name, passed=False, value=value, limit=limit, detail=detail)


def _volume(_: Detection, readings: Readings, limits: GateLimits, __: Gates) -> GateResult:
    value = readings["volume_ratio"]
    return _at_least("volume", value, limits.volume_ratio, "volume {} times its 20-bar average")


def _rsi(detection: Detection, readings: Readings, limits: GateLimits, _: Gates) -> GateResult:
    value = readings["rsi"]
    if detection.direction is Direction.SHORT:
        return _at_least("rsi", value, 100 - limits.rsi, "RSI {}", digits=1)
    passed = value is not None and value <= limits.rsi
    return GateResult("rsi", passed, value, limits.rsi, _said("RSI {}", value, "at most", limits.rsi, 1))


def _adx(_: Detection, readings: Readings, limits: GateLimits, __: Gates) -> GateResult:
    return _at_least("adx", readings["adx"], limits.adx, "ADX {}", digits=1)


def _reward_to_risk(detection: Detection, _: Readings, limits: GateLimits, __: Gates) -> GateResult:
    value = detection.reward_to_risk
    return _at_least("reward_to_risk", value, limits.reward_to_risk, "target 2 pays {} R")


def _bad_stop(detection: Detection, _: Readings, __: GateLimits, gates: Gates) -> GateResult:
    side = detection.direction.side
    value = side * (detection.entry - detection.stop) / detection.atr
    low, high = gates.min_stop_atr, gates.max_stop_atr
    limit = low if value < low else high
    detail = f"stop {_number(value, limit, 2)} ATR away, asked for {low:g} to {high:g}"
    return GateResult("bad_stop", low <= value <= high, value, limit, detail)


def _neckline(detection: Detection, _: Readings, __: GateLimits, ___: Gates) -> GateResult:
    close, level, side = detection.entry, detection.neckline, detection.direction.side
    passed = level is not None and side * (close - level) > 0
    where = "unknown" if level is None else _number(level, close, 4)
    return GateResult("neckline", passed, close, level, f"close {_number(close, level, 4)}, neckline {where}")


def _at_least(gate: str, value: float | None, limit: float, text: str, digits: int = 2) -> GateResult:
    passed = value is not None and value >= limit
    return GateResult(gate, passed, value, limit, _said(text, value, "at least", limit, digits))


def _said(text: str, value: float | None, relation: str, limit: float, digits: int) -> str:
    measured = "unknown" if value is None else _number(value, limit, digits)
    return f"{text.format(measured)}, asked for {relation} {limit:g}"


def _number(value: float, other: float | None, digits: int) -> str:
    """``value`` with as many digits as it takes to tell it from ``other``: a near miss reads as one."""
    for more in range(digits, 13):
        text = f"{value:.{more}f}"
        if other is None or value == other or float(text) != round(other, more):
            return text
    return repr(value)


_QUALITY: dict[str, Callable[[Detection, Readings, GateLimits, Gates], GateResult]] = {
    "volume": _volume,
    "rsi": _rsi,
    "adx": _adx,
    "reward_to_risk": _reward_to_risk,
    "bad_stop": _bad_stop,
    "neckline": _neckline,
}
GATE_NAMES = (*_QUALITY, "not_shortable", "conflict", "slot", "cooldown", "over_budget")
