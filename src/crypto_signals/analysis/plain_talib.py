"""TA-Lib for numpy alone. The only place that imports it.

Where pandas or polars are installed, TA-Lib imports them, and looks for theirs in every call: a third of a
second at the start, and more time in a call than a short series takes.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

_OTHERS = ("pandas", "polars")


def _functions() -> SimpleNamespace:
    """Its functions by name, without any wrapping, and its ``version``. Who imports TA-Lib after this gets it
    with all it has."""
    with _out_of_sight(*_OTHERS):
        module = importlib.import_module("talib")
    found = {name: getattr(module, name) for name in module.get_functions()}
    bare = {name: getattr(call, "__wrapped__", call) for name, call in found.items()}
    return SimpleNamespace(**bare, version=module.__ta_version__.decode().split()[0])


@contextmanager
def _out_of_sight(*names: str) -> Iterator[None]:
    """Packages that nobody has imported yet cannot be while the block lasts."""
    absent = [name for name in names if name not in sys.modules]
    if "talib" in sys.modules or not absent:
        yield
        return
    sys.modules |= dict.fromkeys(absent)  # type: ignore[arg-type] # None is how Python marks what is not there
    try:
        yield
    finally:
        for name in (*absent, "talib"):
            sys.modules.pop(name, None)


talib: Any = _functions()
