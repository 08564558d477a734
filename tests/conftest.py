"""What every room's tests may use: the stand-in services as a real process."""

from simulator.simulator_fixtures import discord_simulator, simulator_process

__all__ = ["discord_simulator", "simulator_process"]
