"""Fixtures of the simulator's own tests."""

from simulator_fixtures import discord_simulator, simulator_process

__all__ = ["discord_simulator", "simulator_process"]
