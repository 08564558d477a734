"""Each gate against its limit: long and short, NORMAL and HIGH."""

import datetime as dt
import re
from dataclasses import replace

import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.detections import Detection
from crypto_signals.domain.signals import GateResult
from crypto_signals.domain.strategy import GateLimits, Gates
from crypto_signals.domain.vocabulary import Conviction, Direction, Family, Role
from crypto_signals.engine.gates import GATE_NAMES, quality_gates

LONG, SHORT = Direction.LONG, Direction.SHORT
NORMAL, HIGH = Conviction.NORMAL, Conviction.HIGH
GOOD = {"volume_ratio": 2.0, "rsi": 50.0, "adx": 30.0}
STAMP = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
BARELY = 1e-9


def found(
    direction: Direction = LONG,
    *,
    stop: float = 2.0,
    second: float = 8.0,
    neckline: float | None = 1.0,
    atr: float = 2.0,
) -> Detection:
    """A detection at 100; ``stop``, ``second`` target and ``neckline`` are distances: the stop and the
    neckline behind the close, the target ahead."""
    side = direction.side
    return Detection(
        symbol="SPY",
        index=0,
        ts=STAMP,
        detector="test",
        family=Family.CHART,
        role=Role.TRIGGER,
        direction=direction,
        strength=100.0,
        confirmed_at=STAMP,
        anchors=(),
        entry=100.0,
        stop=100.0 - side * stop,
        targets=(100.0 + side * second / 2, 100.0 + side * second, 100.0 + side * second * 2),
        invalidation=None,
        neckline=None if neckline is None else 100.0 - side * neckline,
        duration_days=1.0,
        atr=atr,
    )


def judged(
    name: str,
    detection: Detection | None = None,
    conviction: Conviction = NORMAL,
    gates: Gates | None = None,
    **readings: float | None,
) -> GateResult:
    (result,) = quality_gates((name,), detection or found(), GOOD | readings, conviction, gates or Gates())
    return result


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("conviction", "limit"), [(NORMAL, 1.5), (HIGH, 1.3)])
def test_volume(direction: Direction, conviction: Conviction, limit: float) -> None:
    """Volume of at least 1.5 (HIGH: 1.3) times its average passes, for both sides; exactly so much passes."""
    assert judged("volume", found(direction), conviction, volume_ratio=limit).passed
    refused = judged("volume", found(direction), conviction, volume_ratio=limit - BARELY)
    assert not refused.passed
    assert (refused.value, refused.limit) == (limit - BARELY, limit)


@pytest.mark.parametrize("conviction", Conviction)
def test_rsi(conviction: Conviction) -> None:
    """A long needs RSI of at most 70, a short at least 30, whatever the conviction."""
    assert judged("rsi", conviction=conviction, rsi=70.0).passed
    assert not judged("rsi", conviction=conviction, rsi=70.0 + BARELY).passed
    assert judged("rsi", conviction=conviction, rsi=5.0).passed
    assert judged("rsi", found(SHORT), conviction, rsi=30.0).passed
    assert not judged("rsi", found(SHORT), conviction, rsi=30.0 - BARELY).passed
    assert judged("rsi", found(SHORT), conviction, rsi=95.0).passed


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("conviction", "limit"), [(NORMAL, 25.0), (HIGH, 20.0)])
def test_adx(direction: Direction, conviction: Conviction, limit: float) -> None:
    """ADX of at least 25 (HIGH: 20) passes; it has no side."""
    assert judged("adx", found(direction), conviction, adx=limit).passed
    assert not judged("adx", found(direction), conviction, adx=limit - BARELY).passed


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("conviction", "limit"), [(NORMAL, 1.5), (HIGH, 1.2)])
def test_reward_to_risk(direction: Direction, conviction: Conviction, limit: float) -> None:
    """Reward-to-risk is |target 2 - entry| / R, and at least 1.5 (HIGH: 1.2)."""
    passed = judged("reward_to_risk", found(direction, stop=8.0, second=8.0 * limit + 2**-20), conviction)
    refused = judged("reward_to_risk", found(direction, stop=8.0, second=8.0 * limit - 2**-20), conviction)
    assert passed.passed
    assert not refused.passed
    assert refused.limit == limit


