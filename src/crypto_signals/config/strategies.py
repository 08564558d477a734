"""The strategies of ``sentinel.toml``, and what is wrong with them."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from crypto_signals.config.wording import keys_of, nearest, told
from crypto_signals.domain.strategy import Strategy

OWN_DETECTORS = "crypto_signals.detectors"
"""The entry points of installed packages that bring detectors."""

_NOT_A_TABLE = {"model_type", "model_attributes_type", "dict_type"}


class DetectorSettings(BaseModel):
    """What is looked for, whatever the strategy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    harmonic_tolerance: float = Field(
        0.05, gt=0, le=0.1, description="How far each ratio of a harmonic pattern may miss, as a share of it."
    )
    paths: tuple[Path, ...] = Field(
        (), description="Python files with detectors of your own, relative to this file."
    )
    seconds: float = Field(
        5.0, gt=0, le=600, description="How long one of your detectors may look at one series."
    )

    def beside(self, folder: Path) -> "DetectorSettings":
        """With paths that are meant relative to ``folder``."""
        return self.model_copy(update={"paths": tuple(folder / path for path in self.paths)})


class MessageSettings(BaseModel):
    """What people are told besides signals: each day that the program ran, each week what came of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heartbeat: bool = Field(True, description="Whether a day's first run says that it ran.")
    weekly: bool = Field(True, description="Whether a week's first run says what the last one brought, in R.")


class ConfigFile(BaseModel):
    """What ``sentinel.toml`` says."""

    model_config = ConfigDict(extra="forbid")

    strategies: dict[str, Strategy] = Field(default_factory=dict)
    detectors: DetectorSettings = DetectorSettings()
    messages: MessageSettings = MessageSettings()


def read(path: Path, defaults: Mapping[str, Any], problems: list[str], *, required: bool) -> ConfigFile:
    """What the file says; without one, and without strategies in it, the default strategy.

    ``defaults`` hold for each strategy that says nothing else.
    """
    default = {"default": Strategy(**defaults)}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            problems.append(f"SENTINEL_CONFIG: there is no file {path}")
        given = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return ConfigFile(strategies=default)
    found: list[str] = []
    file = _validated(_prepared(given, defaults, found), found)
    problems += [f"{path}: {problem}" for problem in (*found, *_unknown_triggers(given))]
    detectors = file.detectors.beside(path.parent)
    return file.model_copy(update={"strategies": file.strategies or default, "detectors": detectors})


def _prepared(given: dict[str, Any], defaults: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Each strategy's table with the name that it has as a table, and with the defaults."""
    tables = given.get("strategies")
    if not isinstance(tables, dict):
        return given
    whole = dict(tables)
    for name, table in tables.items():
        if isinstance(table, dict):
            whole[name] = {**defaults, **table, "name": name}
            if "name" in table:
                problems.append(
                    f"strategies.{name}.name: unknown key; the name is that of the table: [strategies.NAME]"
                )
    return {**given, "strategies": whole}


def _validated(given: Mapping[str, Any], problems: list[str]) -> ConfigFile:
    try:
        return ConfigFile.model_validate(given)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors()]
        return ConfigFile()


def _problem(detail: ErrorDetails) -> str:
    loc = tuple(str(part) for part in detail["loc"])
    where = ".".join(loc)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key; the nearest known one is {'.'.join(nearest(loc, _known(loc)))}"
    if detail["type"] in _NOT_A_TABLE:
        return f"{where}: must be a table: write [{where if len(loc) > 1 else 'strategies.NAME'}]"
    if loc[2:] == ("name",):
        return f"{'.'.join(loc[:2])}: a strategy's name is lower-case letters, digits, - and _ (at most 40)"
    return f"{where}: {told(detail)}"


def _known(loc: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every key that the file may have, those of a strategy under the name that ``loc`` has for it."""
    if len(loc) == 1:
        return [("strategies",), ("detectors",), ("messages",), *_known(("strategies", "NAME", ""))]
    tables: dict[str, type[BaseModel]] = {"detectors": DetectorSettings, "messages": MessageSettings}
    if loc[0] in tables:
        return [*keys_of(tables[loc[0]], loc[:1])]
    of_strategy = [key for key in keys_of(Strategy, loc[:2]) if key[2:] != ("name",)]
    return [*of_strategy, *(key for name, table in tables.items() for key in keys_of(table, (name,)))]


def _unknown_triggers(given: Mapping[str, Any]) -> list[str]:
    """Triggers that no built-in detector bears. With detectors of one's own, only their loading can tell."""
    tables = given.get("strategies")
    named = [
        (strategy, trigger)
        for strategy, table in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(table, dict) and isinstance(table.get("triggers"), list)
        for trigger in table["triggers"]
    ]
    if not named or _names_files(given.get("detectors")) or entry_points(group=OWN_DETECTORS):
        return []
    from crypto_signals.analysis.catalogue import CATALOGUE  # noqa: PLC0415 - slow, and seldom needed

    return [
        f"strategies.{strategy}.triggers: there is no detector {trigger}"
        f"; the nearest known one is {get_close_matches(trigger, CATALOGUE.names, n=1, cutoff=0.0)[0]}"
        for strategy, trigger in named
        if isinstance(trigger, str) and trigger not in CATALOGUE
    ]


def _names_files(detectors: object) -> bool:
    """Whether the table may bring detectors of one's own; one that is no table is refused elsewhere."""
    return isinstance(detectors, dict) and bool(detectors.get("paths"))
