"""Editing the announcement of a signal into its status card, for the webhook and the bot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crypto_signals.engine.ports import Letter
from crypto_signals.notifications.announcement import MAY_REPEAT
from crypto_signals.notifications.discord_client import DiscordClient
from crypto_signals.notifications.discord_marks import mark_of
from crypto_signals.notifications.discord_posts import JsonObject, posts
from crypto_signals.notifications.messages import message

_FIRST = 1
"""The number of the event that is announced."""


def edit(client: DiscordClient, path: str, letter: Letter, query: Mapping[str, str] | None = None) -> None:
    """What is there is looked at first: whether it has a picture, and a warning, which both stay."""
    there = client.read(path, query)
    response = client.send(path, card_body(letter, _embeds(there)), query=query, method="PATCH")
    if not response.is_success:
        raise client.problem(response)


def card_body(letter: Letter, there: Sequence[Mapping[str, Any]]) -> JsonObject:
    """The card in place of the embeds that are ``there``, with the mark by which the message is found.

    Files stay that an edit says nothing of; one that an embed shows is in no list, and so cannot be named in
    one. Of an announcement that took several posts the first becomes the card.
    """
    first = replace(letter, key=f"{letter.signal.signal_id}/{_FIRST}")
    told = message(letter, may_repeat=any(MAY_REPEAT in str(embed.get("description")) for embed in there))
    body = posts(told, mark_of(first), picture=any("image" in embed for embed in there))[0]
    body.pop("attachments", None)
    return body


def _embeds(there: Any) -> list[Mapping[str, Any]]:
    """Of a message whose embeds were taken away, none."""
    embeds = there.get("embeds") if isinstance(there, Mapping) else None
    return [embed for embed in embeds or () if isinstance(embed, Mapping)]
