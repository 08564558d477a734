"""The configuration as a whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from crypto_signals.config import resolving as of_environment
from crypto_signals.config import strategies as of_file
from crypto_signals.config.settings import Settings
from crypto_signals.config.strategies import DetectorSettings, MessageSettings
from crypto_signals.config.values import store_shown
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything resolved: settings and their origins, what ``sentinel.toml`` says, and what is unheeded."""

    settings: Settings
    origins: Mapping[str, str]
    strategies: tuple[Strategy, ...]
    detectors: DetectorSettings
    messages: MessageSettings
    warnings: tuple[str, ...] = ()

    def masked(self) -> dict[str, Any]:
        """The settings as a person may see them: of a secret, only that there is one; of the store's address
        all but the password."""
        shown = {name: _masked(getattr(self.settings, name)) for name in Settings.model_fields}
        store = self.settings.store_url
        return shown | {"store_url": store and store_shown(store.get_secret_value())}

    @property
    def secrets(self) -> list[str]:
        """Every value that must not be shown; of stores, only an address can hold a secret."""
        values = (getattr(self.settings, name) for name in Settings.model_fields)
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return [secret for secret in secrets if not secret.startswith(("sqlite:", "firestore:"))]

    @property
    def hash(self) -> str:
        """Of the masked settings, the strategies and what is looked for; stored with each run."""
        parts = [*self.strategies, self.detectors]
        text = json.dumps([self.masked(), [part.model_dump(mode="json") for part in parts]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load() -> Configuration:
    """Raises ``UsageError`` that lists every problem of the environment, ``.env`` and ``sentinel.toml``."""
    problems: list[str] = []
    resolved = of_environment.read(problems)
    settings = resolved.settings
    file = of_file.read(
        settings.sentinel_config,
        settings.model_dump(include={"cooldown_scope", "cooldown_hours"}),
        problems,
        required="sentinel_config" in settings.model_fields_set,
    )
    if problems:
        raise UsageError(problems)
    warnings = tuple(of_environment.unheeded(settings))
    strategies = tuple(file.strategies.values())
    origins = {name: resolved.origin(name) for name in Settings.model_fields}
    return Configuration(settings, origins, strategies, file.detectors, file.messages, warnings)


def _masked(value: object) -> Any:
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, Path) else value
