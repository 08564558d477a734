"""Discord's refusals: a status, a JSON error code, and for bad forms a tree of what is wrong where.

Source: discord-api-docs, topics/opcodes-and-status-codes and reference (error messages).
"""

from collections.abc import Awaitable
from typing import Any

from starlette.responses import JSONResponse, Response

JsonObject = dict[str, Any]


class DiscordError(Exception):
    """A request that Discord refuses."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: JsonObject | None = None,
    ) -> None:
        super().__init__(f"{status}/{code}: {message}")
        self.status = status
        self.body: JsonObject = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors

    def response(self) -> JSONResponse:
        """The answer as it goes over the wire."""
        return JSONResponse(self.body, self.status)


class FormErrors:
    """Collects everything that is wrong with a form, because Discord names all of it at once."""

    def __init__(self) -> None:
        self._tree: JsonObject = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Blame the element at ``path``; an empty path blames the whole form."""
        node = self._tree
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_if_any(self) -> None:
        """Refuse the form with 50035 when anything was added."""
        if self._tree:
            raise self.error()

    def error(self) -> DiscordError:
        """The refusal that names what was added so far."""
        return DiscordError(400, 50035, "Invalid Form Body", self._tree)


async def answered(action: Awaitable[Response]) -> Response:
    """The answer of an action, or its refusal."""
    try:
        return await action
    except DiscordError as error:
        return error.response()


def bad_form(path: tuple[str | int, ...], code: str, message: str) -> DiscordError:
    """The refusal of a form with a single fault."""
    errors = FormErrors()
    errors.add(path, code, message)
    return errors.error()


def unknown(code: int, what: str) -> DiscordError:
    """404 for a webhook, channel or message that does not exist."""
    return DiscordError(404, code, f"Unknown {what}")


def unknown_webhook() -> DiscordError:
    """10015: the webhook was deleted; it must not be used again."""
    return unknown(10015, "Webhook")


def unknown_channel() -> DiscordError:
    """10003: also what a thread that does not exist gives, as threads are channels."""
    return unknown(10003, "Channel")


def unknown_message() -> DiscordError:
    """10008: never sent, deleted, or sent by another webhook."""
    return unknown(10008, "Message")


def snowflake(name: str, value: str) -> str:
    """``value`` if it is an id, which is a decimal 64-bit integer."""
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise bad_form((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return value
