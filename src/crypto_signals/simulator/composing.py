"""From a form to a message: a new one, or a changed copy.

Source: discord-api-docs, resources/webhook. On an edit every field is optional, ``null`` empties it, and
``attachments`` names all files to keep, the new ones included; without it all stay and new ones are added.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from crypto_signals.simulator.board import Author, StoredFile, StoredMessage
from crypto_signals.simulator.discord_errors import DiscordError, bad_form
from crypto_signals.simulator.message_rules import check_form
from crypto_signals.simulator.uploads import Form, sanitized

NewId = Callable[[], str]


def compose(form: Form, channel_id: str, author: Author, new_id: NewId, now: datetime) -> StoredMessage:
    """The message that a checked form asks for."""
    _describe_files(form)
    _check(form, [])
    message = StoredMessage(
        id=new_id(),
        channel_id=channel_id,
        author=author,
        avatar_url=form.body.get("avatar_url") if author.is_webhook else None,
        timestamp=now,
        tts=bool(form.body.get("tts")),
    )
    return _filled(message, form, [], new_id)


def revise(message: StoredMessage, form: Form, new_id: NewId, now: datetime) -> StoredMessage:
    """The message after an edit; a copy, so that a refused edit changes nothing."""
    _describe_files(form)
    kept = message.files
    if "attachments" in form.body:
        listed = _listed(form)
        kept = [file for file in message.files if file.id in listed]
        form.files = {number: upload for number, upload in form.files.items() if str(number) in listed}
    _check(form, kept)
    return _filled(replace(message, edited_timestamp=now), form, kept, new_id)


def _check(form: Form, kept: list[StoredFile]) -> None:
    names = {upload.filename for upload in form.files.values()} | {file.filename for file in kept}
    check_form(form, names)
    known = {str(number) for number in form.files} | {file.id for file in kept}
    for index, item in enumerate(form.body.get("attachments") or []):
        if str(item["id"]) not in known:
            raise bad_form(("attachments", index, "id"), "ATTACHMENT_NOT_FOUND", "Attachment not found.")


def _filled(message: StoredMessage, form: Form, kept: list[StoredFile], new_id: NewId) -> StoredMessage:
    body = form.body
    message.files = kept + _stored(form, new_id)
    if "content" in body:
        message.content = body["content"] or ""
    if "embeds" in body:
        message.embeds = body["embeds"] or []
    if "flags" in body:
        message.flags = body["flags"] or 0
    if form.with_components and "components" in body:
        message.components = body["components"] or []
    if "content" in body or "allowed_mentions" in body:
        message.allowed_mentions = body.get("allowed_mentions")
    if message.empty:
        raise DiscordError(400, 50006, "Cannot send an empty message")
    return message


def _stored(form: Form, new_id: NewId) -> list[StoredFile]:
    return [
        StoredFile(new_id(), upload.filename, upload.content_type, upload.data, upload.description)
        for _, upload in sorted(form.files.items())
    ]


def _describe_files(form: Form) -> None:
    """``attachments`` may rename the files of the same form and give them an alternative text."""
    uploads = {str(number): upload for number, upload in form.files.items()}
    for item in _items(form):
        upload, filename, text = (
            uploads.get(str(item.get("id"))),
            item.get("filename"),
            item.get("description"),
        )
        if upload is not None and isinstance(filename, str):
            upload.filename = sanitized(filename)
        if upload is not None and isinstance(text, str):
            upload.description = text


def _listed(form: Form) -> set[str]:
    return {str(item.get("id")) for item in _items(form)}


def _items(form: Form) -> list[dict[str, object]]:
    listed = form.body.get("attachments")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
