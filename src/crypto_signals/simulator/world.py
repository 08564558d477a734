"""Everything that one running simulator holds, in one place."""

from dataclasses import dataclass

from starlette.requests import Request

from crypto_signals.simulator.bars_store import BarsStore
from crypto_signals.simulator.board import Board
from crypto_signals.simulator.clock import Clock
from crypto_signals.simulator.faults import Faults
from crypto_signals.simulator.limits import Limiter
from crypto_signals.simulator.request_log import RequestLog
from crypto_signals.simulator.settings import Plan, SimulatorSettings


@dataclass(slots=True)
class Habits:
    """How Discord behaves towards the bot; durations are real seconds.

    A message or thread is not seen by reads for ``search_lag_seconds``. A nonce is remembered for
    ``nonce_seconds`` ("the past few minutes"). ``missing`` are the permissions that the bot does not have.
    """

    search_lag_seconds: float = 0.0
    nonce_seconds: float = 300.0
    missing: frozenset[str] = frozenset()

    def clear(self) -> None:
        """Back to how it is at the start."""
        self.search_lag_seconds, self.nonce_seconds, self.missing = 0.0, 300.0, frozenset()


@dataclass(slots=True)
class Account:
    """The Alpaca account: its plan shows the consolidated tape of the last 15 minutes, or does not."""

    plan: Plan = "basic"

    @property
    def is_basic(self) -> bool:
        """True without real-time data."""
        return self.plan == "basic"


@dataclass(frozen=True, slots=True)
class World:
    """The state behind all endpoints; only the event loop's thread touches it."""

    settings: SimulatorSettings
    clock: Clock
    board: Board
    limiter: Limiter
    faults: Faults
    log: RequestLog
    bars: BarsStore
    habits: Habits
    account: Account

    @classmethod
    def from_settings(cls, settings: SimulatorSettings) -> "World":
        """A fresh world; reading the bars takes a moment."""
        return cls(
            settings=settings,
            clock=Clock(settings.now),
            board=Board(settings.channels),
            limiter=Limiter(settings.limits),
            faults=Faults(settings.faults),
            log=RequestLog(),
            bars=BarsStore.from_files(settings.bars),
            habits=Habits(),
            account=Account(settings.plan),
        )

    def new_id(self) -> str:
        """An id for something made now."""
        return self.board.ids.next(self.clock.now())

    def reset(self) -> None:
        """Back to the state after the start, except that ids go on growing."""
        self.clock.set(self.settings.now)
        self.clock.skew_seconds = 0.0
        self.board.clear()
        self.limiter.replace(self.settings.limits)
        self.faults.reset()
        self.log.clear()
        self.habits.clear()
        self.account.plan = self.settings.plan


def base_url(request: Request) -> str:
    """The address under which the client reached the simulator, without a slash at the end."""
    return str(request.base_url).rstrip("/")
