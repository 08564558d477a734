"""Whom secrets may travel to: the hosts of the services they belong to, and this machine."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

ALPACA: Final = ("alpaca.markets",)
DISCORD: Final = ("discord.com", "discordapp.com")


def on_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def belongs(host: str, domains: Collection[str]) -> bool:
    """Whether ``host`` is one of ``domains``, or below one, or on loopback, where stand-ins are."""
    return on_loopback(host) or any(host == domain or host.endswith(f".{domain}") for domain in domains)
