"""Stand-in Discord and Alpaca services, spoken to over real HTTP on loopback.

Nobody can test against the real services: they cannot be reached from a build machine, they never fail on
request, and what they were told cannot be looked at. The stand-ins speak the documented paths, limits and
error bodies, so the product is driven with the client it uses in production and only a base URL differs.
"""

from crypto_signals.simulator.server import build_app, serve
from crypto_signals.simulator.settings import Channel, Limits, RateLimit, SimulatorSettings

__all__ = ["Channel", "Limits", "RateLimit", "SimulatorSettings", "build_app", "serve"]
