"""The stand-in Discord that the webhook channel is tested against."""

from simulator.simulator_fixtures import discord_simulator, simulator_process

__all__ = ["discord_simulator", "simulator_process"]
