"""What a person should know of the parts that a run depends on, and what to do about it."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crypto_signals.domain.errors import SentinelError
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import EffectStatus, Health
from crypto_signals.domain.wording import counted
from crypto_signals.engine.keeping import BATCH
from crypto_signals.engine.ports import Store, Warehouse

CALENDAR_MARGIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Finding:
    """``fix`` is one line on what to do, where something is to be done."""

    service: str
    status: Health
    detail: str
    fix: str | None = None
    latency_ms: float | None = None


Probe = Callable[[], Finding]


def examined(service: str, probe: Probe, clock: Callable[[], float] = time.perf_counter) -> Finding:
    """What ``probe`` finds, with the time it took; what it raises is a finding too."""
    start = clock()
    try:
        found = probe()
    except SentinelError as error:
        what, *advice = re.split(r"[.;] ", str(error), maxsplit=1)
        found = Finding(service, Health.DOWN, what, "; ".join(advice) or None)
    return replace(found, latency_ms=round((clock() - start) * 1000, 1))


def store_findings(store: Store, strategies: Iterable[Strategy], now: datetime) -> list[Finding]:
    """What the store holds that somebody should look at. All is read that a run at ``now`` would read."""
    signals = store.signals()
    open_ones = sum(not signal.progress.closed and not signal.is_shadow for signal in signals)
    for strategy in strategies:
        store.watermarks(strategy.name, strategy.timeframe)
    store.undelivered()
    store.at_rest(BATCH)
    store.expired(now)
    return [
        Finding("store", Health.OK, f"{counted(len(signals), 'signal')}, {open_ones} of them open"),
        _quarantine(store),
        _delivery(store),
    ]


def warehouse_finding(warehouse: Warehouse) -> Finding:
    """What it holds, which is also whether it can be asked."""
    holdings = {holding.name: holding for holding in warehouse.holdings()}
    if not holdings:
        return Finding("warehouse", Health.OK, f"{warehouse.place} is made when the first signal has ended")
    closed = holdings["signals"]
    until = f", up to {closed.last}" if closed.last else ""
    return Finding("warehouse", Health.OK, f"{warehouse.place} holds {counted(closed.rows, 'signal')}{until}")


def _quarantine(store: Store) -> Finding:
    damaged = store.unreadable()
    if not damaged:
        return Finding("quarantine", Health.OK, "every row that a run needs can be read")
    detail = f"cannot be read: {len(damaged)}, the first: {damaged[0].reason}"
    fix = "Restore these rows from a backup; until then they are kept, and what they hold stays taken."
    return Finding("quarantine", Health.WARN, detail, fix)


def _delivery(store: Store) -> Finding:
    tally = store.tally()
    unknown = tally.get(EffectStatus.UNKNOWN, 0) + tally.get(EffectStatus.CLAIMED, 0)
    owed, dead = tally.get(EffectStatus.OWED, 0), tally.get(EffectStatus.DEAD, 0)
    detail = f"{owed} owed, {unknown} with an unknown outcome, {counted(dead, 'dead letter')}"
    if dead:
        return Finding("delivery", Health.WARN, detail, "See why: sentinel signals show ID, under effects.")
    if owed or unknown:
        return Finding("delivery", Health.WARN, detail, "The next run delivers them: sentinel run.")
    return Finding("delivery", Health.OK, detail)


def calendar_finding(ends: datetime, now: datetime) -> Finding:
    """The sessions of the exchange are a table that ends."""
    detail = f"the exchange's sessions are known until {ends:%Y-%m-%d}"
    if ends - now < CALENDAR_MARGIN:
        return Finding("calendar", Health.WARN, detail, "Update Crypto Sentinel: newer versions know more.")
    return Finding("calendar", Health.OK, detail)


def worst(findings: Iterable[Finding]) -> Health:
    order: Sequence[Health] = (Health.OFF, Health.OK, Health.WARN, Health.DOWN)
    return max((finding.status for finding in findings), key=order.index, default=Health.OK)
