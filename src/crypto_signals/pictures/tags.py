"""Labels beside their levels, moved apart where they would overlap."""

from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near ``wanted``, in the same order by height, at least ``gap`` apart, within ``low`` to
    ``high`` where there is room for all.

    >>> spread([10.0, 11.0], 4.0, 0.0, 100.0)
    [8.5, 12.5]
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    groups: list[list[float]] = []  # centre, count
    for index in order:
        groups.append([min(max(wanted[index], low), high), 1.0])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], gap):
            (centre, count), (other, more) = groups[-2], groups.pop()
            groups[-1] = _within(
                [(centre * count + other * more) / (count + more), count + more], gap, low, high
            )
    places = [0.0] * len(wanted)
    ranked = iter(order)
    for centre, count in groups:
        for step in range(int(count)):
            places[next(ranked)] = centre + (step - (count - 1) / 2) * gap
    return places


def _overlap(lower: list[float], upper: list[float], gap: float) -> bool:
    return upper[0] - lower[0] < gap * (lower[1] + upper[1]) / 2


def _within(group: list[float], gap: float, low: float, high: float) -> list[float]:
    half = (group[1] - 1) / 2 * gap
    return [max(min(group[0], high - half), low + half), group[1]]
