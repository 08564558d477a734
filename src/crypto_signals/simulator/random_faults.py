"""Faults at random: a bad day that can be had again, from its seed."""

import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from crypto_signals.simulator.fault_rules import FaultName, FaultRule

Service = Literal["alpaca", "discord"]
Kind = Literal[
    "429", "500", "502", "503", "reset_before", "reset_after", "hang", "half_body", "not_json", "slow", "late"
]
KINDS: tuple[Kind, ...] = (
    *("429", "500", "502", "503"),
    *("reset_before", "reset_after", "hang", "half_body", "not_json", "slow", "late"),
)
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body></body></html>"
HANG_SECONDS = 60.0


class RandomFaults(BaseModel):
    """How often a service's requests meet a fault of each kind: ``rates``, from 0 to 1, at most 1 in all.

    Whether the n-th request of the service meets one, and which, depends on ``seed`` and n alone. After
    ``times`` faults there are no more. ``seconds`` is how long the late and the slow ones take, and how long
    a 429 asks to wait.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    service: Service
    rates: dict[Kind, Annotated[float, Field(ge=0, le=1)]]
    times: Annotated[int, Field(ge=1)] = 1000
    seconds: Annotated[float, Field(ge=0, le=60)] = 0.3

    @classmethod
    def evenly(cls, seed: int, service: Service, rate: float) -> Self:
        """Every kind equally often, and ``rate`` of all requests in all."""
        return cls(seed=seed, service=service, rates=dict.fromkeys(KINDS, rate / len(KINDS)))

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if sum(self.rates.values()) > 1 + 1e-9:
            raise ValueError("the rates add up to more than 1")
        return self

    def kind_of(self, number: int) -> Kind | None:
        """What the n-th request of the service meets."""
        left = random.Random(f"{self.seed} {self.service} {number}").random()  # noqa: S311 - to be repeated
        for kind in KINDS:
            left -= self.rates.get(kind, 0.0)
            if left < 0:
                return kind
        return None

    def rule(self, kind: Kind) -> FaultRule:
        """The fault of a kind, in the service's own words."""
        if kind == "429":
            return self._too_many()
        if kind == "502":
            return FaultRule(fault="status", status=502, body=BAD_GATEWAY)
        if kind.isdigit():
            return FaultRule(fault="status", status=int(kind))
        name: FaultName = kind  # type: ignore[assignment] # all other kinds are faults' names
        return FaultRule(fault=name, seconds=HANG_SECONDS if kind == "hang" else self.seconds)

    def _too_many(self) -> FaultRule:
        if self.service == "alpaca":
            body: dict[str, Any] = {"code": 42910000, "message": "too many requests"}
            headers = {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(time.time() + self.seconds)),
            }
        else:
            body = {"message": "You are being rate limited.", "retry_after": self.seconds, "global": False}
            headers = {"Retry-After": str(math.ceil(self.seconds)), "X-RateLimit-Scope": "user"}
        return FaultRule(fault="status", status=429, body=body, headers=headers)


RANDOM_FAULTS = TypeAdapter(list[RandomFaults])


@dataclass(slots=True)
class ArmedAtRandom:
    """Random faults in force, with how many requests they have seen, and what they did to them."""

    faults: RandomFaults
    seen: int = 0
    struck: Counter[Kind] = field(default_factory=Counter)

    def strike(self, path: str) -> FaultRule | None:
        """The fault that this request meets, if any."""
        if service_of(path) != self.faults.service:
            return None
        self.seen += 1
        kind = self.faults.kind_of(self.seen) if self.struck.total() < self.faults.times else None
        if kind is None:
            return None
        self.struck[kind] += 1
        return self.faults.rule(kind)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return self.faults.model_dump(mode="json") | {"seen": self.seen, "struck": dict(self.struck)}


def service_of(path: str) -> Service:
    """Which of the services a path belongs to."""
    return "discord" if path.startswith("/api/") else "alpaca"
