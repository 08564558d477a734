"""Reading a message form: JSON, or multipart with ``payload_json`` and ``files[n]``.

Source: discord-api-docs, reference (uploading files).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from crypto_signals.simulator.discord_errors import DiscordError, JsonObject, bad_form

FILE_PART = re.compile(r"files\[(\d{1,3})\]")
CONTENT_TYPES = "'application/json', 'multipart/form-data'"
TRUE_WORDS = frozenset({"true", "True", "1"})
REFERENCE = "attachment://"


@dataclass(slots=True)
class Upload:
    """One file of a form."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str | None = None


@dataclass(slots=True)
class Form:
    """A message form: its fields, and its files by the number in ``files[n]``.

    Discord ignores ``components`` unless the query asks for them: ``with_components``.
    """

    body: JsonObject
    files: dict[int, Upload] = field(default_factory=dict)
    with_components: bool = False


async def read_form(request: Request, max_file_bytes: int) -> Form:
    """The form of a request, or the refusal that Discord gives.

    The size limit holds for each file (and for a JSON body), not for their sum.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == "application/json":
        form = Form(parse_body(_within(await request.body(), max_file_bytes)))
    elif content_type == "multipart/form-data":
        form = await _multipart(request, max_file_bytes)
    else:
        message = f'Expected "Content-Type" header to be one of {{{CONTENT_TYPES}}}.'
        raise bad_form((), "CONTENT_TYPE_INVALID", message)
    form.with_components = asked(request, "with_components")
    return form


def asked(request: Request, name: str) -> bool:
    """A boolean of the query string, in the spellings that Discord takes."""
    return request.query_params.get(name) in TRUE_WORDS


def parse_body(raw: bytes | str) -> JsonObject:
    """The JSON object in ``raw``; NaN and infinity are no JSON."""
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except ValueError:
        raise DiscordError(400, 50109, "The request body contains invalid JSON.") from None
    if not isinstance(body, dict):
        raise bad_form((), "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
    cleaned: JsonObject = _valid_unicode(body)
    return cleaned


def sanitized(filename: str) -> str:
    """The name under which a file is stored: other characters than these become underscores."""
    return re.sub(r"[^A-Za-z0-9_.\-]", "_", filename).strip(".") or "unknown"


def referenced_filename(value: object) -> str | None:
    """The stored name that an ``attachment://`` address means, or None for any other value."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        return sanitized(value.removeprefix(REFERENCE))
    return None


async def _multipart(request: Request, max_file_bytes: int) -> Form:
    try:
        async with request.form(max_part_size=max_file_bytes) as parts:
            files = await _files(parts, max_file_bytes)
            return Form(_fields(parts), files)
    except HTTPException as error:
        raise bad_form((), "MULTIPART_INVALID", error.detail) from error


async def _files(parts: FormData, max_file_bytes: int) -> dict[int, Upload]:
    files: dict[int, Upload] = {}
    for name, part in parts.multi_items():
        numbered = FILE_PART.fullmatch(name)
        if numbered and isinstance(part, UploadFile):
            data = _within(await part.read(), max_file_bytes)
            kind = part.content_type or "application/octet-stream"
            files[int(numbered[1])] = Upload(sanitized(part.filename or ""), kind, data)
    return files


def _fields(parts: FormData) -> JsonObject:
    payload = parts.get("payload_json")
    if isinstance(payload, str):
        return parse_body(payload)
    if isinstance(payload, UploadFile):
        raise bad_form(("payload_json",), "STRING_TYPE_CONVERT", "Could not interpret a file as string.")
    return {name: part for name, part in parts.multi_items() if isinstance(part, str)}


def _within(data: bytes, max_file_bytes: int) -> bytes:
    if len(data) > max_file_bytes:
        raise DiscordError(413, 40005, "Request entity too large")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _valid_unicode(value: Any) -> Any:
    """Discord strips invalid Unicode, such as the half of a surrogate pair."""
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {_valid_unicode(key): _valid_unicode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_valid_unicode(inner) for inner in value]
    return value
