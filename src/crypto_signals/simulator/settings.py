"""What a simulator is started with."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from crypto_signals.simulator.random_faults import RandomFaults

Plan = Literal["basic", "plus"]

GUILD_ID = "3001"
BOT_ID = "4001"
BOT_NAME = "Sentinel"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests are let through in each window of so many seconds."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Channel:
    """A Discord channel with the one webhook that posts into it."""

    webhook_id: str
    token: str = field(repr=False)
    channel_id: str
    name: str
    forum: bool

    @property
    def path(self) -> str:
        """The address as Discord's own "copy webhook URL" button gives it: without an API version."""
        return f"/api/webhooks/{self.webhook_id}/{self.token}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits; None switches one off.

    Discord publishes no numbers but one: a bot may make 50 requests a second in all (``bot_total``). 5 in 2 s
    for each webhook and 30 in 60 s for each channel are what it does in practice (discord-api-docs issues
    367 and 1454); ``bot`` holds for each route and channel. Alpaca's 200 a minute is its free plan.
    """

    webhook: RateLimit | None = RateLimit(5, 2.0)
    channel: RateLimit | None = RateLimit(30, 60.0)
    bot: RateLimit | None = RateLimit(5, 5.0)
    bot_total: RateLimit | None = RateLimit(50, 1.0)
    alpaca: RateLimit | None = RateLimit(200, 60.0)


NO_LIMITS = Limits(webhook=None, channel=None, bot=None, bot_total=None, alpaca=None)

DEFAULT_CHANNELS = (
    Channel("1001", "forum-token", "2001", "trade-setups", forum=True),
    Channel("1002", "text-token", "2002", "trade-log", forum=False),
)


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """``now`` is the instant at which the virtual clock stands; None lets it follow the real one.

    ``max_file_bytes`` is the size of one upload that an unboosted server always took: 10 MiB. ``plan`` is
    that of the Alpaca account, ``faults`` strike at random from the start.
    """

    channels: tuple[Channel, ...] = DEFAULT_CHANNELS
    bot_token: str = field(default="bot-token", repr=False)
    limits: Limits = field(default_factory=Limits)
    bars: tuple[Path, ...] = ()
    now: datetime | None = None
    max_file_bytes: int = 10 * 2**20
    plan: Plan = "basic"
    faults: tuple[RandomFaults, ...] = ()
