"""Settings and strategies: where they come from, and everything that is wrong with them at once."""

import difflib
import hashlib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.strategy import Strategy

_SYMBOL = re.compile(r"^[A-Z0-9.]{1,12}(/[A-Z0-9]{2,6}(:[A-Z0-9]{2,6})?)?$")
ENV_FILE = Path(".env")
"""Read from the folder in which the program is started."""


def _safe_url(url: str) -> str:
    """https, or plain http on loopback. The message never holds the address: it may be a secret."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and _on_loopback(parts.hostname or ""):
        return url
    raise ValueError("must be an https address (plain http only on loopback)")


def _on_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _symbols(text: str) -> str:
    bad = [symbol for symbol in split(text) if symbol != "*" and not _SYMBOL.match(symbol)]
    if bad:
        raise ValueError(f"not symbols: {', '.join(bad)} (write for example BTC/USD or AAPL, with commas)")
    return text


def split(text: str) -> tuple[str, ...]:
    """The comma-separated words of a setting, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


Url = Annotated[str, AfterValidator(_safe_url)]
SecretUrl = Annotated[
    SecretStr, AfterValidator(lambda secret: SecretStr(_safe_url(secret.get_secret_value())))
]
Symbols = Annotated[str, AfterValidator(_symbols)]


class Settings(BaseSettings):
    """Environment > ``.env`` > defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, env_file=ENV_FILE)

    sentinel_home: Path = Path(".sentinel")
    sentinel_now: AwareDatetime | None = None
    sentinel_config: Path = Path("sentinel.toml")
    crypto_symbols: Symbols | None = None
    equity_symbols: Symbols | None = None
    enable_equities: bool = True
    bars_url: Annotated[str, Field(pattern=r"^(alpaca|file:.+)$")] = "alpaca"
    alpaca_data_url: Url = "https://data.alpaca.markets"
    alpaca_data_feed: Literal["auto", "iex", "sip"] = "auto"
    alpaca_api_key: SecretStr | None = None
    alpaca_secret_key: SecretStr | None = None
    test_mode: bool = True
    test_discord_webhook: SecretUrl | None = None
    live_crypto_discord_webhook_url: SecretUrl | None = None
    live_stock_discord_webhook_url: SecretUrl | None = None
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 90.0
    run_budget_seconds: Annotated[float, Field(gt=0, le=86_400)] = 540.0
    store_url: str | None = None
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = "SYMBOL"
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 48.0


class OwnDetectors(BaseModel):
    """Detectors of one's own: Python files, and how long one may look at one series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[Path, ...] = ()
    seconds: Annotated[float, Field(gt=0, le=600)] = 5.0

    def beside(self, folder: Path) -> "OwnDetectors":
        """With paths that are meant relative to ``folder``."""
        return self.model_copy(update={"paths": tuple(folder / path for path in self.paths)})


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything resolved: the settings, where each came from, the strategies, one's own detectors."""

    settings: Settings
    origins: Mapping[str, str]
    strategies: tuple[Strategy, ...]
    detectors: OwnDetectors

    def masked(self) -> dict[str, Any]:
        """The settings as a person may see them: of a secret, only that there is one."""
        return {name: _masked(getattr(self.settings, name)) for name in Settings.model_fields}

    @property
    def hash(self) -> str:
        """Of the masked settings, the strategies and one's own detectors; stored with each run."""
        parts = [*self.strategies, self.detectors]
        text = json.dumps([self.masked(), [part.model_dump(mode="json") for part in parts]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class _ConfigFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategies: dict[str, Strategy] = Field(default_factory=dict)
    detectors: OwnDetectors = OwnDetectors()


def load() -> Configuration:
    """Raises ``UsageError`` that lists every problem of the environment, ``.env`` and ``sentinel.toml``."""
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_setting_problem(detail) for detail in error.errors()]
    path = (
        settings.sentinel_config if settings else Path(os.environ.get("SENTINEL_CONFIG") or "sentinel.toml")
    )
    strategies, detectors = _from_file(path, settings, problems)
    if settings is not None:
        problems += _missing(settings)
    if problems or settings is None:
        raise UsageError(problems)
    return Configuration(settings, _origins(settings), strategies, detectors)


def _missing(settings: Settings) -> list[str]:
    """What the given settings need besides."""
    problems = []
    if (settings.alpaca_api_key is None) != (settings.alpaca_secret_key is None):
        problems.append("ALPACA_API_KEY and ALPACA_SECRET_KEY go together: one of them is missing")
    live = {
        "LIVE_CRYPTO_DISCORD_WEBHOOK_URL": settings.live_crypto_discord_webhook_url,
        "LIVE_STOCK_DISCORD_WEBHOOK_URL": settings.live_stock_discord_webhook_url,
    }
    given = [name for name, url in live.items() if url is not None]
    if not settings.test_mode and len(given) == 1:
        (lacking,) = live.keys() - set(given)
        problems.append(f"{lacking} is missing: TEST_MODE is false and {given[0]} is set")
    return problems


def _from_file(
    path: Path, settings: Settings | None, problems: list[str]
) -> tuple[tuple[Strategy, ...], OwnDetectors]:
    """What ``sentinel.toml`` says, or the defaults; what is wrong with it goes to ``problems``."""
    cooldown = {} if settings is None else settings.model_dump(include={"cooldown_scope", "cooldown_hours"})
    default = (Strategy(**cooldown),)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if "SENTINEL_CONFIG" in os.environ:
            problems.append(f"SENTINEL_CONFIG: there is no file {path}")
        return default, OwnDetectors()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return (), OwnDetectors()
    for name, table in _tables(given):
        table.update({"name": name} | {key: table.get(key, value) for key, value in cooldown.items()})
    try:
        file = _ConfigFile.model_validate(given)
    except ValidationError as error:
        problems += [f"{path}: {_toml_problem(detail)}" for detail in error.errors()]
        return (), OwnDetectors()
    return tuple(file.strategies.values()) or default, file.detectors.beside(path.parent)


def _tables(given: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    tables = given.get("strategies")
    if not isinstance(tables, dict):
        return []
    return [(name, table) for name, table in tables.items() if isinstance(table, dict)]


def _setting_problem(detail: ErrorDetails) -> str:
    """One line; the value is shown only where it cannot be a secret."""
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    field = Settings.model_fields.get(name)
    secret = field is None or "Secret" in str(field.annotation) or "url" in name
    value = "" if secret else f" (it is {detail['input']!r})"
    return f"{name.upper()}: {_plain(detail)}{value}"


def _toml_problem(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] != "extra_forbidden":
        return f"{where}: {_plain(detail)} (it is {detail['input']!r})"
    known = _known_keys(detail["loc"][:-1])
    nearest = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.0)
    return f"{where}: unknown key; the nearest known one is {nearest[0]}"


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at ``loc`` may have."""
    model: type[BaseModel] = _ConfigFile
    for part in loc[1:] if loc[:1] == ("strategies",) else loc:
        if model is _ConfigFile:
            model = OwnDetectors if loc[0] == "detectors" else Strategy
            continue
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return [name for name in model.model_fields if name != "name"]


def _plain(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _origins(settings: Settings) -> dict[str, str]:
    in_environment = {name.lower() for name, value in os.environ.items() if value}
    in_file = {name.lower() for name, value in dotenv_values(ENV_FILE).items() if value}
    return {
        name: "environment" if name in in_environment else str(ENV_FILE) if name in in_file else "default"
        for name in type(settings).model_fields
    }


def _masked(value: object) -> Any:
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, Path) else value
