"""What is examined of each configured part."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from crypto_signals.app.bars import bar_source
from crypto_signals.app.channels import channels, notices
from crypto_signals.app.live import now
from crypto_signals.app.probing import (
    clock_finding,
    disk_finding,
    feed_finding,
    no_feed_finding,
    report_findings,
)
from crypto_signals.app.stores import configured, warehouse
from crypto_signals.config import Configuration, Settings
from crypto_signals.domain.errors import NoBars
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass, Health
from crypto_signals.engine.health import (
    Finding,
    calendar_finding,
    examined,
    store_findings,
    warehouse_finding,
)
from crypto_signals.engine.ports import BarSource, Channel, History, Noticeboard, Patience, Wanted
from crypto_signals.home import HeldByAnother, held
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.notifications.console import ConsoleChannel
from crypto_signals.observability.redaction import Redactor
from crypto_signals.process import RunBudget


def health(configuration: Configuration) -> list[Finding]:
    """Every part that a run depends on. Nothing is posted, nothing is changed."""
    settings, calendar = configuration.settings, MarketCalendar()
    budget = RunBudget(settings.run_budget_seconds)
    findings = [examined("home", lambda: _home_finding(settings.sentinel_home))]
    findings += _stored(configuration)
    findings.append(examined("warehouse", lambda: warehouse_finding(warehouse(settings, budget))))
    findings += _told(configuration, budget)
    findings += _market(settings, calendar, budget)
    findings.append(calendar_finding(calendar.ends(), now(settings)))
    findings.append(examined("clock", lambda: clock_finding(settings)))
    findings.append(examined("disk", lambda: disk_finding(settings.sentinel_home)))
    redactor = Redactor(configuration.secrets)
    return [_without_secrets(finding, redactor) for finding in (*findings, *report_findings(settings))]


def _without_secrets(finding: Finding, redactor: Redactor) -> Finding:
    """What a service says of itself is shown, and might be what it was told."""
    fix = finding.fix and redactor.text(finding.fix)
    return replace(finding, detail=redactor.text(finding.detail), fix=fix)


def _home_finding(home: Path) -> Finding:
    try:
        with held(home) as folder:
            return Finding("home", Health.OK, f"{folder.absolute()} can be written")
    except HeldByAnother as holder:
        return Finding("home", Health.OK, f"{home.absolute()}: {holder}")


def _stored(configuration: Configuration) -> list[Finding]:
    found: list[Finding] = []

    def probe() -> Finding:
        settings = configuration.settings
        with closing(configured(settings)) as store:
            found.extend(store_findings(store, configuration.strategies, now(settings)))
        return found.pop(0)

    return [examined("store", probe), *found]


def _told(configuration: Configuration, patience: Patience) -> list[Finding]:
    """A line for each place where people are told, asked without posting."""
    told = channels(configuration.settings, Console(), patience)
    boards = notices(configuration.settings, configuration.messages, told, patience)
    places: dict[str, Channel | Noticeboard] = {channel.name: channel for channel in told.values()}
    places |= {board.name: board for board in (boards.system, boards.shadows) if board is not None}
    findings = []
    for name, place in places.items():
        with closing(place):
            findings.append(examined(name, partial(_place_finding, place)))
    return findings


def _place_finding(place: Channel | Noticeboard) -> Finding:
    status = Health.OFF if isinstance(place, ConsoleChannel) else Health.OK
    return Finding(place.name, status, place.check())


def _market(settings: Settings, calendar: MarketCalendar, patience: Patience) -> Iterator[Finding]:
    """One symbol of each asset class is asked for: the market, and what this plan gives of stocks."""
    asked: dict[AssetClass, Instrument] = {}
    with ExitStack() as stack:

        def look() -> Finding:
            source = stack.enter_context(closing(bar_source(settings, calendar, patience)))
            for instrument in source.instruments():
                asked.setdefault(instrument.asset_class, instrument)
            first = next(iter(asked.values()))
            history, newest = _newest(source, first, now(settings))
            if stock := asked.get(AssetClass.EQUITY):
                found.append(examined("feed", partial(_feed, settings, source, stock, history)))
            else:
                found.append(no_feed_finding(settings, set(asked)))
            return Finding("market", Health.OK, f"{first.symbol} has bars up to {newest}")

        found: list[Finding] = []
        yield examined("market", look)
        yield from found


def _newest(source: BarSource, asked: Instrument, when: datetime) -> tuple[History, str]:
    """Its bars, and the date of the newest. Raises ``NoBars``."""
    history = source.history([Wanted(asked)], Timeframe("1Day"), when)
    if asked.symbol not in history.panel.symbols:
        said = "; ".join(error.error for error in history.errors) or "there are no bars"
        raise NoBars(f"{asked.symbol}: {said}")
    return history, f"{history.panel[asked.symbol].ts[-1].astype('datetime64[D]')}"


def _feed(settings: Settings, source: BarSource, stock: Instrument, history: History) -> Finding:
    if stock.symbol not in history.panel.symbols:
        history, _ = _newest(source, stock, now(settings))
    return feed_finding(stock.symbol, history.feeds.get(stock.symbol), settings.alpaca_data_feed)
