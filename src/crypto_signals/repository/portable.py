"""Rows as they travel between stores: the same tables, keys and fields, whatever a store makes of them.

Fields are the columns of `tables.py`, with JSON's types, and times as `time_text` writes them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

PRIMARY_KEYS: Mapping[str, tuple[str, ...]] = {
    "signals": ("signal_id",),
    "events": ("signal_id", "seq"),
    "effects": ("key",),
    "watermarks": ("strategy", "timeframe", "symbol"),
    "runs": ("number",),
}
"""The tables, in the order in which their rows travel: what others refer to comes first."""

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_LENGTH = 27


def key_of(table: str, fields: Mapping[str, object]) -> str:
    """How a row is called: by its primary key, numbers so that texts sort as they do."""
    parts = (fields[name] for name in PRIMARY_KEYS[table])
    return "/".join(f"{part:06d}" if isinstance(part, int) else str(part) for part in parts)


def time_text(moment: datetime) -> str:
    """Text that sorts as the moments do."""
    return moment.astimezone(UTC).strftime(_TIME)


def time_of(text: str) -> datetime:
    """Raises ``ValueError``."""
    if len(text) != _LENGTH or text[-1] != "Z":
        raise ValueError(f"{text!r} is not a time as it is stored")
    return datetime.fromisoformat(text)
