"""What a bot asks for, read from its requests, or refused.

Source: discord-api-docs, resources/message (create, list) and resources/channel (threads).
"""

from datetime import datetime

from starlette.requests import Request

from crypto_signals.simulator.board import StoredMessage, Thread
from crypto_signals.simulator.discord_errors import bad_form, snowflake
from crypto_signals.simulator.uploads import Form

NONCE_MAX = 25
PAGE_MAX = 100


def nonce_of(form: Form) -> str | None:
    nonce = form.body.get("nonce")
    if nonce is None:
        return None
    if not isinstance(nonce, str | int):
        raise bad_form(("nonce",), "NONCE_TYPE_INVALID", "This field must be a string or integer.")
    if len(str(nonce)) > NONCE_MAX:
        message = f"Must be {NONCE_MAX} or fewer in length."
        raise bad_form(("nonce",), "BASE_TYPE_MAX_LENGTH", message)
    return str(nonce)


def thread_name_of(form: Form) -> str:
    name = form.body.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 100:
        raise bad_form(("name",), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return name.strip()


def limit_of(request: Request, default: int) -> int:
    text = request.query_params.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PAGE_MAX):
        raise bad_form(("limit",), "NUMBER_TYPE_MAX", f"int value should be between 1 and {PAGE_MAX}.")
    return int(text)


def page(request: Request, messages: list[StoredMessage]) -> list[StoredMessage]:
    """A page, from newest to oldest: the newest ones, or those next to an id."""
    limit = limit_of(request, 50)
    marks = [name for name in ("around", "before", "after") if name in request.query_params]
    if len(marks) > 1:
        raise bad_form(tuple(marks), "MUTUALLY_EXCLUSIVE", "Only one of around, before and after.")
    if not marks:
        return messages[-limit:][::-1]
    mark = int(snowflake(marks[0], request.query_params[marks[0]]))
    older = [message for message in messages if int(message.id) < mark]
    newer = [message for message in messages if int(message.id) > mark]
    if marks[0] == "before":
        return older[-limit:][::-1]
    if marks[0] == "after":
        return newer[:limit][::-1]
    middle = [message for message in messages if int(message.id) == mark]
    half = limit // 2
    return (older[-half:] + middle + newer[:half])[::-1]


def archived_before(thread: Thread, before: str | None) -> bool:
    if before is None:
        return True
    try:
        return thread.archive_timestamp < datetime.fromisoformat(before)
    except (ValueError, TypeError):
        raise bad_form(("before",), "DATE_TIME_TYPE_PARSE", f"Could not parse {before}.") from None
