"""What was measured of setups, as far as it holds for the one in hand."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Direction


class Odds:
    """Rows of any conviction, measured under the rules of version ``rules`` (`Strategy.rules_version`)."""

    def __init__(self, rows: Iterable[Evidence] = (), rules: str | None = None) -> None:
        self.rules = rules
        self._rows = {
            (row.detector, row.direction, row.asset_class, row.timeframe): row
            for row in rows
            if row.conviction is None
        }

    @property
    def rows(self) -> tuple[Evidence, ...]:
        """All that may be quoted."""
        return tuple(self._rows.values())

    @property
    def until(self) -> datetime | None:
        """The last bar of what was measured, where that ends soonest; ``None`` where nothing was."""
        return min((row.until for row in self._rows.values()), default=None)

    def under(self, strategy: Strategy, detection: str) -> "Odds":
        """These odds where they were measured as the strategy trades, else none."""
        return self if self.rules == strategy.rules_version(detection) else NO_ODDS

    def of(
        self,
        detector: str,
        direction: Direction,
        asset_class: AssetClass,
        timeframe: Timeframe,
        bar_ts: datetime,
    ) -> Evidence | None:
        """The evidence for a setup on the bar ``bar_ts``, where there is any, and from before it."""
        row = self._rows.get((detector, direction, asset_class, timeframe))
        return None if row is None or row.until >= bar_ts else row


NO_ODDS = Odds()


def disagreement(odds: Odds, strategies: Sequence[Strategy], detection: str) -> list[str]:
    """Why odds that were measured are not quoted, or what was not measured refuses everything, in words."""
    missing = [
        f"strategy {strategy.name} asks for evidence (min_mean_r_lo); there is none, so all is refused"
        for strategy in strategies
        if strategy.min_mean_r_lo is not None and not odds.rows
    ]
    return missing + [
        f"strategy {strategy.name} quotes no odds: the evidence was measured with other gates, exits, costs "
        "or detectors than it trades with; measure again with sentinel evidence"
        for strategy in strategies
        if odds.rules is not None and odds.rules != strategy.rules_version(detection)
    ]
