"""Nothing secret leaves in a log line: the exact values of the secrets, and whatever looks like a webhook."""

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SHORTEST = 4
"""What is shorter is no secret that could be told from a word."""
SHORTEST_TOKEN = 10
HIDDEN = "***"
_WEBHOOK = re.compile(r"(?:(?:https?:)?//[^\s\"'<>]*?)?/webhooks/[^/\s]+/[^\s\"'<>)]+", re.IGNORECASE)


class Redactor:
    """Blots out ``secrets``, as they are and as an address holds them, and what is secret in addresses."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {part for secret in secrets for part in _parts(secret)}
        parts |= {quote(part, safe="") for part in parts}
        longest_first = sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        text = _WEBHOOK.sub(HIDDEN, text)
        return self._secret.sub(HIDDEN, text) if self._secret else text

    def value(self, value: object) -> object:
        """The same for whatever a log line may carry; numbers and the like stay what they are."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(its) for key, its in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))


def _parts(secret: str) -> Iterable[str]:
    """The secret itself; of an address its password, all before a query, since more may be appended there,
    and what may be a token: the last step of its path, the values of its query."""
    yield secret
    if "://" not in secret:
        return
    address = urlsplit(secret)
    words = [value for name, value in parse_qsl(address.query) if "password" in name.lower()]
    words += [address.password] if address.password else []
    step = address.path.rstrip("/").rpartition("/")[2]
    if address.scheme in {"http", "https"}:
        tokens = [step, *(value for _, value in parse_qsl(address.query))]
        words += [token for token in tokens if len(token) >= SHORTEST_TOKEN]
        words += [secret.partition("?")[0]] if step else []
    for word in words:
        yield word
        yield unquote(word)


class HideSecrets(logging.Filter):
    """A filter of a handler, so that it sees what libraries log as well. Message, arguments, exception and
    traceback become one text without secrets; a line of our own keeps its fields."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        message: object = record.msg
        if isinstance(message, dict):
            record.__dict__["msg"] = self._redactor.value(message)
        else:
            record.msg = self._redactor.text("\n".join((_said(record), *_trace(record))))
            record.args = ()
        record.exc_info, record.exc_text, record.stack_info = None, None, None
        return True


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


def _trace(record: logging.LogRecord) -> Iterable[str]:
    if record.exc_info and record.exc_info[1] is not None:
        yield "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    elif record.exc_text:
        yield record.exc_text
    if record.stack_info:
        yield record.stack_info
