"""The documented limits of a message form, checked all at once as Discord does.

Sources: discord-api-docs, resources/webhook (execute, edit) and resources/message (embed limits, allowed
mentions). The codes inside ``errors`` are undocumented; those here were quoted in public issues. Lengths
are counted in code points, embed texts without their surrounding blanks.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from crypto_signals.simulator.discord_errors import FormErrors, JsonObject
from crypto_signals.simulator.uploads import Form, referenced_filename

Path = tuple[str | int, ...]

MAX_CONTENT = 2000
MAX_EMBEDS = 10
MAX_FILES = 10
MAX_FIELDS = 25
MAX_EMBED_TOTAL = 6000
MAX_COLOR = 0xFFFFFF
MAX_ALT_TEXT = 1024
MENTION_TYPES = ("users", "roles", "everyone")
EMBED_PARTS = ("title", "description", "fields", "image", "thumbnail", "author", "footer")
FORBIDDEN_NAMES = ("clyde", "discord")


def check_form(form: Form, filenames: Collection[str]) -> None:
    """Refuse a form that breaks a limit; ``filenames`` are those that embeds may refer to."""
    check = _Check(filenames)
    check.message(form.body)
    if len(form.files) > MAX_FILES:
        check.too_long(("files",), MAX_FILES)
    check.attachments(form.body.get("attachments"))
    check.errors.raise_if_any()


class _Check:
    """One pass over one form."""

    def __init__(self, filenames: Collection[str]) -> None:
        self.errors = FormErrors()
        self._filenames = filenames

    def message(self, body: JsonObject) -> None:
        self._text(body, ("content",), MAX_CONTENT)
        self._bounded(body, "thread_name", 100)
        self._bounded(body, "username", 80)
        self._username(body.get("username"))
        self._integer(body.get("flags"), ("flags",), 2**53)
        self._url(body.get("avatar_url"), ("avatar_url",))
        self._mentions(body.get("allowed_mentions"))
        self._embeds(body.get("embeds"))

    def attachments(self, value: object) -> None:
        for index, item in enumerate(self._array(value, ("attachments",), MAX_FILES)):
            path: Path = ("attachments", index)
            if not isinstance(item, dict):
                self.errors.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
            elif item.get("id") is None:
                self._required((*path, "id"))
            else:
                self._text(item, (*path, "description"), MAX_ALT_TEXT)

    def too_long(self, path: Path, most: int) -> None:
        self.errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def _embeds(self, value: object) -> None:
        total = 0
        for index, embed in enumerate(self._array(value, ("embeds",), MAX_EMBEDS)):
            if isinstance(embed, dict):
                total += self._embed(embed, ("embeds", index))
            else:
                self.errors.add(("embeds", index), "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        if total > MAX_EMBED_TOTAL:
            message = f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL}"
            self.errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", message)

    def _embed(self, embed: JsonObject, path: Path) -> int:
        """Check one embed, and say how many of the 6000 characters it takes."""
        if not any(embed.get(part) for part in EMBED_PARTS):
            self._required((*path, "description"))
        self._url(embed.get("url"), (*path, "url"))
        self._integer(embed.get("color"), (*path, "color"), MAX_COLOR)
        self._timestamp(embed.get("timestamp"), (*path, "timestamp"))
        size = self._text(embed, (*path, "title"), 256) + self._text(embed, (*path, "description"), 4096)
        size += self._part(embed, (*path, "footer"), "text", 2048)
        size += self._part(embed, (*path, "author"), "name", 256)
        for name in ("image", "thumbnail"):
            self._picture(embed.get(name), (*path, name))
        return size + self._fields(embed.get("fields"), (*path, "fields"))

    def _fields(self, value: object, path: Path) -> int:
        size = 0
        for index, item in enumerate(self._array(value, path, MAX_FIELDS)):
            here: Path = (*path, index)
            if not isinstance(item, dict):
                self.errors.add(here, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
                continue
            size += self._text(item, (*here, "name"), 256, required=True)
            size += self._text(item, (*here, "value"), 1024, required=True)
            self._boolean(item.get("inline"), (*here, "inline"))
        return size

    def _part(self, embed: JsonObject, path: Path, text: str, most: int) -> int:
        """The footer or the author: a text, with addresses around it."""
        part = embed.get(str(path[-1]))
        if part is None:
            return 0
        if not isinstance(part, dict):
            self.errors.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
            return 0
        self._url(part.get("url"), (*path, "url"))
        self._url(part.get("icon_url"), (*path, "icon_url"), uploaded=True)
        return self._text(part, (*path, text), most, required=True)

    def _picture(self, part: object, path: Path) -> None:
        if part is None:
            return
        if not isinstance(part, dict):
            self.errors.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        elif part.get("url") is None:
            self._required((*path, "url"))
        else:
            self._url(part["url"], (*path, "url"), uploaded=True)

    def _mentions(self, value: object) -> None:
        if value is None:
            return
        path: Path = ("allowed_mentions",)
        if not isinstance(value, dict):
            self.errors.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
            return
        for index, kind in enumerate(self._array(value.get("parse"), (*path, "parse"), len(MENTION_TYPES))):
            if kind not in MENTION_TYPES:
                message = f"Value must be one of {MENTION_TYPES}."
                self.errors.add((*path, "parse", index), "BASE_TYPE_CHOICES", message)

    def _text(self, owner: JsonObject, path: Path, most: int, *, required: bool = False) -> int:
        """Check the text that ``path`` ends in, and say how long it is."""
        value = owner.get(str(path[-1]))
        if value is None:
            value = ""
        if not isinstance(value, str):
            self.errors.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
            return 0
        length = len(value.strip())
        if length > most:
            self.too_long(path, most)
        if required and not length:
            self._required(path)
        return length

    def _bounded(self, body: JsonObject, name: str, most: int) -> None:
        value = body.get(name)
        if isinstance(value, str):
            if not 1 <= len(value.strip()) <= most:
                message = f"Must be between 1 and {most} in length."
                self.errors.add((name,), "BASE_TYPE_BAD_LENGTH", message)
        elif value is not None:
            self._text(body, (name,), most)

    def _username(self, value: object) -> None:
        for word in FORBIDDEN_NAMES:
            if isinstance(value, str) and word in value.lower():
                message = f'Username cannot contain "{word}"'
                self.errors.add(("username",), "USERNAME_INVALID_CONTAINS", message)

    def _url(self, value: object, path: Path, *, uploaded: bool = False) -> None:
        if value is None:
            return
        filename = referenced_filename(value) if uploaded else None
        if filename is not None:
            if filename not in self._filenames:
                self.errors.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif (scheme := _scheme(value)) not in {"http", "https"}:
            message = f"Scheme \"{scheme}\" is not supported. Scheme must be one of ('http', 'https')."
            self.errors.add(path, "URL_TYPE_INVALID_SCHEME", message)

    def _integer(self, value: object, path: Path, most: int) -> None:
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            self.errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value > most:
            self.errors.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
        elif value < 0:
            self.errors.add(path, "NUMBER_TYPE_MIN", "int value should be greater than or equal to 0.")

    def _boolean(self, value: object, path: Path) -> None:
        if value is not None and not isinstance(value, bool):
            self.errors.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")

    def _timestamp(self, value: object, path: Path) -> None:
        if value is None:
            return
        try:
            datetime.fromisoformat(str(value) if isinstance(value, str) else "")
        except ValueError:
            message = f"Could not parse {value}. Should be ISO8601."
            self.errors.add(path, "DATE_TIME_TYPE_PARSE", message)

    def _array(self, value: object, path: Path, most: int) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.errors.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
            return []
        if len(value) > most:
            self.too_long(path, most)
        return value

    def _required(self, path: Path) -> None:
        self.errors.add(path, "BASE_TYPE_REQUIRED", "This field is required")


def _scheme(value: object) -> str:
    try:
        return urlsplit(value).scheme if isinstance(value, str) else ""
    except ValueError:
        return ""
