"""Faults by script: which requests meet which fault, and how often."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

FaultName = Literal[
    "status",
    "reset_before",
    "reset_after",
    "slow",
    "late",
    "hang",
    "half_body",
    "not_json",
    "replaced",
    "not_saved",
]


class FaultRule(BaseModel):
    """One fault, the requests it is for, and how often it strikes.

    ``path`` is a regular expression searched in the path. The first ``after`` matching requests pass; of
    those that follow, ``times`` (null: all) meet the fault:

    - ``status``: answered with ``status``, ``body`` and ``headers`` instead of being handled
    - ``reset_before``: the connection is reset before the request is handled
    - ``reset_after``: the request is handled, then the connection is reset: the reply is lost
    - ``slow``: handled after ``seconds``, even when the client has hung up by then
    - ``late``: the connection is reset, and the request is handled ``seconds`` later
    - ``half_body``: handled, but the connection closes in the middle of the reply
    - ``not_json``: handled, but the reply's body is not JSON
    - ``replaced``: handled, but the reply's body is ``body``, a text, said to be JSON
    - ``not_saved``: Discord drops the message while saving it
    - ``hang``: never handled nor answered; a client that has not hung up after ``seconds`` is cut off
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: FaultName
    method: str = "*"
    path: str = ""
    times: int | None = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    status: int = Field(default=500, ge=400, le=599)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float = Field(default=1.0, ge=0, le=600)

    @field_validator("path")
    @classmethod
    def _is_a_regular_expression(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return path

    def concerns(self, method: str, path: str) -> bool:
        """True for the requests that this rule counts."""
        return self.method in {"*", method} and re.search(self.path, path) is not None


FAULT_RULES = TypeAdapter(list[FaultRule])


@dataclass(slots=True)
class ArmedRule:
    """A rule with its counters."""

    rule: FaultRule
    seen: int = 0
    struck: int = 0

    def ready(self) -> bool:
        """True when the request just counted may meet the fault."""
        spent = self.rule.times is not None and self.struck >= self.rule.times
        return self.seen > self.rule.after and not spent
