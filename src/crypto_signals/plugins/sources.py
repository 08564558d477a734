"""Where detectors of one's own are, and how they get in: files that are configured, or entry points."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.detector import Detector
from crypto_signals.domain.errors import UsageError

GROUP = "crypto_signals.detectors"
"""The group of entry points: each names a module, a detector, or a list of detectors."""


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file (``path``), or the entry point of an installed package."""

    path: Path | None
    entry_point: str = ""

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else f"entry point {self.entry_point}"

    @property
    def remedy(self) -> str:
        if self.path is not None:
            return "correct it, or take it out of detectors.paths in sentinel.toml"
        return "correct or uninstall that package"


def find_sources(paths: Iterable[Path]) -> tuple[Source, ...]:
    """The configured files in their order, then the entry points by name."""
    files = tuple(Source(path) for path in dict.fromkeys(paths))
    return files + tuple(Source(None, name) for name in sorted(entry_points(group=GROUP).names))


def content_of(source: Source) -> bytes:
    """The text of the module. Raises ``UsageError``."""
    path = source.path if source.path is not None else _module_file(source)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}; {source.remedy}") from None


def fingerprint(source: Source) -> str:
    """Of the content of the module; not of what it imports."""
    return hashlib.sha256(content_of(source)).hexdigest()


def check_syntax(source: Source) -> None:
    """Raises ``UsageError`` for a file that is not Python, without running anything of it."""
    _compiled(source, content_of(source))


def load(source: Source) -> tuple[Detector, ...]:
    """Imports the module and gives its detectors. Raises ``UsageError`` of one line."""
    try:
        found = _members(_run_file(source) if source.path is not None else _entry(source).load())
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module raises, a person has to mend it
        text = " ".join(str(error).split())
        raise UsageError(
            f"{source}: cannot be imported: {type(error).__name__}: {text}; {source.remedy}"
        ) from None
    if not found:
        raise UsageError(
            f"{source}: holds no detector; decorate a function with @detector(…) of crypto_signals.detectors"
        )
    code = fingerprint(source)
    return tuple(replace(entry, code=code) for entry in found)


def load_all(sources: Sequence[Source], load_one: Callable[[Source], Sequence[Detector]]) -> list[Detector]:
    """The detectors of all sources. Raises ``UsageError`` with every problem, names taken twice included."""
    taken = dict.fromkeys(CATALOGUE.names, "the built-in catalogue")
    problems: list[str] = []
    found: list[Detector] = []
    for source in sources:
        try:
            detectors = load_one(source)
        except UsageError as error:
            problems += error.problems
            continue
        for entry in detectors:
            if entry.name in taken:
                problems.append(
                    f"{source}: the name {entry.name} is taken by {taken[entry.name]}; rename the detector"
                )
                continue
            taken[entry.name] = str(source)
            found.append(entry)
    if problems:
        raise UsageError(problems)
    return found


def _entry(source: Source) -> EntryPoint:
    return entry_points(group=GROUP)[source.entry_point]


def _module_file(source: Source) -> Path:
    """Where the module of an entry point is, without running that module."""
    module = _entry(source).module
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{source}: cannot be imported: {error}; {source.remedy}") from None
    if spec is None or spec.origin is None:
        raise UsageError(f"{source}: there is no module {module}; {source.remedy}")
    return Path(spec.origin)


def _compiled(source: Source, content: bytes) -> CodeType:
    name = str(source.path if source.path is not None else source)
    try:
        return compile(content, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = "is not Python" if error.lineno is None else f"line {error.lineno}"
        raise UsageError(f"{source}: {where}: {error.msg}; {source.remedy}") from None
    except ValueError as error:
        raise UsageError(f"{source}: is not Python: {error}; {source.remedy}") from None


def _run_file(source: Source) -> ModuleType:
    """The file as a module. What runs is what is there now, never a stale compilation."""
    assert source.path is not None  # noqa: S101 - the caller asks for files alone
    content = content_of(source)
    code = _compiled(source, content)
    name = f"own_detectors_{source.path.stem}_{hashlib.sha256(content).hexdigest()[:12]}"
    module = ModuleType(name)
    module.__file__ = str(source.path)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user named this file to be run
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _members(found: object) -> tuple[Detector, ...]:
    """The detectors of a module or list, each once; built-in ones that it imports are not its own."""
    values = vars(found).values() if isinstance(found, ModuleType) else [found]
    flat = [item for value in values for item in (value if isinstance(value, list | tuple) else [value])]
    own = {id(item): item for item in flat if isinstance(item, Detector)}
    return tuple(
        item for item in own.values() if item.name not in CATALOGUE or CATALOGUE[item.name] is not item
    )
