"""The harmonic patterns as tables of leg ratios.

A shape is four to six swing points, oldest first. A leg is named by its two points: ``AD`` runs from A to D.
A ratio is one leg as a fraction of another, positive when the legs run the way in which the pattern needs
them to. Every leg is tied down: with X, A, B, C, D given, ``AB/XA``, ``BC/AB`` and ``AD/XA`` fix the shape
up to its size, and ``CD/BC`` (the BC projection) must hold as well.

| shape | ratios |
|---|---|
| ABCD | BC/AB 0.382–0.886; CD/AB 1 (AB=CD), 1.27 or 1.618 (alternates); CD/BC 1.13–2.618 for AB=CD |
| Gartley | AB/XA 0.618; BC/AB 0.382–0.886; CD/BC 1.13–1.618; AD/XA 0.786 |
| Bat | AB/XA 0.382–0.5; BC/AB 0.382–0.886; CD/BC 1.618–2.618; AD/XA 0.886 |
| Alternate Bat | AB/XA 0.236–0.382; BC/AB 0.382–0.886; CD/BC 2–3.618; AD/XA 1.13 |
| Butterfly | AB/XA 0.786; BC/AB 0.382–0.886; CD/BC 1.618–2.24; AD/XA 1.27 |
| Crab | AB/XA 0.382–0.618; BC/AB 0.382–0.886; CD/BC 2.24–3.618; AD/XA 1.618 |
| Deep Crab | AB/XA 0.886; BC/AB 0.382–0.886; CD/BC 2.24–3.618; AD/XA 1.618 |
| Shark | points 0XABC: XA/0X below 1; AB/XA 1.13–1.618; BC/AB 1.618–2.24; XC/0X 0.886–1.13 |
| Cypher | AB/XA 0.382–0.618; XC/XA 1.272–1.414; CD/XC 0.786 |
| 5-0 | AB/XA 1.13–1.618; BC/AB 1.618–2.24; CD/BC 0.5; CD/AB 0.809–1.12 (the reciprocal AB=CD) |
| Three Drives | both retracements 0.618–0.786 of the drive; both drives 1.272–1.618 of the retracement |
| Elliott impulse | 12/01 0.382–0.786; 34/23 0.236–0.5; 45/01 0.618–1.618; 3 passes 1, 5 passes 3 |

Sources: ABCD to 5-0 and Three Drives after Carney, Harmonic Trading vol. 1 and 2 (2010) and vol. 3 (2016),
compared with what he publishes on harmonictrader.com; the Gartley first in Gartley, Profits in the Stock
Market (1935); the Cypher after Oglesbee as commonly published; Elliott after Frost and Prechter, Elliott Wave
Principle (1978). Where what is published differs:

* Gartley: its BC projection begins at 1.27 in vol. 1, at 1.13 in later tables. B and D leave at least 1.3.
* Alternate Bat: 0.382 *or less* at B; here 0.236 is the least. B and D as published leave C hardly more than
  0.75–0.886, so it occurs a few times in 100,000 bars.
* Butterfly: others go up to 2.618 BC, and to 1.618 XA, where it would be a Crab.
* Crab: vol. 1 names 2.618, 3.14 and 3.618 BC, his pages 2.24 as well. B, C and D leave at least 2.8.
* Deep Crab: B "must be" 0.886, though he often sees it beyond, as long as X holds. Here it is 0.886, with the
  tolerance.
* Shark: he gives no ratio for A; others want 0.382–0.618, which is ideal here, and nothing is refused.
* Cypher: others begin at 1.13 for C.
* 5-0: his reciprocal AB=CD is one AB from C; CD/BC and BC/AB leave 0.809–1.12 of it.

Carney's AB=CD inside the five-point patterns is not a rule of its own here: the four ratios imply how long CD
is, in a Gartley 0.71 to 1.16 AB, in the others AB (which he calls the least) or more.

Time symmetry: CD and AB of an ABCD, and the drives of Three Drives, should take as many bars; within
0.618–1.618 of each other is ideal, beyond 0.382–2.618 the shape is refused.

Frost and Prechter's rules hold exactly: wave 2 never retraces all of wave 1 (its band ends before), wave 3 is
never the shortest of 1, 3 and 5 (longer than 1, or else longer than 5), wave 4 never enters the territory of
wave 1. The bands are the ratios that they call typical. A fifth wave that fails to pass the third is left
out.
"""

