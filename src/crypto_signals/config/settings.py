"""The settings of the environment and of ``.env``, and what is wrong with them."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from crypto_signals.config.values import (
    BarsUrl,
    ChannelId,
    DiscordApi,
    Key,
    StoreUrl,
    Symbols,
    Url,
    Webhook,
    split,
)
from crypto_signals.config.wording import told

ENV_FILE = Path(".env")
"""Read from the folder in which the program is started."""

_NOT_USED_YET = (
    *("ENVIRONMENT", "GOOGLE_CLOUD_PROJECT", "DISABLE_SECRET_MANAGER", "WAREHOUSE_URL"),
    *("ALPACA_PAPER_TRADING", "ALPACA_TRADING_URL", "RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_DELAY"),
    *("POSITION_TTL_DAYS", "EVIDENCE_FILE"),
    *("LOG_LEVEL", "LOG_FORMAT", "METRICS_PUSHGATEWAY_URL", "METRICS_TEXTFILE", "DEADMAN_URL", "HTTP_BIND"),
)


class Settings(BaseSettings):
    """Environment > ``.env`` > defaults. A variable that is empty is not set."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    sentinel_home: Path = Path(".sentinel")
    sentinel_now: AwareDatetime | None = None
    sentinel_config: Path = Path("sentinel.toml")
    crypto_symbols: Symbols | None = None
    equity_symbols: Symbols | None = None
    enable_equities: bool = True
    bars_url: BarsUrl = "alpaca"
    alpaca_data_url: Url = "https://data.alpaca.markets"
    alpaca_data_feed: Literal["auto", "iex", "sip"] = "auto"
    alpaca_api_key: Key | None = None
    alpaca_secret_key: Key | None = None
    test_mode: bool = True
    test_discord_webhook: Webhook | None = None
    live_crypto_discord_webhook_url: Webhook | None = None
    live_stock_discord_webhook_url: Webhook | None = None
    discord_shadow_webhook_url: Webhook | None = None
    discord_system_webhook_url: Webhook | None = None
    discord_bot_token: Key | None = None
    discord_channel_id_test: ChannelId | None = None
    discord_channel_id_crypto: ChannelId | None = None
    discord_channel_id_stock: ChannelId | None = None
    discord_api_url: DiscordApi = "https://discord.com/api/v10"
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 90.0
    run_budget_seconds: Annotated[float, Field(gt=0, le=86_400)] = 540.0
    lease_seconds: Annotated[float, Field(ge=40, le=3600)] = 120.0
    store_url: StoreUrl | None = None
    signal_ttl_days: Annotated[float, Field(ge=1, le=36_500)] = 30.0
    shadow_ttl_days: Annotated[float, Field(ge=1, le=36_500)] = 7.0
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = "SYMBOL"
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 48.0


def read(problems: list[str]) -> Settings:
    """The settings; what is wrong is added to ``problems``, and the default stands in for it."""
    env_file: Path | None = ENV_FILE
    try:
        dotenv_values(ENV_FILE)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{ENV_FILE}: cannot be read: {error}")
        env_file = None
    try:
        settings, bad = Settings(_env_file=env_file), set[str]()
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors()]
        bad = {str(detail["loc"][0]) for detail in error.errors()}
        stand_ins: dict[str, Any] = {name: Settings.model_fields[name].default for name in bad}
        settings = Settings(_env_file=env_file, **stand_ins)
    problems += [
        *_half_a_pair(settings, bad),
        *_no_live_channel(settings, bad),
        *_no_bot_channel(settings, bad),
        *_no_symbols(settings),
        *_forgotten(settings),
    ]
    return settings


