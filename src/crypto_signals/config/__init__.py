"""Settings and strategies: where they come from, and everything that is wrong with them at once."""

from crypto_signals.config.loading import Configuration, load
from crypto_signals.config.resolving import problems_of
from crypto_signals.config.settings import Settings
from crypto_signals.config.strategies import MessageSettings
from crypto_signals.config.values import split, store_address

__all__ = ["Configuration", "MessageSettings", "Settings", "load", "problems_of", "split", "store_address"]
