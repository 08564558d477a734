"""The lines and labels of a pattern: what a chartist would draw besides its anchors."""

import pytest

from crypto_signals.pictures.outline import are_candles, lines, short_labels


def test_a_head_and_shoulders_has_its_neckline() -> None:
    """Through both lows between head and shoulders, on to the breakout."""
    points = {
        "left shoulder": (0.0, 9.0), "low 1": (2.0, 5.0), "head": (4.0, 12.0), "low 2": (6.0, 6.0),
        "right shoulder": (8.0, 9.0), "breakout": (10.0, 6.5),
    }  # fmt: skip
    assert lines(points) == [((2.0, 5.0), (10.0, 7.0))]


@pytest.mark.parametrize(("names", "level"), [(("high 1", "high 2"), 7.0), (("low 1", "low 2"), 5.0)])
def test_a_triple_breaks_the_further_of_its_valleys(names: tuple[str, str], level: float) -> None:
    """A bottom the higher high between its lows, a top the lower low; level, from the first on."""
    points = {names[0]: (2.0, 5.0), names[1]: (6.0, 7.0), "breakout": (10.0, 8.0)}
    assert lines(points) == [((2.0, level), (10.0, level))]


def test_five_touches_make_two_lines() -> None:
    """One through the first and the fifth, one through the second and the fourth, both to the breakout."""
    points = {f"touch {n}": (2.0 * n, 10.0 + n * (-1) ** n) for n in range(1, 6)}
    upper, lower = (2.0, 9.0), (4.0, 12.0)
    found = lines(points | {"breakout": (12.0, 20.0)})
    assert found == [(upper, (12.0, 4.0)), (lower, (12.0, 16.0))]


@pytest.mark.parametrize("first", ["peak", "valley", "right lip", "rim"])
def test_a_single_point_gives_a_level(first: str) -> None:
    """The line of doubles, cups and bowls."""
    assert lines({first: (3.0, 10.0), "breakout": (9.0, 11.0)}) == [((3.0, 10.0), (9.0, 10.0))]


def test_what_has_no_breakout_has_no_line() -> None:
    """Harmonics and candles are joined by their anchors alone, or not at all."""
    assert lines({name: (float(n), 1.0) for n, name in enumerate("XABCD")}) == []


def test_candles_are_numbered() -> None:
    """Their labels fit beside each other; a single candle, which the signal's shade marks, has none."""
    assert short_labels(["candle 1", "candle 2", "confirmation"]) == ["1", "2", "confirmation"]
    assert short_labels(["candle 1"]) == [""]
    assert short_labels(["X", "A"]) == ["X", "A"]
    assert are_candles(["candle 1", "confirmation"])
    assert not are_candles(["X"])
