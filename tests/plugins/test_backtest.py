"""A backtest with a detector of one's own."""

import threading
from pathlib import Path

from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.strategy import Strategy
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.plugins import plugins
from crypto_signals.research.backtest import Test, backtest
from crypto_signals.research.digest import digest

from .files import HONEST, written


def test_it_finds_the_same_whatever_the_processes(tmp_path: Path) -> None:
    """Its thread and its time limit stay in this process: in a copy of it nobody would answer."""
    panel = file_history([SAMPLE_BARS / "crypto_daily.parquet"], "1Day").panel
    with plugins([written(tmp_path, HONEST)], tmp_path, seconds=1) as found:
        _alone()
        test = Test(Strategy(triggers=("honest_dip",)), found.catalogue, MarketCalendar())
        results = [backtest(panel, test, processes=count) for count in (2, 1)]
        assert found.faults == []
    assert len({digest(result) for result in results}) == 1
    assert {choice.series for choice in results[0].choices} == {0, 1, 2}


def _alone() -> None:
    """The thread in which the file was imported has ended: only then would the process be copied."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(timeout=1)
