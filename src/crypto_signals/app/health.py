"""What is examined of each configured part."""

from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console

from crypto_signals.app.bars import bar_source
from crypto_signals.app.channels import channels
from crypto_signals.app.live import now
from crypto_signals.app.stores import configured
from crypto_signals.config import Configuration, Settings
from crypto_signals.domain.errors import NoBars
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import Health
from crypto_signals.engine.health import Finding, calendar_finding, examined, store_findings
from crypto_signals.engine.ports import Channel, Patience, Wanted
from crypto_signals.home import HeldByAnother, held
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.notifications.console import ConsoleChannel
from crypto_signals.process import RunBudget


def health(configuration: Configuration) -> list[Finding]:
    """Every part that a run depends on. Nothing is posted, nothing is changed."""
    settings, calendar = configuration.settings, MarketCalendar()
    budget = RunBudget(settings.run_budget_seconds)
    findings = [examined("home", lambda: _home_finding(settings.sentinel_home))]
    findings += _stored(configuration)
    findings += _told(settings, budget)
    findings.append(examined("market", lambda: _market_finding(settings, calendar, budget)))
    findings.append(calendar_finding(calendar.ends(), now(settings)))
    return findings


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


def _told(settings: Settings, patience: Patience) -> list[Finding]:
    """A line for each place where people are told, asked without posting."""
    places = {channel.name: channel for channel in channels(settings, Console(), patience).values()}
    findings = []
    for name, channel in places.items():
        with closing(channel):
            findings.append(examined(name, partial(_channel_finding, channel)))
    return findings


def _channel_finding(channel: Channel) -> Finding:
    status = Health.OFF if isinstance(channel, ConsoleChannel) else Health.OK
    return Finding(channel.name, status, channel.check())


def _market_finding(settings: Settings, calendar: MarketCalendar, patience: Patience) -> Finding:
    with closing(bar_source(settings, calendar, patience)) as source:
        asked = source.instruments()[0]
        try:
            history = source.history([Wanted(asked)], Timeframe("1Day"), now(settings))
        except NoBars as error:
            return Finding("market", Health.DOWN, str(error), "Check BARS_URL, ALPACA_DATA_URL and the keys.")
    newest = f"{history.panel[asked.symbol].ts[-1].astype('datetime64[D]')}"
    return Finding("market", Health.OK, f"{asked.symbol} has bars up to {newest}")
