"""What the findings about the store say to people."""

import pytest

from crypto_signals.domain.errors import Refused
from crypto_signals.engine.health import store_findings

from .desk import Desk
from .world import BTC, ETH, day


@pytest.mark.parametrize(
    ("symbols", "signals", "letters"),
    [
        ([BTC], "1 signal, 1 of them open", "1 dead letter"),
        ([BTC, ETH], "2 signals, 2 of them", "2 dead letters"),
    ],
)
def test_one_is_said_in_the_singular(desk: Desk, symbols: list[str], signals: str, letters: str) -> None:
    """A finding counts in words that fit the number."""
    for symbol in symbols:
        desk.open(symbol)
    desk.deliver([Refused("400: bad embed")] * len(symbols))
    said = {finding.service: finding.detail for finding in store_findings(desk.store, (), day(0))}
    assert said["store"].startswith(signals)
    assert said["delivery"].endswith(f", {letters}")
