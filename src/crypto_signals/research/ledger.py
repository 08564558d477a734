"""What a run stores, kept in memory: for replays whose whole past is looked at afterwards."""

from collections.abc import Sequence
from datetime import datetime

from crypto_signals.domain.errors import VersionConflict
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.ports import Saved, Watermark


class MemoryLedger:
    """The `Ledger` of one strategy on one timeframe."""

    def __init__(self) -> None:
        self._stories: dict[str, tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]] = {}
        self._marks: dict[str, Watermark] = {}

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",  # noqa: ARG002
        timeframe: str = "",  # noqa: ARG002
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        for save in saves:
            key = save.signal.signal_id
            stored, events, effects = self._stories.get(key, (None, (), ()))
            if save.expected != (stored.revision if stored else 0):
                raise VersionConflict(f"signal {key} is not the one that was read")
            self._stories[key] = save.signal, (*events, *save.events), (*effects, *save.effects)
        self._marks |= {mark.symbol: mark for mark in watermarks}

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:  # noqa: ARG002
        """All of them: what is older does no harm, as a cool-down counts bars."""
        return self.signals()

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]:  # noqa: ARG002
        return dict(self._marks)

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        return self._stories[signal_id]

    def signals(self) -> list[Signal]:
        signals = (signal for signal, _, _ in self._stories.values())
        return sorted(signals, key=lambda one: (one.bar_ts, one.symbol, one.detector, one.direction))