def _problem(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    secret = "Secret" in str(Settings.model_fields[name].annotation) or "url" in name
    return f"{name.upper()}: {told(detail, secret=secret)}"


def _half_a_pair(settings: Settings, bad: Collection[str]) -> list[str]:
    key, secret = settings.alpaca_api_key, settings.alpaca_secret_key
    if (key is None) == (secret is None) or {"alpaca_api_key", "alpaca_secret_key"} & set(bad):
        return []
    return ["ALPACA_API_KEY and ALPACA_SECRET_KEY go together: one of them is missing"]


def _no_live_channel(settings: Settings, bad: Collection[str]) -> list[str]:
    """Where one asset class has a live channel, the other may not end at the console unnoticed."""
    looked_at = {
        "live_crypto_discord_webhook_url": _may_hold(settings.crypto_symbols),
        "live_stock_discord_webhook_url": _may_hold_stocks(settings),
    }
    given = [name for name in looked_at if getattr(settings, name) is not None]
    if settings.test_mode or not given or settings.discord_bot_token is not None:
        return []
    return [
        f"{name.upper()} is missing: TEST_MODE is false and {given[0].upper()} is set"
        for name, needed in looked_at.items()
        if needed and name not in {*given, *bad}
    ]


def _no_bot_channel(settings: Settings, bad: Collection[str]) -> list[str]:
    """A bot has to know where to post."""
    looked_at = {
        "discord_channel_id_test": settings.test_mode,
        "discord_channel_id_crypto": not settings.test_mode and _may_hold(settings.crypto_symbols),
        "discord_channel_id_stock": not settings.test_mode and _may_hold_stocks(settings),
    }
    if settings.discord_bot_token is None:
        return []
    mode = f"TEST_MODE is {str(settings.test_mode).lower()}"
    return [
        f"{name.upper()} is missing: DISCORD_BOT_TOKEN is set and {mode}"
        for name, needed in looked_at.items()
        if needed and getattr(settings, name) is None and name not in bad
    ]


def _no_symbols(settings: Settings) -> list[str]:
    crypto = split(settings.crypto_symbols or "")
    equity = split(settings.equity_symbols or "") if settings.enable_equities else ()
    if settings.bars_url == "alpaca" and "*" in {*crypto, *equity}:
        return ["CRYPTO_SYMBOLS, EQUITY_SYMBOLS: * needs a bars file in BARS_URL; list the symbols"]
    if settings.crypto_symbols is not None and not (crypto or equity):
        return ["CRYPTO_SYMBOLS and EQUITY_SYMBOLS are empty: there is nothing to look at"]
    return []


def _forgotten(settings: Settings) -> list[str]:
    """A cool-down is counted from a signal that is still stored, in sessions, over any weekend."""
    if settings.signal_ttl_days * 24 >= 2 * settings.cooldown_hours:
        return []
    return ["SIGNAL_TTL_DAYS must be at least twice as long as COOLDOWN_HOURS"]


def _may_hold(symbols: str | None) -> bool:
    return symbols is None or bool(split(symbols))


def _may_hold_stocks(settings: Settings) -> bool:
    """Bars files hold what they hold; of Alpaca's stocks none is asked for that is not named."""
    if not settings.enable_equities:
        return False
    if settings.equity_symbols is None and settings.bars_url == "alpaca":
        return False
    return _may_hold(settings.equity_symbols)


def origins(settings: Settings) -> Mapping[str, str]:
    """Where the value of each setting came from."""
    in_environment = {name.lower() for name, value in os.environ.items() if value}
    in_file = {name.lower() for name, value in dotenv_values(ENV_FILE).items() if value}
    return {
        name: "environment" if name in in_environment else str(ENV_FILE) if name in in_file else "default"
        for name in type(settings).model_fields
    }


def unheeded(settings: Settings) -> list[str]:
    """A line for each setting that is given and goes unheeded, now or in this version."""
    return [*_idle_webhooks(settings), *_idle_boards(settings), *_idle_bot(settings), *_not_used()]


def _idle_boards(settings: Settings) -> list[str]:
    """In test mode everything goes to one place."""
    boards = ("discord_system_webhook_url", "discord_shadow_webhook_url")
    return [
        f"{name.upper()} is set, but TEST_MODE is true: what it is for goes to the test channel"
        for name in boards
        if settings.test_mode and getattr(settings, name) is not None
    ]


def _idle_bot(settings: Settings) -> list[str]:
    """What the other way of reaching Discord makes useless."""
    channels = [name for name in Settings.model_fields if name.startswith("discord_channel_id_")]
    webhooks = [name for name in Settings.model_fields if "discord_webhook" in name]
    given = {name for name in (*channels, *webhooks) if getattr(settings, name) is not None}
    if settings.discord_bot_token is not None:
        idle, why = webhooks, "the bot posts everything (DISCORD_BOT_TOKEN)"
    else:
        idle, why = channels, "DISCORD_BOT_TOKEN is missing"
    return [f"{name.upper()} is set but not used: {why}" for name in idle if name in given]


def _idle_webhooks(settings: Settings) -> list[str]:
    if settings.discord_bot_token is not None:
        return []
    live = settings.live_crypto_discord_webhook_url or settings.live_stock_discord_webhook_url
    if not settings.test_mode or settings.test_discord_webhook is not None or live is None:
        return []
    where = "announcements go to the console; TEST_MODE=false sends them to the live webhooks"
    return [f"TEST_MODE is true and TEST_DISCORD_WEBHOOK is not set: {where}"]


def _not_used() -> list[str]:
    given = {name.upper() for name, value in {**dotenv_values(ENV_FILE), **os.environ}.items() if value}
    return [f"{name} is set but not used by this version" for name in _NOT_USED_YET if name in given]
