"""HTML pages that look like the Discord threads, for those without Discord and for reading back.

Static, self-contained, without a script or a request to the network; equal input gives equal bytes.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.retelling import unlived
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import Direction
from crypto_signals.domain.wording import bar_text, detector_words, one_line, signed
from crypto_signals.notifications.announcement import thread_name
from crypto_signals.notifications.messages import Field, Line, Message, Strong, announcement, follow_up, utc
from crypto_signals.notifications.standing import gate_words, status_words

INDEX = "index.html"
SIGNALS = "signals"

_NOT_TOLD = frozenset({EventType.CREATED, EventType.ANNOUNCED})
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A signal that was announced: all its events in order, and its chart as PNG, on dark ground, and on
    light ground for those who read so."""

    signal: Signal
    events: tuple[Event, ...]
    picture: bytes | None = None
    light_picture: bytes | None = None


def write_pages(
    folder: Path, entries: Sequence[PageEntry], shadows: Sequence[Signal] = (), totals: Sequence[str] = ()
) -> Path:
    """Writes ``index.html``, and a page and a picture for each entry under ``signals/``; returns the index.

    ``totals`` are the lines on top of the index. Every file is replaced as a whole, the index last, so
    that a reader never finds half a page or a link to none. Raises OSError when the folder cannot be written.
    """
    write_threads(folder / SIGNALS, entries, (f"../{INDEX}", "All signals"))
    index = _template("index.html").render(
        totals=list(totals),
        announced=[_row(entry.signal) for entry in _by_bar(entries)],
        refused=[_row(signal) for signal in sorted(shadows, key=_order)],
    )
    _replace(folder / INDEX, index.encode())
    return folder / INDEX


def write_threads(folder: Path, entries: Iterable[PageEntry], back: tuple[str, str]) -> list[Path]:
    """Writes a page with its pictures for each entry into ``folder``, and says where; ``back`` is the link on
    top of each and its words. Raises OSError when the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for entry in entries:
        stem = _stem(entry.signal)
        pictures = {f"{stem}.png": entry.picture, f"{stem}-light.png": entry.light_picture}
        for name, content in pictures.items():
            if content is not None:
                _replace(folder / name, content)
        dark, light = (name if content is not None else None for name, content in pictures.items())
        pages.append(folder / f"{stem}.html")
        _replace(pages[-1], _thread(entry, dark, light, back).encode())
    return pages


def _by_bar(entries: Iterable[PageEntry]) -> list[PageEntry]:
    return sorted(entries, key=lambda entry: _order(entry.signal))


def _order(signal: Signal) -> tuple[datetime, str, str, str]:
    return signal.bar_ts, signal.symbol, signal.detector, signal.signal_id


def _stem(signal: Signal) -> str:
    """The id as a file name; one that is no plain word would reach outside the folder."""
    if not _FILE_NAME.fullmatch(signal.signal_id):
        raise ValueError("a signal id for a page consists of letters, digits, - and _")
    return signal.signal_id


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        temporary = Path(draft.name)
        try:
            draft.write(content)
            draft.flush()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@lru_cache(maxsize=8)
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _thread(entry: PageEntry, picture: str | None, light: str | None, back: tuple[str, str]) -> str:
    signal = entry.signal
    posts = [_post(announcement(signal), utc(signal.created_at), picture, light)]
    posts += [
        _post(message, f"bar {bar_text(message.ts, signal.timeframe)}") for message in _follow_ups(entry)
    ]
    return _template("signal.html").render(name=thread_name(signal), posts=posts, back=back)


def _follow_ups(entry: PageEntry) -> Iterator[Message]:
    """The messages of the thread: what one bar brought was told together, as things stood then."""
    signal = unlived(entry.signal)
    for _, group in groupby(entry.events, key=lambda event: event.ts):
        told = []
        for event in group:
            signal = apply(signal, event)
            if _was_told(signal, event):
                told.append(event)
        if told:
            yield follow_up(signal, told)


def _was_told(signal: Signal, event: Event) -> bool:
    """Of a cancelled signal people hear that it was cancelled, and nothing after."""
    if event.quiet or event.type in _NOT_TOLD:
        return False
    return signal.is_told or event.type is EventType.CANCELLED


def _post(
    message: Message, when: str, picture: str | None = None, light: str | None = None
) -> dict[str, object]:
    return {
        "when": when,
        "colour": f"#{message.colour:06x}",
        "title": message.title,
        "lines": [_spans(line) for line in message.lines],
        "fields": [_field(field) for field in message.fields],
        "footer": message.footer,
        "picture": picture,
        "light": light,
        "alt": message.alt,
    }


def _field(field: Field) -> dict[str, object]:
    return {"name": field.name, "inline": field.inline, "lines": [_spans(line) for line in field.lines]}


def _spans(line: Line) -> list[dict[str, str]]:
    spans = []
    for span in line:
        if isinstance(span, datetime):
            spans.append({"kind": "time", "text": utc(span), "iso": span.isoformat()})
        elif isinstance(span, Strong):
            spans.append({"kind": "strong", "text": span.text})
        else:
            spans.append({"kind": "text", "text": span})
    return spans


def _row(signal: Signal) -> dict[str, object]:
    """One line of a table. A shadow is shown with what the market did, not with its refusal: how far it has
    come is stored when it ends, so that before nothing is said of it."""
    status = signal.progress.status if signal.is_shadow else signal.status
    pending = signal.is_shadow and not signal.progress.closed
    result = signal.progress.result_r
    return {
        "bar": bar_text(signal.bar_ts, signal.timeframe),
        "symbol": one_line(signal.symbol),
        "side": signal.direction.value,
        "side_colour": "green" if signal.direction is Direction.LONG else "red",
        "setup": detector_words(signal.detector),
        "conviction": signal.conviction.value.lower(),
        "status": "not over yet" if pending else status_words(signal, status),
        "result": "" if result is None else f"{signed(result)} R",
        "colour": "green" if (result or 0) > 0 else "red",
        "page": f"{SIGNALS}/{signal.signal_id}.html",
        "gates": [gate_words(gate) for gate in signal.failed_gates],
    }
