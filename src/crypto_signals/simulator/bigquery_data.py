"""What the stand-in for BigQuery knows: tables, rows and jobs, with the rules that a client can run into.

The rows lie in DuckDB, in memory, and statements are translated for it by sqlglot.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import duckdb
import pyarrow as pa

from crypto_signals.simulator.bigquery_sql import Read, SqlRefused, read_sql
from crypto_signals.simulator.bigquery_values import (
    TYPES,
    Json,
    Refusal,
    as_field,
    as_row,
    cell,
    column,
    field_of_duckdb,
    parameter,
)


@dataclass(slots=True)
class BigQueryData:
    """One project with one dataset.

    ``polls``: how often a job that was started is still running when it is asked for. ``ahead_s``: how far
    the clock is ahead. ``spoiled``: what the next jobs fail with, in order; an empty text
    spares one.
    """

    project: str = "stand-in"
    dataset: str = "sentinel"
    location: str = "EU"
    polls: int = 0
    ahead_s: float = 0
    spoiled: list[str] = field(default_factory=list)
    tables: dict[str, Json] = field(default_factory=dict)
    jobs: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, tuple[list[Json], list[Json]]] = field(default_factory=dict)
    _rows: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    _polled: dict[str, int] = field(default_factory=dict)
    _changes: int = 0

    def now_ms(self) -> int:
        return int((time.time() + self.ahead_s) * 1000)

    def sweep(self) -> None:
        """Tables whose time is over are gone."""
        for name, table in list(self.tables.items()):
            if int(table.get("expirationTime", 2**62)) <= self.now_ms():
                self.delete(name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What DuckDB says, for a test that looks behind the service, or changes something there."""
        return self._rows.execute(sql).fetchall()

    def insert(self, body: Json) -> Json:
        """A new table or view."""
        name = body["tableReference"]["tableId"]
        if name in self.tables:
            raise Refusal(409, "duplicate", f"Already Exists: Table {self.full(name)}")
        made = {**body, "creationTime": str(self.now_ms()), "numRows": "0", "location": self.location}
        if "view" in body:
            made |= {"type": "VIEW", "schema": {"fields": self._viewed(name, body["view"])}}
        else:
            fields = [as_field(one) for one in body.get("schema", {}).get("fields", [])]
            made |= {"type": "TABLE", "schema": {"fields": fields}}
            self._rows.execute(f"CREATE TABLE {name} ({', '.join(map(column, fields))})")
        return self._changed(name, made)

    def patch(self, name: str, body: Json, etag: str | None) -> Json:
        """A schema may get more columns that may be empty; it never loses or changes one."""
        table = self.table(name)
        if etag not in {None, table["etag"]}:
            raise Refusal(412, "conditionNotMet", "Precondition check failed.")
        if "view" in body:
            body["schema"] = {"fields": self._viewed(name, body["view"])}
        elif "schema" in body:
            body["schema"] = {"fields": self._extended(name, body["schema"]["fields"])}
        return self._changed(name, {**table, **body})

    def delete(self, name: str) -> None:
        table = self.table(name)
        self._rows.execute(f"DROP {table['type']} {name}")
        del self.tables[name]

    def table(self, name: str) -> Json:
        if name not in self.tables:
            raise Refusal(404, "notFound", f"Not found: Table {self.full(name)}")
        return self.tables[name]

    def full(self, name: str) -> str:
        return f"{self.project}:{self.dataset}.{name}"

    def job(self, job_id: str) -> Json:
        """A job as it is now; it is done when it was asked for often enough."""
        if job_id not in self.jobs:
            raise Refusal(404, "notFound", f"Not found: Job {self.project}:{self.location}.{job_id}")
        self._polled[job_id] += 1
        job = self.jobs[job_id]
        if self._polled[job_id] <= self.polls:
            return {**job, "status": {"state": "RUNNING"}}
        return job

    def begin(self, body: Json, data: bytes = b"") -> Json:
        """Done at once, and said to be when it was asked for often enough. An id is never used twice."""
        job_id, config = body["jobReference"]["jobId"], body["configuration"]
        if config.get("dryRun"):
            return self._told(job_id, config, self._dry(config["query"]))
        if job_id in self.jobs:
            full = f"{self.project}:{self.location}.{job_id}"
            raise Refusal(409, "duplicate", f"Already Exists: Job {full}")
        self.jobs[job_id] = self._told(job_id, config, {})
        self._polled[job_id] = -1
        try:
            self._spoil()
            told = (
                self._load(config["load"], data) if "load" in config else self._query(job_id, config["query"])
            )
        except Refusal as refusal:
            failed = {"state": "DONE", "errorResult": refusal.as_json(), "errors": [refusal.as_json()]}
            self.jobs[job_id]["status"] = failed
            if refusal.status < 500 and "query" in config and refusal.reason != "invalid":
                raise
        else:
            self.jobs[job_id]["statistics"] |= told
        return self.job(job_id)

    def _done(self, job_id: str, config: Json, data: bytes) -> Json:
        return self._load(config["load"], data) if "load" in config else self._query(job_id, config["query"])

    def _told(self, job_id: str, config: Json, statistics: Json) -> Json:
        now = str(self.now_ms())
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{self.location}.{job_id}",
            "jobReference": {"projectId": self.project, "jobId": job_id, "location": self.location},
            "configuration": config,
            "status": {"state": "DONE"},
            "statistics": {"creationTime": now, "startTime": now, "endTime": now, **statistics},
        }

    def _spoil(self) -> None:
        if self.spoiled and (why := self.spoiled.pop(0)):
            raise Refusal(500, "backendError", why)

    def _load(self, load: Json, data: bytes) -> Json:
        name = load["destinationTable"]["tableId"]
        table = self.tables.get(name)
        if table is None:
            raise Refusal(404, "notFound", f"Not found: Table {self.full(name)}")
        fields = [as_field(one) for one in load["schema"]["fields"]]
        rows = [as_row(line, fields) for line in data.splitlines() if line]
        if load.get("writeDisposition") == "WRITE_TRUNCATE":
            self._rows.execute(f"DELETE FROM {name}")  # noqa: S608 - a stand-in in memory
        schema = pa.schema([(one["name"], TYPES[one["type"]][1]) for one in fields])
        self._rows.register("loaded", pa.Table.from_pylist(rows, schema=schema))
        self._rows.execute(f"INSERT INTO {name} BY NAME SELECT * FROM loaded")  # noqa: S608
        self._rows.unregister("loaded")
        return {"load": {"outputRows": str(len(rows)), "badRecords": "0"}}

    def _read(self, query: Json) -> Read:
        here = query.get("defaultDataset", {}).get("datasetId")
        try:
            return read_sql(query["query"], (self.project, self.dataset), here, frozenset(self.tables))
        except SqlRefused as refused:
            raise Refusal(
                404 if refused.reason == "notFound" else 400, refused.reason, str(refused)
            ) from None

    def _dry(self, query: Json) -> Json:
        read = self._read(query)
        if read.kind == "SELECT":
            self._run(f"EXPLAIN {read.sql}", {})
        size = sum(int(self.tables[name].get("numBytes", 0)) for name in read.tables)
        return {
            "totalBytesProcessed": str(size),
            "query": {"statementType": read.kind, "totalBytesProcessed": str(size)},
        }

    def _query(self, job_id: str, query: Json) -> Json:
        read = self._read(query)
        given = {one["name"]: parameter(one) for one in query.get("queryParameters", [])}
        answer = self._run(read.sql, given)
        if read.kind == "SELECT":
            name = f"anon{len(self.answers)}"
            fields = [field_of_duckdb(*one[:2]) for one in answer.description or ()]
            rows = [{"f": [{"v": cell(value)} for value in row]} for row in answer.fetchall()]
            self.answers[name] = fields, rows
            there = {"projectId": self.project, "datasetId": "_results", "tableId": name}
            self.jobs[job_id]["configuration"]["query"]["destinationTable"] = there
        return {"query": {"statementType": read.kind}}

    def _run(self, sql: str, given: Json) -> duckdb.DuckDBPyConnection:
        try:
            return self._rows.execute(sql, given)
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
            raise Refusal(400, "invalidQuery", str(error)) from None
        except duckdb.Error as error:
            raise Refusal(400, "invalid", str(error)) from None

    def _viewed(self, name: str, view: Json) -> list[Json]:
        if view.get("useLegacySql"):
            raise Refusal(400, "invalid", "legacy SQL is not spoken here")
        read = self._read({"query": view["query"]})
        self._run(f"CREATE OR REPLACE VIEW {name} AS {read.sql}", {})
        empty = self._run(f"SELECT * FROM {name} LIMIT 0", {})  # noqa: S608
        return [field_of_duckdb(*one[:2]) for one in empty.description or ()]

    def _extended(self, name: str, wanted: Iterable[Json]) -> list[Json]:
        before = {one["name"]: one for one in self.tables[name]["schema"]["fields"]}
        fields = [as_field(one) for one in wanted]
        after = {one["name"]: one for one in fields}
        for gone, one in before.items():
            kept = after.get(gone)
            if (
                kept is None
                or kept["type"] != one["type"]
                or (kept["mode"], one["mode"]) == ("REQUIRED", "NULLABLE")
            ):
                self._refuse_schema(name, f"Field {gone} is missing in new schema, or has changed")
        for one in fields:
            if one["name"] not in before:
                if one["mode"] == "REQUIRED":
                    self._refuse_schema(
                        name, f"Cannot add required fields to an existing schema. (field: {one['name']})"
                    )
                self._rows.execute(f"ALTER TABLE {name} ADD COLUMN {column(one)}")
        return fields

    def _refuse_schema(self, name: str, why: str) -> NoReturn:
        said = f"Provided Schema does not match Table {self.full(name)}. {why}"
        raise Refusal(400, "invalid", said)

    def _changed(self, name: str, table: Json) -> Json:
        self._changes += 1
        self.tables[name] = table | {"etag": f"etag-{self._changes}"}
        return self.tables[name]
