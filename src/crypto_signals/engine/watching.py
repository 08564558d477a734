"""What a run tells those who watch it; nobody has to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from crypto_signals.analysis.panel import as_datetime
from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.domain.events import Effect
from crypto_signals.domain.instruments import Instrument
from crypto_signals.engine.letters import Owed
from crypto_signals.engine.ports import Delivery, Looked, SourceError, Store
from crypto_signals.engine.sight import Sight


class Unwatched:
    """A `Watcher` for runs that nobody watches."""

    def started(self, run_id: str) -> None:
        pass

    def step(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def looked(self, look: Looked) -> None:
        pass

    def delivered(self, delivery: Delivery) -> None:
        pass


UNWATCHED = Unwatched()


def looks(
    strategy: str,
    sights: Iterable[Sight],
    configured: Iterable[str],
    opened: Mapping[tuple[str, bool], int],
    errors: Iterable[SourceError],
) -> Iterator[Looked]:
    """One look a symbol, by name: those that were seen, and those that were to be seen and were not.

    ``opened`` counts new signals by symbol and whether they are shadows.
    """
    seen = {sight.symbol: sight for sight in sights}
    wrong = {error.symbol: error.error for error in errors}
    for symbol in sorted({*configured, *seen}):
        sight = seen.get(symbol)
        series = sight.study.series if sight else None
        yield Looked(
            strategy=strategy,
            symbol=symbol,
            asset_class=Instrument.of(symbol).asset_class,
            new_bars=len(series) - sight.first if sight and series is not None else 0,
            newest=as_datetime(series.ts[-1]) if series is not None else None,
            feed=sight.feed if sight else None,
            signals=opened.get((symbol, False), 0),
            shadow_signals=opened.get((symbol, True), 0),
            error=wrong.get(symbol),
        )


def oldest_s(store: Store, undelivered: Sequence[Effect], now: datetime) -> float:
    """How long ago that happened which people are to be told first; nothing, if nothing is owed."""
    if not undelivered:
        return 0.0
    first = undelivered[0]
    try:
        _, events, _ = store.signal(first.signal_id)
    except UnreadableRow:
        return 0.0
    return max(0.0, (now - events[first.seq - 1].ts).total_seconds())


def delivery(channel: str, owed: Owed, outcome: str) -> Delivery:
    """What became of one message."""
    return Delivery(
        channel=channel,
        kind=owed.letter.kind,
        outcome=outcome,
        symbol=owed.signal.symbol,
        signal_id=owed.signal.signal_id,
        attempts=max(effect.attempts for effect in owed.effects),
    )
