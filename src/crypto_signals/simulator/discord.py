"""Discord's webhook endpoints.

Source: discord-api-docs, resources/webhook. A refused form gives 400 whether or not the request waits: the
silence documented for ``wait=false`` concerns messages that are refused later, while being saved. The fault
``not_saved`` plays that.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.board import Author, StoredMessage, Thread
from crypto_signals.simulator.composing import compose, revise
from crypto_signals.simulator.discord_errors import (
    DiscordError,
    answered,
    snowflake,
    unknown_channel,
    unknown_message,
    unknown_webhook,
)
from crypto_signals.simulator.discord_limits import limit_headers, too_many
from crypto_signals.simulator.limits import Reading
from crypto_signals.simulator.message_json import message_json, webhook_json
from crypto_signals.simulator.settings import Channel
from crypto_signals.simulator.uploads import Form, asked, read_form
from crypto_signals.simulator.world import World, base_url

Action = Callable[[Request, Channel], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

VERSIONS = ("/api/v10", "/api")


class DiscordApi:
    """The endpoints that need nothing but a webhook's token."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """The same endpoints with and without the API version."""
        webhook = {"GET": self._get_webhook, "POST": self._execute, "DELETE": self._delete_webhook}
        message = {"GET": self._get, "PATCH": self._edit, "DELETE": self._delete}
        return [
            Route(f"{version}/webhooks/{{webhook_id}}/{{token}}{tail}", self._guarded(act), methods=[method])
            for version in VERSIONS
            for tail, actions in (("", webhook), ("/messages/{message_id}", message))
            for method, act in actions.items()
        ]

    def _guarded(self, action: Action) -> Endpoint:
        """Authenticate, count against the limits, act; the headers of the limit go on every answer."""

        async def endpoint(request: Request) -> Response:
            try:
                channel = self._authenticated(request)
            except DiscordError as error:
                return error.response()
            reading = self._world.limiter.webhook(channel.webhook_id)
            response = self._refused(request, channel, reading) or await answered(action(request, channel))
            response.headers.update(limit_headers(reading))
            return response

        return endpoint

    def _authenticated(self, request: Request) -> Channel:
        channel = self._world.board.webhooks.get(snowflake("webhook_id", request.path_params["webhook_id"]))
        if channel is None:
            raise unknown_webhook()
        if request.path_params["token"] != channel.token:
            raise DiscordError(401, 50027, "Invalid Webhook Token")
        return channel

    def _refused(self, request: Request, channel: Channel, reading: Reading | None) -> Response | None:
        """The 429 that is due, if any: for the webhook's own limit, or the hidden one of its channel."""
        if reading is not None and not reading.allowed:
            return too_many(reading, "user")
        shared = self._world.limiter.channel(channel.channel_id) if request.method == "POST" else None
        if shared is not None and not shared.allowed:
            return too_many(shared, "shared")
        return None

    async def _get_webhook(self, request: Request, channel: Channel) -> Response:
        return JSONResponse(webhook_json(channel, base_url(request)))

    async def _delete_webhook(self, _request: Request, channel: Channel) -> Response:
        self._world.board.webhooks.pop(channel.webhook_id, None)
        return Response(status_code=204)

    async def _execute(self, request: Request, channel: Channel) -> Response:
        form = await read_form(request, self._world.settings.max_file_bytes)
        author = Author(channel.webhook_id, form.body.get("username") or channel.name, is_webhook=True)
        message = compose(form, channel.channel_id, author, self._world.new_id, self._world.clock.now())
        wait = asked(request, "wait")
        if request.scope["state"].get("not_saved"):
            return _not_saved(wait=wait)
        thread = self._destination(request, channel, form, message.id)
        thread.add(message)
        if not wait:
            return Response(status_code=204)
        return JSONResponse(message_json(message, base_url(request)))

    def _destination(self, request: Request, channel: Channel, form: Form, message_id: str) -> Thread:
        """The thread a message goes to; a new forum thread has the id of its first message."""
        thread_id = request.query_params.get("thread_id")
        name = form.body.get("thread_name")
        _check_destination(channel, thread_id, name)
        if thread_id is not None:
            return self._thread(channel, thread_id)
        if name is not None:
            now = self._world.clock.now()
            return self._world.board.open_thread(channel, message_id, name.strip(), channel.webhook_id, now)
        return self._world.board.text_thread(channel)

    async def _get(self, request: Request, channel: Channel) -> Response:
        _, message = self._found(request, channel)
        return JSONResponse(message_json(message, base_url(request)))

    async def _edit(self, request: Request, channel: Channel) -> Response:
        form = await read_form(request, self._world.settings.max_file_bytes)
        thread, message = self._found(request, channel)
        edited = revise(message, form, self._world.new_id, self._world.clock.now())
        thread.messages[thread.messages.index(message)] = edited
        return JSONResponse(message_json(edited, base_url(request)))

    async def _delete(self, request: Request, channel: Channel) -> Response:
        thread, message = self._found(request, channel)
        thread.messages.remove(message)
        return Response(status_code=204)

    def _found(self, request: Request, channel: Channel) -> tuple[Thread, StoredMessage]:
        """A message by its id; one in a thread is found only with the thread's id."""
        message_id = snowflake("message_id", request.path_params["message_id"])
        thread_id = request.query_params.get("thread_id")
        board = self._world.board
        thread = self._thread(channel, thread_id) if thread_id else board.thread(channel, channel.channel_id)
        message = thread.find(message_id) if thread else None
        if thread is None or message is None:
            raise unknown_message()
        return thread, message

    def _thread(self, channel: Channel, thread_id: str) -> Thread:
        thread = self._world.board.thread(channel, snowflake("thread_id", thread_id))
        if thread is None or thread.is_channel:
            raise unknown_channel()
        return thread


def _check_destination(channel: Channel, thread_id: str | None, name: str | None) -> None:
    """A forum needs exactly one of the two; elsewhere a webhook cannot open threads."""
    if not channel.forum:
        if name is not None:
            raise DiscordError(400, 220003, "Webhooks can only create threads in forum channels")
        return
    if thread_id is None and name is None:
        raise DiscordError(
            400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id"
        )
    if thread_id is not None and name is not None:
        raise DiscordError(
            400, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"
        )


def _not_saved(*, wait: bool) -> Response:
    """A message stopped by moderation (200000): only a request that waits is told."""
    if not wait:
        return Response(status_code=204)
    return DiscordError(400, 200000, "Message was blocked by automatic moderation").response()
