"""Which detectors and strategies there are."""

from contextlib import AbstractContextManager
from difflib import get_close_matches

from crypto_signals.config import Configuration
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.strategy import Strategy
from crypto_signals.plugins import Plugins, plugins


def own_detectors(configuration: Configuration) -> AbstractContextManager[Plugins]:
    """The catalogue with the user's own detectors, while the block lasts. Raises ``UsageError``."""
    wanted, home = configuration.detectors, configuration.settings.sentinel_home
    return plugins(wanted.paths, home, wanted.seconds, wanted.harmonic_tolerance)


def strategies_of(configuration: Configuration, known: Plugins | None = None) -> tuple[Strategy, ...]:
    """The configured strategies; raises ``UsageError`` for triggers that no detector bears."""
    if known is None:
        with own_detectors(configuration) as found:
            return strategies_of(configuration, found)
    names = (*known.catalogue.names, *known.refused)
    problems = [
        f"strategies.{strategy.name}.triggers: there is no detector {name}"
        f"; the nearest known one is {get_close_matches(name, names, n=1, cutoff=0.0)[0]}"
        for strategy in configuration.strategies
        for name in strategy.triggers or ()
        if name not in names
    ]
    if problems:
        raise UsageError(problems)
    return configuration.strategies
