"""Discord's endpoints for a bot: messages that it posts and finds again, and threads.

Source: discord-api-docs, resources/message, resources/channel, resources/guild, topics/threads. What these
leave open: a nonce is returned by the request that set it and is stored nowhere (discord.py issue 2451), and
one whose message was deleted since gives 404 (discord-api-docs pull request 6647).
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.board import BOT, StoredMessage, Thread
from crypto_signals.simulator.bot_requests import (
    PAGE_MAX,
    archived_before,
    limit_of,
    nonce_of,
    page,
    thread_name_of,
)
from crypto_signals.simulator.channel_json import (
    bot_json,
    channel_json,
    found_message,
    starter,
    thread_channel,
)
from crypto_signals.simulator.composing import compose, revise
from crypto_signals.simulator.discord import VERSIONS
from crypto_signals.simulator.discord_errors import (
    DiscordError,
    answered,
    bad_form,
    snowflake,
    unknown_channel,
    unknown_message,
)
from crypto_signals.simulator.discord_limits import limit_headers, too_many
from crypto_signals.simulator.message_json import message_json
from crypto_signals.simulator.settings import GUILD_ID, Channel
from crypto_signals.simulator.uploads import Form, read_form
from crypto_signals.simulator.world import World, base_url

Permission = Literal[
    "VIEW_CHANNEL",
    "SEND_MESSAGES",
    "CREATE_PUBLIC_THREADS",
    "SEND_MESSAGES_IN_THREADS",
    "EMBED_LINKS",
    "ATTACH_FILES",
    "READ_MESSAGE_HISTORY",
]
Action = Callable[[Request], Awaitable[Response]]
Item = TypeVar("Item", StoredMessage, Thread)


class BotApi:
    """The endpoints that need the bot's token."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """The same endpoints with and without the API version."""
        messages = "/channels/{channel_id}/messages"
        actions: list[tuple[str, str, Action]] = [
            ("GET", "/users/@me", self._me),
            ("GET", "/channels/{channel_id}", self._channel),
            ("GET", messages, self._list),
            ("POST", messages, self._post),
            ("GET", messages + "/{message_id}", self._get),
            ("PATCH", messages + "/{message_id}", self._edit),
            ("DELETE", messages + "/{message_id}", self._delete),
            ("POST", messages + "/{message_id}/threads", self._thread_from_message),
            ("POST", "/channels/{channel_id}/threads", self._forum_thread),
            ("GET", "/channels/{channel_id}/threads/archived/public", self._archived),
            ("GET", "/guilds/{guild_id}/threads/active", self._active),
        ]
        return [
            Route(version + path, self._guarded(f"{method} {path}", act), methods=[method])
            for version in VERSIONS
            for method, path, act in actions
        ]

    def _guarded(self, route: str, action: Action) -> Action:
        """Authenticate, count against the limits, act; the headers of the limit go on every answer."""

        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bot {self._world.settings.bot_token}":
                return DiscordError(401, 0, "401: Unauthorized").response()
            total = self._world.limiter.bot_total()
            if total is not None and not total.allowed:
                return too_many(total, "global")
            owner = request.path_params.get("channel_id") or request.path_params.get("guild_id", "")
            reading = self._world.limiter.bot(f"{route} {owner}")
            if reading is not None and not reading.allowed:
                response = too_many(reading, "user")
            else:
                response = await answered(action(request))
            response.headers.update(limit_headers(reading, route))
            return response

        return endpoint

    async def _me(self, _request: Request) -> Response:
        return JSONResponse(bot_json())

    async def _channel(self, request: Request) -> Response:
        channel, place = self._asked(request)
        if place is not None and not place.is_channel:
            return JSONResponse(thread_channel(place))
        threads = [thread for thread in self._world.board.threads.values() if thread.channel == channel]
        return JSONResponse(channel_json(channel, threads))

    async def _post(self, request: Request) -> Response:
        form = await read_form(request, self._world.settings.max_file_bytes)
        _, place = self._asked(request)
        if place is None:
            raise DiscordError(400, 50008, "Cannot send messages in a non-text channel")
        self._require("SEND_MESSAGES" if place.is_channel else "SEND_MESSAGES_IN_THREADS")
        nonce = nonce_of(form)
        known = self._recent(nonce) if nonce and form.body.get("enforce_nonce") is True else None
        message = known or self._saved(form, place)
        if nonce is not None:
            self._world.board.nonces[nonce] = message
        return JSONResponse(message_json(message, base_url(request)) | ({"nonce": nonce} if nonce else {}))

    def _saved(self, form: Form, place: Thread) -> StoredMessage:
        message = self._composed(form, place.id)
        place.add(message)
        return message

    def _composed(self, form: Form, channel_id: str) -> StoredMessage:
        if form.body.get("embeds"):
            self._require("EMBED_LINKS")
        if form.files:
            self._require("ATTACH_FILES")
        return compose(form, channel_id, BOT, self._world.new_id, self._world.clock.now())

    def _recent(self, nonce: str) -> StoredMessage | None:
        """The message that was posted with this nonce lately; its deletion does not free the nonce."""
        known = self._world.board.nonces.get(nonce)
        if known is None or time.monotonic() - known.saved_at >= self._world.habits.nonce_seconds:
            return None
        place = self._world.board.threads.get(known.channel_id)
        if place is None or place.find(known.id) is None:
            raise unknown_message()
        return known

    async def _list(self, request: Request) -> Response:
        _, place = self._asked(request)
        if place is None:
            raise DiscordError(400, 50024, "Cannot execute action on this channel type")
        if "READ_MESSAGE_HISTORY" in self._world.habits.missing:
            return JSONResponse([])
        newest = page(request, self._seen(place.messages))
        found = [found_message(message, place, self._world.board, base_url(request)) for message in newest]
        return JSONResponse(found + starter(place, found))

    async def _get(self, request: Request) -> Response:
        self._asked(request)
        self._require("READ_MESSAGE_HISTORY")
        place, message = self._found(request)
        if not self._seen([message]):
            raise unknown_message()
        return JSONResponse(found_message(message, place, self._world.board, base_url(request)))

    async def _edit(self, request: Request) -> Response:
        form = await read_form(request, self._world.settings.max_file_bytes)
        place, message = self._found(request)
        if message.author != BOT:
            raise DiscordError(403, 50005, "Cannot edit a message authored by another user")
        edited = revise(message, form, self._world.new_id, self._world.clock.now())
        place.messages[place.messages.index(message)] = edited
        return JSONResponse(message_json(edited, base_url(request)))

    async def _delete(self, request: Request) -> Response:
        place, message = self._found(request)
        if message.author != BOT:
            raise _missing_permissions()
        place.messages.remove(message)
        return Response(status_code=204)

    async def _thread_from_message(self, request: Request) -> Response:
        """A message has one thread, which bears its id."""
        form = await read_form(request, self._world.settings.max_file_bytes)
        place, message = self._found(request)
        self._require("CREATE_PUBLIC_THREADS")
        name, now = thread_name_of(form), self._world.clock.now()
        if message.id in self._world.board.threads:
            raise DiscordError(400, 160004, "A thread has already been created for this message")
        thread = self._world.board.open_thread(place.channel, message.id, name, BOT.id, now)
        return JSONResponse(thread_channel(thread), 201)

    async def _forum_thread(self, request: Request) -> Response:
        """A thread whose first message bears its id."""
        form = await read_form(request, self._world.settings.max_file_bytes)
        channel, place = self._asked(request)
        self._require("SEND_MESSAGES")
        first = form.body.get("message")
        if place is not None or not isinstance(first, dict):
            raise bad_form(("message",), "BASE_TYPE_REQUIRED", "This field is required")
        name, now = thread_name_of(form), self._world.clock.now()
        message = self._composed(replace(form, body=first), channel.channel_id)
        thread = self._world.board.open_thread(channel, message.id, name, BOT.id, now)
        thread.add(message)
        return JSONResponse(
            thread_channel(thread) | {"message": message_json(message, base_url(request))}, 201
        )

    async def _active(self, request: Request) -> Response:
        """All active threads of the server, the newest first."""
        if request.path_params["guild_id"] != GUILD_ID:
            raise DiscordError(404, 10004, "Unknown Guild")
        self._require_view()
        threads = [t for t in self._world.board.threads.values() if not (t.is_channel or t.archived)]
        newest = sorted(self._seen(threads), key=lambda thread: int(thread.id), reverse=True)
        return JSONResponse({"threads": [thread_channel(thread) for thread in newest], "members": []})

    async def _archived(self, request: Request) -> Response:
        """A page of a channel's archived threads, the last archived first."""
        channel, _ = self._asked(request)
        self._require("READ_MESSAGE_HISTORY")
        before, limit = request.query_params.get("before"), limit_of(request, PAGE_MAX)
        archived = [
            thread
            for thread in self._world.board.threads.values()
            if thread.channel == channel and thread.archived and archived_before(thread, before)
        ]
        newest = sorted(self._seen(archived), key=lambda thread: thread.archive_timestamp, reverse=True)
        threads = [thread_channel(thread) for thread in newest[:limit]]
        return JSONResponse({"threads": threads, "members": [], "has_more": len(newest) > limit})

    def _asked(self, request: Request) -> tuple[Channel, Thread | None]:
        """The channel of a request, and the place for messages that it names; a forum itself is none."""
        channel_id = snowflake("channel_id", request.path_params["channel_id"])
        board = self._world.board
        channel = board.channel(channel_id)
        place = board.threads.get(channel_id) if channel is None else None
        if channel is None and place is None:
            raise unknown_channel()
        self._require_view()
        if place is not None:
            return place.channel, place
        assert channel is not None  # noqa: S101 - one of the two was found
        return channel, None if channel.forum else board.text_thread(channel)

    def _found(self, request: Request) -> tuple[Thread, StoredMessage]:
        _, place = self._asked(request)
        message_id = snowflake("message_id", request.path_params["message_id"])
        message = place.find(message_id) if place else None
        if place is None or message is None:
            raise unknown_message()
        return place, message

    def _seen(self, items: Sequence[Item]) -> list[Item]:
        """What a read shows: nothing that is younger than the search lag."""
        oldest = time.monotonic() - self._world.habits.search_lag_seconds
        return [item for item in items if item.saved_at <= oldest]

    def _require(self, permission: Permission) -> None:
        if permission in self._world.habits.missing:
            raise _missing_permissions()

    def _require_view(self) -> None:
        if "VIEW_CHANNEL" in self._world.habits.missing:
            raise DiscordError(403, 50001, "Missing Access")


def _missing_permissions() -> DiscordError:
    return DiscordError(403, 50013, "Missing Permissions")
