"""The console channel."""

import io

from rich.console import Console

from crypto_signals.notifications.console import ConsoleChannel
from notifications.samples import LONG, announced, every_event, followed, running, signal


def printed(encoding: str = "utf-8", *, colour: bool = False, **changes: object) -> str:
    """What an announcement and two follow-ups look like in 80 columns."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    channel = ConsoleChannel(Console(file=file, width=80, force_terminal=colour))
    channel.post(announced(signal(**changes)), lambda: None, may_repeat=False)
    samples = every_event(LONG)
    channel.post(
        followed(running(**changes), [samples["target_1"], samples["break_even"]]),
        lambda: None,
        may_repeat=False,
    )
    channel.post(followed(running(**changes), [samples["stopped"]]), lambda: None, may_repeat=True)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_same_words_in_80_columns() -> None:
    """Levels, what to do and the result are readable without wrapping past the width."""
    text = printed()
    assert max(map(len, text.splitlines())) <= 80
    for words in ("Buy now", "6,240.00 (−6.0 %, 1.5 ATR)", "Take half off at 7,120.00.", "Closed: −1.08 R"):
        assert words in text
    assert "This may repeat an earlier message." in text


def test_markup_from_outside_is_printed_as_it_is() -> None:
    """A symbol that looks like rich markup or an escape sequence changes nothing on the terminal."""
    text = printed(symbol="[red]X[/red] [/]\x1b[2J")
    assert "[red]X[/red] [/] [2J" in text
    assert "\x1b" not in text


def test_colours_are_used_on_a_terminal_only() -> None:
    """Escape sequences appear where a terminal is, and nowhere else."""
    assert "\x1b[" in printed(colour=True)
    assert "\x1b[" not in printed()


def test_a_poor_terminal_gets_question_marks() -> None:
    """An encoding without typographic signs never ends a run."""
    assert "volume 2.1? its 20-bar average" in printed("ascii")


def test_receipts_do_not_depend_on_what_came_before() -> None:
    """The same message has the same receipt in every run; a console has no threads."""
    channels = [ConsoleChannel(Console(file=io.StringIO())) for _ in range(2)]
    stopped = [every_event(LONG)["stopped"]]
    first, second = (
        (
            channel.post(announced(signal()), lambda: None, may_repeat=False),
            channel.post(followed(running(), stopped), lambda: None, may_repeat=False),
        )
        for channel in channels
    )
    assert first == second
    assert first[0].message_id != first[1].message_id
    assert first[0].thread_id is None
