"""The terminal as a channel: the same messages, in 80 columns."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from crypto_signals.domain.notices import Notice
from crypto_signals.engine.ports import Letter, Picture, Receipt
from crypto_signals.notifications.messages import (
    Colour,
    Field,
    Line,
    Message,
    Strong,
    message,
    utc,
)
from crypto_signals.notifications.notices import notice_message

_STYLES = {
    Colour.GREEN: "green",
    Colour.RED: "red",
    Colour.GOLD: "yellow",
    Colour.BLUE: "cyan",
    Colour.GREY: "bright_black",
}


class ConsoleChannel:
    """A `Channel` that prints. It has no threads, draws no picture, and cannot fail to deliver.

    Every text is printed as `Text`, so that nothing in it is taken for markup.
    """

    name = "console"
    can_find = False
    can_edit = False

    def __init__(self, console: Console) -> None:
        self._console = console

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        self._print(message(letter, may_repeat=may_repeat))
        return Receipt(letter.key)

    def find(self, letter: Letter) -> Receipt | None:  # noqa: ARG002
        """A terminal cannot be asked what it has shown."""
        return None

    def edit(self, letter: Letter, message_id: str) -> None:
        """What is printed stays as it is."""

    def tell(self, notice: Notice) -> None:
        self._print(notice_message(notice))

    def check(self) -> str:
        return "messages are printed in the terminal; no Discord channel is configured"

    def close(self) -> None:
        """Nothing is held open."""

    def _print(self, told: Message) -> None:
        style = Style.parse(_STYLES[told.colour])
        self._console.print(self._text((Strong(told.title),), style))
        for line in told.lines:
            self._console.print(Padding(self._text(line), (0, 0, 0, 2)))
        if told.fields:
            self._console.print(Padding(self._fields(told.fields), (0, 0, 0, 2)))
        self._console.print(Padding(self._text((told.footer,), Style(dim=True)), (0, 0, 0, 2)))
        self._console.print()

    def _fields(self, fields: Sequence[Field]) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(ratio=1)
        for field in fields:
            lines = Text(self._printable(" · ") if field.inline else "\n").join(
                self._text(line) for line in field.lines
            )
            table.add_row(Text(self._printable(field.name)), lines)
        return table

    def _text(self, line: Line, style: Style | str = "") -> Text:
        text = Text(style=style)
        for span in line:
            if isinstance(span, datetime):
                text.append(utc(span))
            elif isinstance(span, Strong):
                text.append(self._printable(span.text), Style(bold=True))
            else:
                text.append(self._printable(span))
        return text

    def _printable(self, text: str) -> str:
        """A terminal that knows no "×" gets a "?" instead of a traceback."""
        encoding = self._console.encoding or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)
