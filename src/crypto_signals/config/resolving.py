"""Where settings come from, what is wrong with them, and which of them go unheeded."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from crypto_signals.config.required import missing
from crypto_signals.config.secret_manager import Secrets, ask
from crypto_signals.config.settings import Settings
from crypto_signals.config.values import Project, split
from crypto_signals.config.wording import told

ENV_FILE = Path(".env")
"""Read from the folder in which the program is started."""

_NOT_USED_YET = ("POSITION_TTL_DAYS",)


class _BeforeSecrets(BaseModel):
    """What has to be known before Secret Manager can be asked."""

    google_cloud_project: Project | None = None
    disable_secret_manager: bool = False


_BEFORE_SECRETS = tuple(_BeforeSecrets.model_fields)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings, and what each place said where they are looked for."""

    settings: Settings
    env_file: Mapping[str, str]
    secrets: Secrets

    def origin(self, name: str) -> str:
        """Where the value of a setting came from."""
        if os.environ.get(name.upper()):
            return "environment"
        if name in self.secrets.values:
            return "secret manager"
        return str(ENV_FILE) if self.env_file.get(name.upper()) else "default"

    def looked_for(self, name: str) -> str:
        """Where a setting that is missing was looked for."""
        if self.secrets.project is None:
            return f"the environment and {ENV_FILE}"
        denied = ", which this account may not read" if name in self.secrets.denied else ""
        manager = f"Secret Manager (secret {name.upper()} of project {self.secrets.project}{denied})"
        return f"the environment, {manager} and {ENV_FILE}"


def read(problems: list[str]) -> Resolved:
    """The settings; what is wrong is added to ``problems``, and the default stands in for it."""
    env_file = _env_file(problems)
    secrets = _secrets(env_file, problems)
    kind = _kind(secrets)
    sources: dict[str, Any] = {"_env_file": ENV_FILE if env_file else None}
    try:
        settings, bad = kind(**sources), set[str]()
    except ValidationError as error:
        problems += [_problem(detail, secrets) for detail in error.errors()]
        bad = {str(detail["loc"][0]) for detail in error.errors()}
        stand_ins: dict[str, Any] = {name: Settings.model_fields[name].default for name in bad}
        settings = kind(**sources, **stand_ins)
    resolved = Resolved(settings, env_file, secrets)
    problems += [
        *missing(settings, bad, resolved.looked_for),
        *_no_symbols(settings),
        *_forgotten(settings),
    ]
    return resolved


def problems_of(values: Mapping[str, str]) -> list[str]:
    """What would be wrong if the settings so named had these values."""
    given: dict[str, Any] = {name.lower(): value for name, value in values.items()}
    try:
        settings = Settings(_env_file=None, **given)
    except ValidationError as error:
        return [_problem(detail, Secrets()) for detail in error.errors()]
    return missing(settings, (), lambda _: "what was given and the environment")


def _env_file(problems: list[str]) -> Mapping[str, str]:
    """What ``.env`` says, by upper-case names; a value that is empty is not set."""
    try:
        given = dotenv_values(ENV_FILE)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{ENV_FILE}: cannot be read: {error}")
        return {}
    return {name.upper(): value for name, value in given.items() if value}


def _secrets(env_file: Mapping[str, str], problems: list[str]) -> Secrets:
    """What Secret Manager holds of the settings that the environment leaves open. Which project to ask, and
    whether, has to be known before, from the environment or ``.env``."""
    near = {**env_file} | {name: value for name, value in os.environ.items() if value}
    given = {name: near[name.upper()] for name in _BEFORE_SECRETS if name.upper() in near}
    try:
        known = _BeforeSecrets.model_validate(given)
    except ValidationError:
        return Secrets()
    if known.google_cloud_project is None or known.disable_secret_manager:
        return Secrets()

    own = {*Settings.model_fields} - {*_BEFORE_SECRETS, "sentinel_home", "sentinel_now"}
    names = sorted(name for name in own if not os.environ.get(name.upper()))
    return ask(known.google_cloud_project, Settings, names, problems)


def _kind(secrets: Secrets) -> type[Settings]:
    """Settings that are also looked for among ``secrets``."""

    class WithSecrets(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            managed = InitSettingsSource(settings_cls, dict(secrets.values))
            return init_settings, env_settings, managed, dotenv_settings, file_secret_settings

    return WithSecrets


def _problem(detail: ErrorDetails, secrets: Secrets) -> str:
    name = str(detail["loc"][0])
    secret = "Secret" in str(Settings.model_fields[name].annotation) or "url" in name
    return f"{name.upper()}: {told(detail, secret=secret or name in secrets.values)}"


def _no_symbols(settings: Settings) -> list[str]:
    crypto = split(settings.crypto_symbols or "")
    equity = split(settings.equity_symbols or "") if settings.enable_equities else ()
    if settings.bars_url == "alpaca" and "*" in {*crypto, *equity} and settings.alpaca_api_key is None:
        needed = "ALPACA_API_KEY and ALPACA_SECRET_KEY, or a bars file in BARS_URL"
        return [f"CRYPTO_SYMBOLS, EQUITY_SYMBOLS: * needs {needed}; or list the symbols"]
    if settings.crypto_symbols is not None and not (crypto or equity):
        return ["CRYPTO_SYMBOLS and EQUITY_SYMBOLS are empty: there is nothing to look at"]
    return []


def _forgotten(settings: Settings) -> list[str]:
    """A cool-down is counted from a signal that is still stored, in sessions, over any weekend."""
    if settings.signal_ttl_days * 24 >= 2 * settings.cooldown_hours:
        return []
    return ["SIGNAL_TTL_DAYS must be at least twice as long as COOLDOWN_HOURS"]


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
