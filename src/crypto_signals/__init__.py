"""Crypto Sentinel: trading setups, announced in Discord and followed to their end."""

__version__ = "0.1.0"
