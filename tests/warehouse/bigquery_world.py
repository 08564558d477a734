"""Closed signals of every kind, a stand-in for BigQuery to bring them to, and what it then holds."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Fill, GateResult, Progress
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, ExitReason, Status
from crypto_signals.engine.ports import Story
from crypto_signals.simulator.bigquery import BigQueryStandIn, served
from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.warehouse.bigquery import BigQueryWarehouse
from crypto_signals.warehouse.star import TABLES
from repository.samples import CREATED, DAY, HOUR, STOPPED, T0, effect, signal

PROJECT, DATASET = "stand-in", "sentinel"
EVIDENCE = Evidence(
    detector="hit", direction=Direction.LONG, asset_class=AssetClass.CRYPTO, timeframe=Timeframe("1Day"),
    conviction=Conviction.NORMAL, n=41, n_open=1, hit_rate=0.5, hit_rate_lo=0.4, hit_rate_hi=0.6, mean_r=0.1,
    mean_r_lo=-0.1, mean_r_hi=1 / 3, baseline_mean_r=0.0, p_value=0.2, p_value_adjusted=None,
    verdict=Verdict.NO_EDGE, since=T0 - 900 * DAY, until=T0 - DAY, trials=7, symbols=3, dates=40,
    mean_mfe_r=None, mean_mae_r=None, mean_holding_bars=None, profit_factor=None, rank_r=None,
)  # fmt: skip


def story(number: int) -> Story:
    """A closed signal: told or a shadow, entered or not, with odds or without, as its number has it."""
    entered, end = number % 3 != 0, T0 + (number % 4 + 1) * DAY
    progress = Progress(
        status=Status.STOPPED if entered else Status.EXPIRED,
        bars_seen=3,
        closed_at=end,
        exit_reason=ExitReason.STOP if entered else ExitReason.NO_ENTRY,
        entry_ts=end - DAY if entered else None,
        entry_fill=0.3 if entered else None,
        entry_bar=2 if entered else None,
        fills=(Fill(end, 0.1 + number / 7, 0.5), Fill(end, 0.1, 0.5)) if entered else (),
        targets_hit=number % 2,
        result_r=number / 3 - 1 if entered else None,
        fees_r=0.01 if entered else None,
    )
    gates = (
        GateResult("volume", number % 4 != 1, 1.2, 1.5),
        GateResult("adx", True, float("inf"), 25.0, "stærk — „trend“"),
    )
    made = signal(
        f"{number:03}",
        symbol=("BTC/USD", "ETH/USD")[number % 2],
        strategy_version=f"v{number // 5}",
        progress=progress,
        gates=gates if number % 4 < 2 else (),
        evidence=EVIDENCE if number % 2 else None,
        announced_at=T0 + HOUR + dt.timedelta(microseconds=number),
    )
    return Story(made, (CREATED, STOPPED), (effect(made),))


STORIES = [story(number) for number in range(12)]
PLAIN = [STORIES[number] for number in (2, 6, 10)]
"""Without gates and odds, so that there are three tables to bring and not five."""


@dataclass
class NoWaiting:
    """A patience that waits no time at all, until it was asked for a wait ``most`` times."""

    most: int = 1_000
    waits: list[float] = field(default_factory=list)

    @property
    def stopping(self) -> bool:
        return len(self.waits) >= self.most

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
        return not self.stopping


def warehouse(patience: Any = None) -> BigQueryWarehouse:
    """A client as a new process has it."""
    return BigQueryWarehouse(PROJECT, DATASET, patience or NoWaiting())


def held(data: BigQueryData) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in order."""
    return {table.name: data.rows(f"FROM {table.name} ORDER BY ALL") for table in TABLES}


def passages(data: BigQueryData) -> list[str]:
    """What is left on the way."""
    return [name for name in data.tables if name.startswith("passage_")]


@contextmanager
def stand_in(patch: pytest.MonkeyPatch) -> Iterator[BigQueryStandIn]:
    """Served, and named to the library as Google's."""
    with served(BigQueryStandIn()) as made:
        patch.setenv("BIGQUERY_EMULATOR_HOST", made.address)
        yield made
