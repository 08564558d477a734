"""What is missing: settings that others, or what is to be looked at, make necessary."""

import os
from collections.abc import Callable, Collection

from crypto_signals.config.settings import Settings
from crypto_signals.config.values import split

Looked = Callable[[str], str]
"""Where the setting of a name was looked for, in words."""


def missing(settings: Settings, bad: Collection[str], looked: Looked) -> list[str]:
    """A line for each setting that is needed and neither given nor ``bad``, with where it was looked for."""
    needed = {**_half_a_pair(settings), **_channels(settings), **_where_disks_are_lost()}
    if settings.environment == "PROD":
        needed = {**_for_stocks(settings), **_in_production(settings), **needed}
    return [
        f"{name.upper()} is missing: {why}; looked for in {looked(name)}"
        for name, why in needed.items()
        if getattr(settings, name) is None and name not in bad
    ]


def _where_disks_are_lost() -> dict[str, str]:
    """A job of Cloud Run that kept its signals on its own disk would forget them all."""
    if "CLOUD_RUN_JOB" not in os.environ:
        return {}
    return dict.fromkeys(("store_url", "warehouse_url"), "a Cloud Run job loses its disk when it ends")


def _half_a_pair(settings: Settings) -> dict[str, str]:
    pair = ("alpaca_api_key", "alpaca_secret_key")
    given = [name for name in pair if getattr(settings, name) is not None]
    return {name: f"{given[0].upper()} is set, and they go together" for name in pair if len(given) == 1}


def _for_stocks(settings: Settings) -> dict[str, str]:
    if settings.bars_url != "alpaca" or not (settings.equity_symbols and _may_hold_stocks(settings)):
        return {}
    why = "Alpaca gives the bars of EQUITY_SYMBOLS to those alone who have keys"
    return dict.fromkeys(("alpaca_api_key", "alpaca_secret_key"), why)


def _channels(settings: Settings) -> dict[str, str]:
    """A bot has to know where to post. Without one, where one asset class has a live channel, the other may
    not end at the console unnoticed."""
    mode = f"TEST_MODE is {str(settings.test_mode).lower()}"
    if settings.discord_bot_token is not None:
        return dict.fromkeys(_bot_channels(settings), f"DISCORD_BOT_TOKEN is set and {mode}")
    live = ("live_crypto_discord_webhook_url", "live_stock_discord_webhook_url")
    given = [name for name in live if getattr(settings, name) is not None]
    if settings.test_mode or not given:
        return {}
    return dict.fromkeys(_webhooks(settings), f"{mode} and {given[0].upper()} is set")


def _in_production(settings: Settings) -> dict[str, str]:
    """In production nothing ends at a console."""
    if settings.discord_bot_token is not None:
        return {}
    mode = f"TEST_MODE is {str(settings.test_mode).lower()}"
    return dict.fromkeys(_webhooks(settings), f"ENVIRONMENT is PROD and {mode}")


def _bot_channels(settings: Settings) -> list[str]:
    return _places(
        settings, "discord_channel_id_test", "discord_channel_id_crypto", "discord_channel_id_stock"
    )


def _webhooks(settings: Settings) -> list[str]:
    return _places(
        settings,
        "test_discord_webhook",
        "live_crypto_discord_webhook_url",
        "live_stock_discord_webhook_url",
    )


def _places(settings: Settings, test: str, crypto: str, stock: str) -> list[str]:
    """Of three settings, those that name where something may have to be told."""
    if settings.test_mode:
        return [test]
    looked_at = {crypto: _may_hold(settings.crypto_symbols), stock: _may_hold_stocks(settings)}
    return [name for name, needed in looked_at.items() if needed]


def _may_hold(symbols: str | None) -> bool:
    return symbols is None or bool(split(symbols))


def _may_hold_stocks(settings: Settings) -> bool:
    """Bars files hold what they hold; of Alpaca's stocks none is asked for that is not named."""
    if not settings.enable_equities:
        return False
    if settings.equity_symbols is None and settings.bars_url == "alpaca":
        return False
    return _may_hold(settings.equity_symbols)
