"""Pages for a person: the channels, their threads, and the messages much as Discord shows them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.board import Thread
from crypto_signals.simulator.discord_errors import JsonObject
from crypto_signals.simulator.markup import rendered
from crypto_signals.simulator.message_json import thread_json
from crypto_signals.simulator.world import World, base_url

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
FILE_POLICY = "default-src 'none'; sandbox"
DEFAULT_COLOR = 0x4E5058


class Pages:
    """``/``, ``/threads/{id}``, and the uploaded files."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"shown_date": shown_date, "local": local, "color": color}

    def routes(self) -> list[BaseRoute]:
        """Read-only."""
        return [
            Route("/", self._index, methods=["GET"]),
            Route("/threads/{thread_id}", self._thread, methods=["GET"]),
            Route("/attachments/{channel_id}/{file_id}/{filename}", self._file, methods=["GET"]),
        ]

    async def _index(self, _request: Request) -> Response:
        board = self._world.board
        groups = [
            (channel, [thread for thread in board.threads.values() if thread.channel == channel])
            for channel in board.channels
        ]
        return self._page("index.html", groups=groups)

    async def _thread(self, request: Request) -> Response:
        thread = self._world.board.threads.get(request.path_params["thread_id"])
        if thread is None:
            return PlainTextResponse("no such thread", 404)
        return self._page("thread.html", thread=shown_thread(thread, base_url(request)))

    async def _file(self, request: Request) -> Response:
        file = self._world.board.file(request.path_params["channel_id"], request.path_params["file_id"])
        if file is None:
            return PlainTextResponse("This content is no longer available.", 404)
        headers = {"Content-Security-Policy": FILE_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(file.data, headers=headers | {"Content-Type": file.content_type})

    def _page(self, template: str, **values: Any) -> Response:
        values |= {"markup": self._markup()}
        html = self._environment.get_template(template).render(values)
        return HTMLResponse(html, headers={"Content-Security-Policy": PAGE_POLICY})

    def _markup(self) -> Callable[[str], Markup]:
        now = self._world.clock.now()
        return lambda text: rendered(text, now)


def shown_thread(thread: Thread, url: str) -> JsonObject:
    """A thread as its page shows it: of the embeds with the same address only the first, as Discord does."""
    facts = thread_json(thread, url)
    for message in facts["messages"]:
        message["embeds"] = list(_first_of_each_address(message["embeds"]).values())
    return facts


def shown_date(stamp: str) -> str:
    """``9 March 2022 05:00 UTC``."""
    return datetime.fromisoformat(stamp).strftime("%-d %B %Y %H:%M UTC")


def local(url: str) -> str | None:
    """The path of a file that the simulator serves itself; None for other addresses, which are not loaded."""
    path = urlsplit(url).path
    return path if path.startswith("/attachments/") else None


def color(value: int | None) -> str:
    """An embed's colour for CSS."""
    return f"#{DEFAULT_COLOR if value is None else value:06x}"


def _first_of_each_address(embeds: list[JsonObject]) -> dict[str, JsonObject]:
    first: dict[str, JsonObject] = {}
    for index, embed in enumerate(embeds):
        first.setdefault(embed.get("url") or f"#{index}", embed)
    return first
