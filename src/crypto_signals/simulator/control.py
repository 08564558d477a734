"""The simulator's own endpoints, for tests: look at what happened, and make things happen."""

from dataclasses import replace
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from crypto_signals.simulator.clock import Clock, iso_z
from crypto_signals.simulator.discord_bot import Permission
from crypto_signals.simulator.fault_rules import FAULT_RULES
from crypto_signals.simulator.message_json import thread_json
from crypto_signals.simulator.random_faults import RANDOM_FAULTS
from crypto_signals.simulator.settings import Limits, Plan, RateLimit
from crypto_signals.simulator.world import Habits, World, base_url


class ClockForm(BaseModel):
    """``now`` is the instant to stand at; null follows the real time. ``skew_seconds`` is how fast the
    services' clocks are. Those that are named change.
    """

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    skew_seconds: Annotated[float, Field(ge=-86_400, le=86_400)] = 0.0

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name the instant, or the skew")
        return self

    def apply_to(self, clock: Clock) -> None:
        """Change what was named."""
        if "now" in self.model_fields_set:
            clock.set(self.now)
        if "skew_seconds" in self.model_fields_set:
            clock.skew_seconds = self.skew_seconds


class AccountForm(BaseModel):
    """The plan of the Alpaca account."""

    model_config = ConfigDict(extra="forbid")

    plan: Plan


class LimitForm(BaseModel):
    """A rate limit."""

    model_config = ConfigDict(extra="forbid")

    requests: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0)]

    def limit(self) -> RateLimit:
        """The same as a setting."""
        return RateLimit(self.requests, self.seconds)


class LimitsForm(BaseModel):
    """Those that are named change: to a limit, or with null to none."""

    model_config = ConfigDict(extra="forbid")

    webhook: LimitForm | None = None
    channel: LimitForm | None = None
    bot: LimitForm | None = None
    bot_total: LimitForm | None = None
    alpaca: LimitForm | None = None

    def applied_to(self, limits: Limits) -> Limits:
        """The limits in force after the change."""
        named = {name: getattr(self, name) for name in self.model_fields_set}
        return replace(limits, **{name: form and form.limit() for name, form in named.items()})


class HabitsForm(BaseModel):
    """Those that are named change."""

    model_config = ConfigDict(extra="forbid")

    search_lag_seconds: Annotated[float, Field(ge=0)] = 0.0
    nonce_seconds: Annotated[float, Field(ge=0)] = 300.0
    missing: frozenset[Permission] = frozenset()

    def impose_on(self, habits: Habits) -> None:
        """Change what was named."""
        for name in self.model_fields_set:
            setattr(habits, name, getattr(self, name))


class ControlApi:
    """``/simulator/...``: never rate limited, never faulty, never logged."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them under ``/simulator/``."""
        return [
            Route("/simulator/threads", self._threads, methods=["GET"]),
            Route("/simulator/requests", self._requests, methods=["GET"]),
            Route("/simulator/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/simulator/faults/random", self._random_faults, methods=["GET", "POST"]),
            Route("/simulator/clock", self._clock, methods=["GET", "POST"]),
            Route("/simulator/limits", self._limits, methods=["POST"]),
            Route("/simulator/discord", self._discord, methods=["POST"]),
            Route("/simulator/alpaca", self._alpaca, methods=["POST"]),
            Route("/simulator/threads/{thread_id}", self._delete_thread, methods=["DELETE"]),
            Route("/simulator/threads/{thread_id}/archive", self._archive_thread, methods=["POST"]),
            Route("/simulator/channels/{channel_id}", self._delete_channel, methods=["DELETE"]),
            Route("/simulator/reset", self._reset, methods=["POST"]),
        ]

    async def _threads(self, request: Request) -> Response:
        url = base_url(request)
        return JSONResponse([thread_json(thread, url) for thread in self._world.board.threads.values()])

    async def _requests(self, _request: Request) -> Response:
        return JSONResponse(self._world.log.as_json())

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._world.faults.clear()
        elif request.method == "POST":
            try:
                self._world.faults.add(FAULT_RULES.validate_json(await request.body()))
            except ValidationError as error:
                return _bad(error)
        return JSONResponse(self._world.faults.as_json())

    async def _random_faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._world.faults.add_at_random(RANDOM_FAULTS.validate_json(await request.body()))
            except ValidationError as error:
                return _bad(error)
        return JSONResponse(self._world.faults.at_random_as_json())

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                form = ClockForm.model_validate_json(await request.body())
            except ValidationError as error:
                return _bad(error)
            form.apply_to(self._world.clock)
        return JSONResponse({"now": iso_z(self._world.clock.now())})

    async def _limits(self, request: Request) -> Response:
        try:
            form = LimitsForm.model_validate_json(await request.body())
        except ValidationError as error:
            return _bad(error)
        self._world.limiter.replace(form.applied_to(self._world.limiter.limits))
        return Response(status_code=204)

    async def _discord(self, request: Request) -> Response:
        try:
            HabitsForm.model_validate_json(await request.body()).impose_on(self._world.habits)
        except ValidationError as error:
            return _bad(error)
        return Response(status_code=204)

    async def _alpaca(self, request: Request) -> Response:
        try:
            form = AccountForm.model_validate_json(await request.body())
        except ValidationError as error:
            return _bad(error)
        self._world.account.plan = form.plan
        return Response(status_code=204)

    async def _delete_thread(self, request: Request) -> Response:
        """As a moderator would: the message that it was started from stays."""
        found = self._world.board.threads.pop(request.path_params["thread_id"], None)
        return Response(status_code=204 if found else 404)

    async def _archive_thread(self, request: Request) -> Response:
        thread = self._world.board.threads.get(request.path_params["thread_id"])
        if thread is None:
            return Response(status_code=404)
        thread.archived, thread.archive_timestamp = True, self._world.clock.now()
        return Response(status_code=204)

    async def _delete_channel(self, request: Request) -> Response:
        channel = self._world.board.channel(request.path_params["channel_id"])
        if channel is None:
            return Response(status_code=404)
        self._world.board.delete_channel(channel)
        return Response(status_code=204)

    async def _reset(self, _request: Request) -> Response:
        self._world.reset()
        return Response(status_code=204)


def _bad(error: ValidationError) -> Response:
    return Response(error.json(), 400, media_type="application/json")
