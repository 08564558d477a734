"""The settings of a program, each with the values that it may have."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from crypto_signals.config.values import (
    AlpacaUrl,
    BarsUrl,
    Bind,
    ChannelId,
    DiscordApi,
    Gateway,
    Key,
    Project,
    SecretUrl,
    StoreUrl,
    Symbols,
    WarehouseUrl,
    Webhook,
)


class Settings(BaseSettings):
    """Environment > Google Secret Manager > ``.env`` > defaults. A variable that is empty is not set."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    sentinel_home: Path = Path(".sentinel")
    sentinel_now: AwareDatetime | None = None
    sentinel_config: Path = Path("sentinel.toml")
    environment: Literal["DEV", "PROD"] = "DEV"
    google_cloud_project: Project | None = None
    disable_secret_manager: bool = False
    crypto_symbols: Symbols | None = None
    equity_symbols: Symbols | None = None
    enable_equities: bool = True
    bars_url: BarsUrl = "alpaca"
    alpaca_data_url: AlpacaUrl = "https://data.alpaca.markets"
    alpaca_trading_url: AlpacaUrl | None = None
    alpaca_paper_trading: bool = True
    alpaca_data_feed: Literal["auto", "iex", "sip"] = "auto"
    alpaca_api_key: Key | None = None
    alpaca_secret_key: Key | None = None
    rate_limit_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 200
    rate_limit_delay: Annotated[float, Field(ge=0, le=60)] | None = None
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
    warehouse_url: WarehouseUrl | None = None
    evidence_file: Path | None = None
    signal_ttl_days: Annotated[float, Field(ge=1, le=36_500)] = 30.0
    shadow_ttl_days: Annotated[float, Field(ge=1, le=36_500)] = 7.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None
    log_format: Literal["console", "json", "gcp"] = "console"
    metrics_pushgateway_url: Gateway | None = None
    metrics_textfile: Path | None = None
    deadman_url: SecretUrl | None = None
    http_bind: Bind = "127.0.0.1:8080"
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = "SYMBOL"
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 48.0
