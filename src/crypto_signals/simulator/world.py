"""Everything that one running simulator holds, in one place."""

from dataclasses import dataclass

from starlette.requests import Request

from crypto_signals.simulator.bars_store import BarsStore
from crypto_signals.simulator.board import Board
from crypto_signals.simulator.clock import Clock
from crypto_signals.simulator.faults import Faults
from crypto_signals.simulator.limits import Limiter
from crypto_signals.simulator.request_log import RequestLog
from crypto_signals.simulator.settings import SimulatorSettings


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

    @classmethod
    def from_settings(cls, settings: SimulatorSettings) -> "World":
        """A fresh world; reading the bars takes a moment."""
        return cls(
            settings=settings,
            clock=Clock(settings.now),
            board=Board(settings.channels),
            limiter=Limiter(settings.limits),
            faults=Faults(),
            log=RequestLog(),
            bars=BarsStore.from_files(settings.bars),
        )

    def reset(self) -> None:
        """Back to the state after the start, except that ids go on growing."""
        self.clock.set(self.settings.now)
        self.board.clear()
        self.limiter.replace(self.settings.limits)
        self.faults.clear()
        self.log.clear()


def base_url(request: Request) -> str:
    """The address under which the client reached the simulator, without a slash at the end."""
    return str(request.base_url).rstrip("/")
