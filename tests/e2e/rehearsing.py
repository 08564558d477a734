"""Days of the real program over the stand-ins, in virtual time, on real bars; and what they leave behind."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from e2e.program import REAL_DATA, Answer, Program, clean, texts
from simulator.simulator_fixtures import DiscordSimulator

COINS = ("ADA/USD", "BCH/USD", "ETH/USD", "LTC/USD", "XRP/USD")
STOCKS = (
    *("AGQ", "ALL", "CLX", "CNC", "CSX", "DELL", "ETR", "EVRG", "GLD", "JBL", "NEM", "PAYX", "SNPS"),
    *("TMO", "VRTX"),
)
UNKNOWN = "NOPE/USD"
"""A symbol that the user mistyped: it fails every day."""
FIRST_BAR = dt.datetime(2016, 9, 1, tzinfo=dt.UTC)
LAST_BAR = dt.datetime(2019, 1, 10, tzinfo=dt.UTC)
EARLY_CLOSES = {dt.date(2018, 12, 24): dt.datetime(2018, 12, 24, 18, tzinfo=dt.UTC)}
ALPACA_IS_DOWN = {"fault": "reset_before", "path": "^/v[12]", "times": None}
DISCORD_IS_DOWN = {"fault": "status", "status": 503, "path": "^/api/", "times": None}
SAID = {
    "created": "",
    "entered": "In at",
    "target_1_hit": "Target 1 hit",
    "target_2_hit": "Target 2 hit",
    "target_3_hit": "Target 3 hit",
    "stop_moved": "Move the stop",
    "structure_broken": "Pattern broken",
    "trail_hit": "Trailing stop hit",
    "stopped": "Stopped",
    "invalidated": "Out on the broken pattern",
    "expired": "",
}
"""The words by which people know each event."""

Story = Mapping[str, Any]


@dataclass(frozen=True)
class Split:
    """So many new shares for an old one, from a day on: added to bars that know of none, which are then the
    adjusted ones."""

    symbol: str
    day: dt.datetime
    shares: float

    def put_into(self, bars: pa.Table) -> pa.Table:
        """The same bars in raw prices, with the columns that tell of the split."""
        mine = pc.equal(bars["symbol"], self.symbol).to_numpy()
        days = bars["ts"].to_numpy()
        day = np.datetime64(self.day.replace(tzinfo=None))
        factor = np.where(mine & (days < day), self.shares, 1.0)
        raw = {name: bars[name].to_numpy() * factor for name in ("open", "high", "low", "close")}
        raw["volume"] = bars["volume"].to_numpy() / factor
        raw["split_factor"] = np.where(mine & (days == day), self.shares, 1.0)
        raw["dividend"] = np.zeros(len(bars))
        return pa.table({"symbol": bars["symbol"], "ts": bars["ts"], **raw})


def real_bars(folder: Path, split: Split | None = None) -> list[Path]:
    """The cast's bars, cut to the years that are needed."""
    paths = []
    for name, cast in (("crypto_daily", COINS), ("equity_daily", STOCKS)):
        source = REAL_DATA / "dev" / f"{name}.parquet"
        if not source.exists():
            pytest.skip("needs ../shared/data")
        bars = pq.read_table(source, columns=["symbol", "ts", "open", "high", "low", "close", "volume"])
        wanted = (pc.field("ts") >= FIRST_BAR) & (pc.field("ts") < LAST_BAR) & pc.field("symbol").isin(cast)
        paths.append(folder / f"{name}.parquet")
        bars = bars.filter(wanted)
        pq.write_table(split.put_into(bars) if split else bars, paths[-1])
    return paths


@dataclass(frozen=True)
class Script:
    """A run at five past midnight of each day, and half an hour after each early close; and the days on which
    a service is down."""

    eve: dt.date
    days: int
    without_alpaca: frozenset[dt.date] = frozenset()
    without_discord: frozenset[dt.date] = frozenset()

    def moments(self) -> Iterator[dt.datetime]:
        """When the program is started, the eve left out."""
        for number in range(1, self.days + 1):
            day = self.eve + dt.timedelta(days=number)
            yield dt.datetime.combine(day, dt.time(0, 5), dt.UTC)
            if day in EARLY_CLOSES:
                yield EARLY_CLOSES[day] + dt.timedelta(minutes=25)

    def faults_of(self, day: dt.date) -> list[dict[str, object]]:
        """What fails on a day."""
        down = ((ALPACA_IS_DOWN, self.without_alpaca), (DISCORD_IS_DOWN, self.without_discord))
        return [fault for fault, days in down if day in days]


@dataclass
class Rehearsal:
    """The program, run through a script; ``answers`` by the moment of the run."""

    program: Program
    simulator: DiscordSimulator
    script: Script
    answers: dict[dt.datetime, Answer] = field(default_factory=dict)

    def play(self) -> None:
        """Eve, then every moment of the script."""
        self._run(stamp(dt.datetime.combine(self.script.eve, dt.time(0, 5), dt.UTC)))
        for moment in self.script.moments():
            self.simulator.clear_faults()
            self.simulator.faults(self.script.faults_of(moment.date()))
            self.answers[moment] = self._run(stamp(moment))

    def catch_up(self) -> None:
        """Eve, then the last moment alone, told to nobody but the console."""
        self._run(stamp(dt.datetime.combine(self.script.eve, dt.time(0, 5), dt.UTC)))
        self._run(stamp(max(self.script.moments())))

    def stories(self) -> list[Story]:
        return [self.program.story(row["signal_id"]) for row in self.program.signals()]

    def _run(self, now: str) -> Answer:
        self.simulator.clock(now)
        return clean(self.program.run(now))


def stamp(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def market_truth(rows: Sequence[Story]) -> dict[str, list[object]]:
    """What the market did to each signal, which no outage may change."""
    keys = (
        "symbol",
        "bar_ts",
        "detector",
        "entry",
        "stop",
        "targets",
        "entry_ts",
        "entry_fill",
        "market_status",
    )
    return {
        row["signal_id"]: [row[key] for key in (*keys, "market_exit_reason", "current_stop")] for row in rows
    }


def wrong(story: Story, threads: Mapping[str, Sequence[dict[str, Any]]]) -> list[str]:
    """What is not as it should be between a stored signal and its thread."""
    name = f"{story['symbol']} of {story['bar_ts'][:10]}"
    told = [effect for effect in story["effects"] if effect["status"] == "done" and effect["kind"] != "card"]
    if story["announced_at"] is None:
        faults = [] if story["status"] == "CANCELLED" else [f"{name} is neither told nor cancelled"]
        return faults + ([f"{name} is cancelled, but told"] if told or story["thread_id"] else [])
    thread = threads.get(story["thread_id"])
    if thread is None:
        return [f"{name} has no thread"]
    messages = {message["id"]: texts(message) for message in thread}
    faults = [] if list(messages) == _ids(told) else [f"{name}: the thread has other messages than the store"]
    by_seq = {effect["seq"]: effect for effect in told}
    for event in story["events"]:
        if event["type"] not in SAID:
            continue
        effect = by_seq.get(event["seq"])
        if effect is None:
            faults.append(f"{name}: {event['type']} was not told")
        elif SAID[event["type"]] not in messages.get(effect["message_id"], ""):
            faults.append(f"{name}: {event['type']} was told in other words")
    return faults


def _ids(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """The messages of a thread as the store has them: one may tell several events."""
    return list(dict.fromkeys(effect["message_id"] for effect in sorted(told, key=lambda one: one["seq"])))
