"""A `Message` as Discord posts: embeds within every documented limit, and nothing left out.

What does not fit into one embed goes on in the next, what does not fit into one post in the next post.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crypto_signals.notifications.announcement import THREAD_NAME_MAX
from crypto_signals.notifications.discord_marks import MARK_MAX, of_part
from crypto_signals.notifications.discord_text import cut, escaped, length, markdown, pieces
from crypto_signals.notifications.texts import Field, Line, Message

TITLE_MAX = 256
DESCRIPTION_MAX = 4096
FIELDS_MAX = 25
FIELD_MAX = 1024
FOOTER_MAX = 512
EMBEDS_MAX = 10
TOTAL_MAX = 6000
ALT_MAX = 1024
PICTURE_NAME = "chart.png"
FOOTER_GLUE = " · "

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _FieldPart:
    name: str
    value: str
    inline: bool

    @property
    def size(self) -> int:
        return length(self.name) + length(self.value)


_Item = str | _FieldPart


class _Packer:
    """Fills embeds and posts in order. Each post keeps room for its footer and one title."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.posts: list[list[JsonObject]] = [[{}]]
        self._post_size = 0

    def add(self, item: _Item) -> None:
        size = length(item) + 1 if isinstance(item, str) else item.size
        if self._post_size + size > self.room:
            self.posts.append([{}])
            self._post_size = 0
        elif not _fits(self.posts[-1][-1], item):
            self._next_embed()
        _put(self.posts[-1][-1], item)
        self._post_size += size

    def _next_embed(self) -> None:
        if len(self.posts[-1]) == EMBEDS_MAX:
            self.posts.append([])
            self._post_size = 0
        self.posts[-1].append({})


def _fits(embed: JsonObject, item: _Item) -> bool:
    if isinstance(item, str):
        return (
            "fields" not in embed
            and length(embed.get("description", "")) + 1 + length(item) <= DESCRIPTION_MAX
        )
    return len(embed.get("fields", ())) < FIELDS_MAX


def _put(embed: JsonObject, item: _Item) -> None:
    if isinstance(item, str):
        before = embed.get("description")
        embed["description"] = item if before is None else f"{before}\n{item}"
    else:
        field = {"name": item.name, "value": item.value, "inline": item.inline}
        embed.setdefault("fields", []).append(field)


def posts(message: Message, mark: str, *, named: bool = False, picture: bool = False) -> list[JsonObject]:
    """The JSON bodies that tell ``message``, in order, each with its part of ``mark`` at the very end.
    ``named``: the title names the signal, for channels without threads."""
    title = f"{message.thread_name} · {message.title}" if named else message.title
    title_text, footer = cut(escaped(title), TITLE_MAX), cut(message.footer, FOOTER_MAX)
    packer = _Packer(TOTAL_MAX - TITLE_MAX - length(footer) - len(FOOTER_GLUE) - MARK_MAX)
    for item in _items(message, title, footer):
        packer.add(item)
    bodies = []
    for number, embeds in enumerate(packer.posts, 1):
        if number == 1:
            embeds[0]["title"] = title_text
            if picture:
                embeds[0]["image"] = {"url": f"attachment://{PICTURE_NAME}"}
        for embed in embeds:
            embed["color"] = int(message.colour)
        marked = footer + FOOTER_GLUE + of_part(mark, number, len(packer.posts))
        embeds[-1] |= {"footer": {"text": marked}, "timestamp": message.ts.isoformat()}
        bodies.append({"embeds": embeds, "allowed_mentions": {"parse": []}})
    if picture:
        alt = cut(message.alt, ALT_MAX)
        bodies[0]["attachments"] = [{"id": 0, "filename": PICTURE_NAME, "description": alt}]
    return bodies


def linked(
    bodies: list[JsonObject], guild: object, channel: object, message_id: str | None
) -> list[JsonObject]:
    """With a title that leads to the first message of the signal, where it is known where that is."""
    known = all(isinstance(part, str) and part.isdigit() for part in (guild, channel, message_id))
    if known:
        bodies[0]["embeds"][0]["url"] = f"https://discord.com/channels/{guild}/{channel}/{message_id}"
    return bodies


def _items(message: Message, title: str, footer: str) -> Iterator[_Item]:
    """Everything that is said, in parts that fit anywhere. A title or footer that had to be cut is
    said again, whole."""
    if length(escaped(title)) > TITLE_MAX:
        yield from pieces((title,), FIELD_MAX)
    for line in message.lines:
        yield from pieces(line, FIELD_MAX)
    for field in message.fields:
        yield from _parts(field)
    if footer != message.footer:
        yield from _parts(Field("Trace", ((message.footer,),)))


def _parts(field: Field) -> Iterator[_FieldPart]:
    value, name = "", field.name
    for text in _fragments(field.lines):
        if value and length(value) + 1 + length(text) > FIELD_MAX:
            yield _FieldPart(name, value, field.inline)
            value, name = "", f"{field.name} (continued)"
        value = f"{value}\n{text}" if value else text
    yield _FieldPart(name, value, field.inline)


def _fragments(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        if length(markdown(line)) <= FIELD_MAX:
            yield markdown(line)
        else:
            yield from pieces(line, FIELD_MAX)


def thread_title(message: Message) -> str:
    """The name of the thread, whose end (the id) must survive a cut."""
    name = message.thread_name
    if length(name) <= THREAD_NAME_MAX:
        return name
    tail = name[-24:]
    return cut(name, THREAD_NAME_MAX - length(tail)) + tail