@pytest.mark.parametrize("direction", Direction)
def test_exactly_enough_reward_passes(direction: Direction) -> None:
    """1.5 is at least 1.5."""
    assert judged("reward_to_risk", found(direction, stop=8.0, second=12.0)).passed


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("conviction", Conviction)
def test_bad_stop(direction: Direction, conviction: Conviction) -> None:
    """The stop is at least 0.5 and at most 4 ATR away, both ends included, on both sides."""
    for distance, passes in ((1.0, True), (0.99, False), (8.0, True), (8.01, False)):
        result = judged("bad_stop", found(direction, stop=distance, atr=2.0), conviction)
        assert result.passed is passes
        assert result.value == pytest.approx(distance / 2)
    assert judged("bad_stop", found(direction, stop=0.5)).limit == 0.5
    assert judged("bad_stop", found(direction, stop=9.0)).limit == 4.0


@pytest.mark.parametrize("direction", Direction)
def test_neckline(direction: Direction) -> None:
    """The close must lie beyond the neckline, not on it; an unknown neckline refuses."""
    assert judged("neckline", found(direction, neckline=0.01)).passed
    assert not judged("neckline", found(direction, neckline=0.0)).passed
    assert not judged("neckline", found(direction, neckline=-0.01)).passed
    assert not judged("neckline", found(direction, neckline=None)).passed


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("gate", "reading"), [("volume", "volume_ratio"), ("rsi", "rsi"), ("adx", "adx")])
def test_an_unknown_reading_refuses(direction: Direction, gate: str, reading: str) -> None:
    """What could not be measured passes no gate, and the refusal says so."""
    result = judged(gate, found(direction), **{reading: None})
    assert not result.passed
    assert result.value is None
    assert "unknown" in result.detail


@pytest.mark.parametrize("direction", Direction)
def test_every_refusal_says_its_numbers(direction: Direction) -> None:
    """The detail of a refusal holds what was measured and what was asked for."""
    weak = found(direction, stop=1.25 * 8, second=4.5, neckline=-3.25)
    readings = {"volume_ratio": 0.62, "rsi": 81.5 if direction is LONG else 18.5, "adx": 11.25}
    names = ("volume", "rsi", "reward_to_risk", "bad_stop", "neckline", "adx")
    for result in quality_gates(names, weak, readings, NORMAL, Gates()):
        assert not result.passed
        assert result.value is not None
        assert result.limit is not None
        said = numbers(result.detail)
        assert any(n == pytest.approx(result.value, abs=0.06) for n in said), result
        assert any(n == pytest.approx(result.limit, abs=0.01) for n in said), result


@pytest.mark.parametrize(
    ("gate", "readings"),
    [("volume", {"volume_ratio": 1.499}), ("rsi", {"rsi": 70.02}), ("adx", {"adx": 24.97})],
)
def test_a_near_miss_reads_as_a_miss(gate: str, readings: dict[str, float]) -> None:
    """ "With numbers in every refusal": the number shown must not itself satisfy what was asked for."""
    result = judged(gate, **readings)
    said, asked = result.detail.split(", asked for ")
    assert not result.passed
    assert numbers(said)[0] != numbers(asked)[0], result.detail


def test_a_near_miss_at_the_neckline_reads_as_a_miss() -> None:
    """A close a dollar behind a neckline above 1,000,000 does not read as if both were equal."""
    result = judged("neckline", replace(found(), entry=1_234_567.0, neckline=1_234_568.0))
    close, level = result.detail.removeprefix("close ").split(", neckline ")
    assert not result.passed
    assert close != level, result.detail


def test_limits_come_from_the_strategy() -> None:
    """Every limit can be set, for each conviction on its own."""
    gates = Gates(normal=GateLimits(volume_ratio=0.5, rsi=90, adx=5, reward_to_risk=0.1), max_stop_atr=40)
    assert judged("volume", gates=gates, volume_ratio=0.5).passed
    assert judged("rsi", gates=gates, rsi=90.0).passed
    assert judged("rsi", found(SHORT), gates=gates, rsi=10.0).passed
    assert judged("adx", gates=gates, adx=5.0).passed
    assert judged("reward_to_risk", found(second=0.2), gates=gates).passed
    assert judged("bad_stop", found(stop=80.0), gates=gates).passed
    assert not judged("volume", conviction=HIGH, gates=gates, volume_ratio=1.29).passed


def test_the_catalogue_asks_for_the_gates_of_the_rules() -> None:
    """Candlesticks: volume, RSI, reward-to-risk; chart breakouts also the neckline; flags also ADX."""
    for entry in CATALOGUE:
        assert {"volume", "rsi", "reward_to_risk", "bad_stop"} <= set(entry.gates) <= set(GATE_NAMES)
        assert ("neckline" in entry.gates) == (entry.family is Family.CHART)
        assert ("adx" in entry.gates) == any(word in entry.name for word in ("flag", "pennant", "channel"))
