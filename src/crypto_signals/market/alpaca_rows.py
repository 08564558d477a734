"""From the bars that Alpaca writes to columns, page by page, so that nobody holds many Python objects."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.market.raw import RawBars

_FIELDS = ("o", "h", "l", "c", "v")
_values = itemgetter(*_FIELDS)


def columns(rows: Sequence[Any]) -> RawBars:
    """One symbol's rows of one page; a null value is a missing one. Raises ``SourceFailed``."""
    try:
        stamps = [_utc(row["t"]) for row in rows]
        values = [_values(row) for row in rows]
        if not set(map(type, chain.from_iterable(values))) <= {int, float}:
            values = [tuple(map(_value, row)) for row in values]
        prices = np.array(values, np.float64).reshape(len(rows), len(_FIELDS)).T.copy()
    except (KeyError, TypeError, ValueError, OverflowError):
        raise SourceFailed(_fault(rows)) from None
    return RawBars(np.array(stamps, "datetime64[us]"), *prices)


def _fault(rows: Sequence[Any]) -> str:
    """What is wrong with the first row that cannot be read."""
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("t"), str):
            return "Alpaca sent a bar without a time"
        bar = f"Alpaca's bar of {row['t'][:30]}"
        try:
            _utc(row["t"])
            for name in _FIELDS:
                _value(row[name])
        except KeyError as error:
            return f"{bar} has no field {error}"
        except (TypeError, ValueError, OverflowError):
            return f"{bar} holds something that is no number or time"
    raise AssertionError("one of the rows cannot be read")


@lru_cache(1 << 12)
def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _value(value: object) -> float:
    if value is None:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)
