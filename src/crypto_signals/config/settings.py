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

    sentinel_home: Path = Field(
        Path(".sentinel"), description="The folder that keeps the state: store, warehouse, bars, lock."
    )
    sentinel_now: AwareDatetime | None = Field(
        None,
        description="The time at which the program's clock stands, as 2018-12-20T00:05:00Z; for rehearsals.",
    )
    sentinel_config: Path = Field(Path("sentinel.toml"), description="The file with the strategies.")
    environment: Literal["DEV", "PROD"] = Field(
        "DEV",
        description="PROD refuses to start without a channel for each asset class and, for stocks, keys.",
    )
    google_cloud_project: Project | None = Field(
        None, description="The Google Cloud project whose Secret Manager is asked for settings."
    )
    disable_secret_manager: bool = Field(
        False, description="Whether to do without Secret Manager although a project is named."
    )
    crypto_symbols: Symbols | None = Field(
        None, description="The crypto pairs, with commas; * is every liquid one; without it, the six largest."
    )
    equity_symbols: Symbols | None = Field(
        None, description="The stocks, with commas; * is every liquid one; without it, none."
    )
    enable_equities: bool = Field(True, description="Whether stocks are looked at.")
    bars_url: BarsUrl = Field(
        "alpaca", description="Where bars come from: alpaca, or file:PATH with Parquet or CSV files."
    )
    alpaca_data_url: AlpacaUrl = Field(
        "https://data.alpaca.markets",
        description="The base address of Alpaca's market data, without a version.",
    )
    alpaca_trading_url: AlpacaUrl | None = Field(
        None,
        description="The base address of Alpaca's trading service; without it, that of the account's kind.",
    )
    alpaca_paper_trading: bool = Field(True, description="Whether the keys are those of a paper account.")
    alpaca_data_feed: Literal["auto", "iex", "sip"] = Field(
        "auto",
        description="Whose bars of stocks: auto is the whole tape (sip) where the plan has it, else iex.",
    )
    alpaca_api_key: Key | None = Field(None, description="Alpaca's key id; needed for stocks and for *.")
    alpaca_secret_key: Key | None = Field(None, description="Alpaca's secret key.")
    rate_limit_per_minute: int = Field(
        200, ge=1, le=100_000, description="How many requests a minute Alpaca's plan allows."
    )
    rate_limit_delay: Annotated[float, Field(ge=0, le=60)] | None = Field(
        None, description="Seconds between two requests to Alpaca; if set, it wins over the limit a minute."
    )
    test_mode: bool = Field(True, description="Whether everything goes to the test channel.")
    test_discord_webhook: Webhook | None = Field(None, description="The webhook of the test channel.")
    live_crypto_discord_webhook_url: Webhook | None = Field(
        None, description="The webhook for crypto, with TEST_MODE=false."
    )
    live_stock_discord_webhook_url: Webhook | None = Field(
        None, description="The webhook for stocks, with TEST_MODE=false."
    )
    discord_shadow_webhook_url: Webhook | None = Field(
        None, description="The webhook that is told what gates refused, with TEST_MODE=false."
    )
    discord_system_webhook_url: Webhook | None = Field(
        None,
        description="The webhook for heartbeat, week and trouble, with TEST_MODE=false; else crypto's.",
    )
    discord_bot_token: Key | None = Field(
        None, description="The token of a Discord bot; with one, webhooks are not used for signals."
    )
    discord_channel_id_test: ChannelId | None = Field(None, description="The bot's test channel.")
    discord_channel_id_crypto: ChannelId | None = Field(
        None, description="The bot's channel for crypto, with TEST_MODE=false."
    )
    discord_channel_id_stock: ChannelId | None = Field(
        None, description="The bot's channel for stocks, with TEST_MODE=false."
    )
    discord_api_url: DiscordApi = Field(
        "https://discord.com/api/v10", description="The base address of Discord's API, with its version."
    )
    settle_seconds: float = Field(
        90.0,
        ge=0,
        le=3600,
        description="How long a message of unknown fate is left alone before it is looked for.",
    )
    run_budget_seconds: float = Field(
        540.0, gt=0, le=86_400, description="How long a run may go on waiting for services."
    )
    lease_seconds: float = Field(
        120.0,
        ge=40,
        le=3600,
        description="How long this instance holds a shared store after it was last heard of.",
    )
    store_url: StoreUrl | None = Field(
        None,
        description="Where signals are kept: a database's address; without it, SQLite in SENTINEL_HOME.",
    )
    warehouse_url: WarehouseUrl | None = Field(
        None,
        description="Where closed signals are kept for good; without it, a DuckDB file in SENTINEL_HOME.",
    )
    evidence_file: Path | None = Field(
        None, description="The file of sentinel evidence whose odds are quoted; without it, none are."
    )
    signal_ttl_days: float = Field(
        30.0, ge=1, le=36_500, description="How many days after its end a signal stays in the store."
    )
    shadow_ttl_days: float = Field(
        7.0, ge=1, le=36_500, description="How many days after its end a shadow signal stays in the store."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = Field(
        None,
        description="The least important lines that are logged; else INFO for machines, none for people.",
    )
    log_format: Literal["console", "json", "gcp"] = Field(
        "console", description="How log lines look: for people, for machines, or with Google Cloud's names."
    )
    metrics_pushgateway_url: Gateway | None = Field(
        None, description="The Prometheus push gateway to which sentinel run pushes its metrics."
    )
    metrics_textfile: Path | None = Field(
        None, description="The file into which sentinel run writes its metrics, for node_exporter."
    )
    deadman_url: SecretUrl | None = Field(
        None,
        description="The address that is asked at the end of each run, with /fail appended when it failed.",
    )
    http_bind: Bind = Field(
        "127.0.0.1:8080", description="HOST:PORT on which sentinel serve answers probes and Prometheus."
    )
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = Field(
        "SYMBOL",
        description="What rests after a signal has closed: its symbol, or the pattern on that symbol.",
    )
    cooldown_hours: float = Field(
        48.0, ge=0, le=10_000, description="How long it rests, in hours of sessions."
    )