from dataclasses import dataclass
from math import inf, isinf

HARMONIC_NUMBERS = (0.382, 0.5, 0.618, 0.707, 0.786, 0.886, 1.0, 1.13, 1.27, 1.414, 1.618, 2.0, 2.24, 2.618,
                    3.14, 3.618)  # fmt: skip
"""Carney's retracements and projections."""

CARNEY = "Carney, Harmonic Trading vol. 1–3 (2010–2016)"
OGLESBEE = "Oglesbee, as commonly published"
FROST_PRECHTER = "Frost and Prechter, Elliott Wave Principle (1978)"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One leg as a fraction of another: ideal from ``low`` to ``high``, allowed a tolerance beyond them.

    ``limits``, where given, are the ends of what is allowed instead; both are open and take no tolerance.
    ``levels`` are the ratios at which traders draw the last point; none: the ratio projects nothing.
    ``in_time``: of the bars that the legs take, not of their prices.
    """

    leg: str
    of: str
    low: float
    high: float
    levels: tuple[float, ...] = ()
    limits: tuple[float, float] | None = None
    in_time: bool = False

    def allowed(self, tolerance: float) -> tuple[float, float]:
        """What the ratio must lie between.

        >>> Ratio("AB", "XA", 0.5, 1.0).allowed(0.1)
        (0.45, 1.1)
        """
        return self.limits or (self.low * (1 - tolerance), self.high * (1 + tolerance))

    def __str__(self) -> str:
        low, high = self.limits or (self.low, self.high)
        what = f"{self.leg}/{self.of}" + (" in bars" if self.in_time else "")
        if isinf(high):
            return f"{what} above {low:g}"
        if low == 0:
            return f"{what} below {high:g}"
        return f"{what} {low:g}" if low == high else f"{what} {low:g}–{high:g}"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which a shape may be built, and the ratio of a leg at which it is refuted."""

    ratios: tuple[Ratio, ...]
    refuted: tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern: its points (one character each, oldest first), their labels, and its variants.

    Targets are measured on the leg from the last point back to ``origin``. ``rule`` is what people should
    know beyond the ratios.
    """

    name: str
    points: str
    labels: tuple[str, ...]
    origin: str
    variants: tuple[Variant, ...]
    source: str
    rule: str = ""


def _exactly(leg: str, of: str, ratio: float) -> Ratio:
    return Ratio(leg, of, ratio, ratio)


def _completing(leg: str, of: str, low: float, high: float | None = None) -> Ratio:
    """A ratio of the last leg: it projects the reversal zone from the harmonic numbers that it spans."""
    high = low if high is None else high
    levels = tuple(number for number in HARMONIC_NUMBERS if low <= number <= high)
    return Ratio(leg, of, low, high, levels or (low,))


def _similar_times(leg: str, of: str) -> Ratio:
    return Ratio(leg, of, 0.618, 1.618, limits=(0.382, 2.618), in_time=True)


RETRACED_C = Ratio("BC", "AB", 0.382, 0.886)


def _xabcd(
    name: str, b: tuple[float, float], projection: tuple[float, float], d: float, refuted: float
) -> Shape:
    """A five-point pattern after Carney: B and D against XA, C against AB, D against BC too."""
    ratios = (
        Ratio("AB", "XA", *b),
        RETRACED_C,
        _completing("CD", "BC", *projection),
        _completing("AD", "XA", d),
    )
    return Shape(name, "XABCD", tuple("XABCD"), "A", (Variant(ratios, ("AD", "XA", refuted)),), CARNEY)


def _abcd(ratio: float, refuted: float, *more: Ratio) -> Variant:
    ratios = (RETRACED_C, _completing("CD", "AB", ratio), *more, _similar_times("CD", "AB"))
    return Variant(ratios, ("CD", "AB", refuted))


def _shark() -> Shape:
    ratios = (
        Ratio("XA", "0X", 0.382, 0.618, limits=(0.0, 1.0)),
        Ratio("AB", "XA", 1.13, 1.618),
        _completing("BC", "AB", 1.618, 2.24),
        _completing("XC", "0X", 0.886, 1.13),
    )
    return Shape("shark", "0XABC", tuple("0XABC"), "B", (Variant(ratios, ("XC", "0X", 1.27)),), CARNEY)


def _cypher() -> Shape:
    ratios = (
        Ratio("AB", "XA", 0.382, 0.618),
        Ratio("XC", "XA", 1.272, 1.414),
        _completing("CD", "XC", 0.786),
    )
    return Shape("cypher", "XABCD", tuple("XABCD"), "C", (Variant(ratios, ("CD", "XC", 1.0)),), OGLESBEE)


def _five_zero() -> Shape:
    ratios = (
        Ratio("AB", "XA", 1.13, 1.618),
        Ratio("BC", "AB", 1.618, 2.24),
        _completing("CD", "BC", 0.5),
        Ratio("CD", "AB", 0.809, 1.12, levels=(1.0,)),
    )
    return Shape("five_zero", "XABCD", tuple("XABCD"), "C", (Variant(ratios, ("CD", "BC", 0.618)),), CARNEY)


def _three_drives() -> Shape:
    ratios = (
        Ratio("1A", "01", 0.618, 0.786),
        Ratio("A2", "1A", 1.272, 1.618),
        Ratio("2B", "A2", 0.618, 0.786),
        Ratio("B3", "2B", 1.272, 1.618, levels=(1.272, 1.618)),
        _similar_times("A2", "01"),
        _similar_times("B3", "A2"),
    )
    labels = ("start", "drive 1", "A", "drive 2", "B", "drive 3")
    return Shape("three_drives", "01A2B3", labels, "0", (Variant(ratios, ("B3", "2B", 2.0)),), CARNEY)


def _elliott() -> Shape:
    common = (
        Ratio("12", "01", 0.382, 0.786),
        Ratio("23", "12", 1.0, inf, limits=(1.0, inf)),
        Ratio("34", "23", 0.236, 0.5),
        Ratio("34", "31", 0.0, 1.0, limits=(0.0, 1.0)),
        Ratio("45", "34", 1.0, inf, limits=(1.0, inf)),
        _completing("45", "01", 0.618, 1.618),
    )
    longer_than_1 = Ratio("23", "01", 1.618, 2.618, limits=(1.0, inf))
    longer_than_5 = Ratio("23", "45", 1.0, inf, limits=(1.0, inf))
    end_of_5 = ("45", "45", 1.0)
    return Shape(
        "elliott_impulse",
        "012345",
        ("start", "wave 1", "wave 2", "wave 3", "wave 4", "wave 5"),
        "0",
        (Variant((*common, longer_than_1), end_of_5), Variant((*common, longer_than_5), end_of_5)),
        FROST_PRECHTER,
        "Five waves are complete and a correction is due: the bullish one ends a fall.",
    )


SHAPES = (
    Shape(
        "abcd",
        "ABCD",
        tuple("ABCD"),
        "A",
        (
            _abcd(1.0, 1.27, _completing("CD", "BC", 1.13, 2.618)),
            _abcd(1.27, 1.618),
            _abcd(1.618, 2.0),
        ),
        CARNEY,
    ),
    _xabcd("gartley", (0.618, 0.618), (1.13, 1.618), 0.786, 1.0),
    _xabcd("bat", (0.382, 0.5), (1.618, 2.618), 0.886, 1.0),
    _xabcd("alternate_bat", (0.236, 0.382), (2.0, 3.618), 1.13, 1.27),
    _xabcd("butterfly", (0.786, 0.786), (1.618, 2.24), 1.27, 1.414),
    _xabcd("crab", (0.382, 0.618), (2.24, 3.618), 1.618, 2.0),
    _xabcd("deep_crab", (0.886, 0.886), (2.24, 3.618), 1.618, 2.0),
    _shark(),
    _cypher(),
    _five_zero(),
    _three_drives(),
    _elliott(),
)
"""Every harmonic shape."""
