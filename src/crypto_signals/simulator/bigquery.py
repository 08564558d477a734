"""A stand-in for Google BigQuery, which Google's own client library works against unchanged.

It holds to the rules that a client can run into (see `bigquery_data`), and has the simulator's faults:
resets, lost answers, errors, silence. Set BIGQUERY_EMULATOR_HOST to its ``address``.
"""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.simulator.bigquery_values import Json, Refusal
from crypto_signals.simulator.faults import FaultMiddleware, Faults
from crypto_signals.simulator.server import ConnectionProtocol

PAGE = 500
Handler = Callable[[Request], Awaitable[Response]]
_ROOT = "/bigquery/v2/projects/{project}"
_TABLES = _ROOT + "/datasets/{dataset}/tables"


@dataclass(slots=True)
class BigQueryStandIn:
    """``data`` can be replaced by another world at any time; ``asked`` are the requests so far."""

    data: BigQueryData = field(default_factory=BigQueryData)
    faults: Faults = field(default_factory=Faults)
    asked: list[str] = field(default_factory=list)
    uploads: dict[str, Json] = field(default_factory=dict)
    address: str = ""

    def dataset(self, _request: Request, _body: Json) -> Json:
        reference = {"projectId": self.data.project, "datasetId": self.data.dataset}
        return {"datasetReference": reference, "location": self.data.location}

    def listed(self, _request: Request, _body: Json) -> Json:
        kept = ("tableReference", "type", "labels", "timePartitioning", "clustering", "creationTime")
        return {
            "tables": [
                {name: table[name] for name in kept if name in table} for table in self.data.tables.values()
            ]
        }

    def insert_table(self, _request: Request, body: Json) -> Json:
        return self.data.insert(body)

    def get_table(self, request: Request, _body: Json) -> Json:
        name = request.path_params["table"]
        if name in self.data.answers:
            reference = {"projectId": self.data.project, "datasetId": "_results", "tableId": name}
            return {
                "tableReference": reference,
                "schema": {"fields": self.data.answers[name][0]},
                "type": "TABLE",
            }
        return self.data.table(name)

    def patch_table(self, request: Request, body: Json) -> Json:
        return self.data.patch(request.path_params["table"], body, request.headers.get("if-match"))

    def delete_table(self, request: Request, _body: Json) -> Json:
        self.data.delete(request.path_params["table"])
        return {}

    def rows(self, request: Request, _body: Json) -> Json:
        _, rows = self.data.answers[request.path_params["table"]]
        start = int(request.query_params.get("pageToken", 0))
        more = {"pageToken": str(start + PAGE)} if start + PAGE < len(rows) else {}
        return {"totalRows": str(len(rows)), "rows": rows[start : start + PAGE], **more}

    def insert_job(self, _request: Request, body: Json) -> Json:
        return self.data.begin(body)

    def get_job(self, request: Request, _body: Json) -> Json:
        return self.data.job(request.path_params["job"])

    async def upload(self, request: Request) -> Response:
        """The two ways in which the library sends rows: all at once, or the job first."""
        if request.query_params["uploadType"] == "multipart":
            body, data = _parts(request.headers["content-type"], await request.body())
            return JSONResponse(self.data.begin(body, data))
        if request.method == "POST":
            ticket = uuid4().hex
            self.uploads[ticket] = await request.json()
            there = f"{self.address}{request.url.path}?uploadType=resumable&upload_id={ticket}"
            return Response(headers={"location": there})
        body = self.uploads.pop(request.query_params["upload_id"])
        return JSONResponse(self.data.begin(body, await request.body()))

    def app(self) -> Starlette:
        """All of it; the faults need `served`, since they reach for the connection."""
        table, job = _TABLES + "/{table}", _ROOT + "/jobs/{job}"
        routes = [
            self._route(_ROOT + "/datasets/{dataset}", "GET", self.dataset),
            self._route(_TABLES, "GET", self.listed),
            self._route(_TABLES, "POST", self.insert_table),
            self._route(table, "GET", self.get_table),
            self._route(table, "PATCH", self.patch_table),
            self._route(table, "DELETE", self.delete_table),
            self._route(table + "/data", "GET", self.rows),
            self._route(_ROOT + "/jobs", "POST", self.insert_job),
            self._route(job, "GET", self.get_job),
            Route("/upload" + _ROOT + "/jobs", self._guarded(self.upload), methods=["POST", "PUT"]),
        ]
        return Starlette(routes=routes, middleware=[Middleware(FaultMiddleware, faults=self.faults)])

    def _route(self, path: str, method: str, answer: Callable[[Request, Json], Json]) -> Route:
        async def handle(request: Request) -> Response:
            body = await request.body()
            said = answer(request, json.loads(body) if body else {})
            return JSONResponse(said) if said else Response(status_code=204)

        return Route(path, self._guarded(handle), methods=[method])

    def _guarded(
        self, handle: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """For the project and the dataset that there are alone, with the clock looked at first."""

        async def guarded(request: Request) -> Response:
            self.asked.append(f"{request.method} {request.url.path}")
            self.data.sweep()
            try:
                self._require(request.path_params)
                return await handle(request)
            except Refusal as refusal:
                said = {"code": refusal.status, "message": refusal.message, "errors": [refusal.as_json()]}
                return JSONResponse({"error": said}, refusal.status)

        return guarded

    def _require(self, named: dict[str, Any]) -> None:
        project, dataset = named["project"], named.get("dataset", self.data.dataset)
        if project != self.data.project:
            raise Refusal(403, "accessDenied", f"Access Denied: Project {project}: no permission")
        if dataset not in {self.data.dataset, "_results"}:
            raise Refusal(404, "notFound", f"Not found: Dataset {project}:{dataset}")


@contextmanager
def served(stand_in: BigQueryStandIn) -> Iterator[BigQueryStandIn]:
    """The stand-in on a free port of loopback while the block lasts."""
    config = uvicorn.Config(
        stand_in.app(), http=ConnectionProtocol, ws="none", lifespan="off", log_level="warning",
        access_log=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stand_in.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield stand_in
        finally:
            server.should_exit = True
            thread.join(timeout=5)


def _parts(content_type: str, body: bytes) -> tuple[Json, bytes]:
    """The job and the rows of a multipart upload."""
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    job, rows = (part.partition(b"\r\n\r\n")[2] for part in body.split(boundary)[1:3])
    return json.loads(job), rows.removesuffix(b"\r\n")
