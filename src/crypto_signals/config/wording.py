"""What is wrong with a value, in words that need no knowledge of the program."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Path = tuple[str, ...]

_WORDS = {
    "bool_parsing": "must be true or false",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list",
    "string_type": "must be text in quotes",
    "timezone_aware": "must have a time zone, as in 2018-12-20T00:05:00Z",
    "datetime_parsing": "must be a time, as in 2018-12-20T00:05:00Z",
    "datetime_from_date_parsing": "must be a time, as in 2018-12-20T00:05:00Z",
}
_SAME_TABLE_BONUS = 0.2


def told(detail: ErrorDetails, *, secret: bool = False) -> str:
    """What is wrong, and the value if it helps; never one that may be a secret."""
    plain = secret or detail["type"] == "value_error" or isinstance(detail["input"], dict)
    return _in_words(detail) + ("" if plain else f" (it is {detail['input']!r})")


def _in_words(detail: ErrorDetails) -> str:
    """The library's message, without what it says of the program's insides."""
    said = detail["msg"].removeprefix("Value error, ")
    for start in ("Input should", "String should", "Datetime should"):
        said = said.replace(start, "must", 1) if said.startswith(start) else said
    return _WORDS.get(detail["type"], said[:1].lower() + said[1:])


def nearest(unknown: Path, known: list[Path]) -> Path:
    """The known key that was most likely meant.

    One that shares its whole words with the unknown one wins at any level; else spelling counts, and a
    little, being of the same table.

    >>> nearest(("a", "volume"), [("a", "max_bars"), ("a", "gates", "normal", "volume_ratio")])
    ('a', 'gates', 'normal', 'volume_ratio')
    """
    return max(known, key=lambda key: _likeness(unknown, key))


def _likeness(unknown: Path, key: Path) -> float:
    mine, its = (set(path[-1].split("_")) for path in (unknown, key))
    spelling = SequenceMatcher(None, unknown[-1], key[-1]).ratio()
    return (mine <= its or its <= mine) + spelling + _SAME_TABLE_BONUS * (unknown[:-1] == key[:-1])


def keys_of(model: type[BaseModel], table: Path) -> Iterator[Path]:
    """Every key of a table and of the tables in it."""
    for name, field in model.model_fields.items():
        yield (*table, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys_of(field.annotation, (*table, name))
