"""What the value of a setting may be. No message here quotes a value that may be a secret."""

import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, SecretStr

from crypto_signals import hosts

_SYMBOL = re.compile(r"^[A-Z0-9.]{1,12}(/[A-Z0-9]{2,6}(:[A-Z0-9]{2,6})?)?$")
_WORD = re.compile(r"""[^\s"'\x00-\x20\x7f-\U0010ffff]+""")
_POSTGRESQL = re.compile(
    r"postgresql://([^/?#@:\s]+(:[^/?#@:\s]*)?@)?(\[[0-9A-Fa-f:.]+\]|[^/?#@:\s]*)(:\d+)?/[^/?#@\s]+(\?[^#@\s]*)?"
)
_FIRESTORE = re.compile(r"firestore://[a-z][a-z0-9-]{4,28}[a-z0-9](/[a-z][a-z0-9-]{2,61}[a-z0-9])?")
_WAREHOUSE = re.compile(r"bigquery://[a-z][a-z0-9-]{4,28}[a-z0-9]/[A-Za-z0-9_]{1,1024}|duckdb:///.+")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_BIND = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")
_SNOWFLAKE = re.compile(r"[0-9]{1,20}")
_LAST_PORT = 65_535
_WEBHOOK_PATH = re.compile(r"/webhooks/[^/]+/[^/]+/?$")


def split(text: str) -> tuple[str, ...]:
    """The comma-separated words of a setting, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _word(text: str) -> str:
    word = text.strip()
    if not _WORD.fullmatch(word):
        raise ValueError("must be one word in plain letters: no space, no quote, no comment after it")
    return word


def _address(text: str) -> str:
    """https, or plain http on loopback, with nothing in it that would have to be kept secret."""
    parts = _parts(_word(text))
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    safe = parts.scheme == "https" or (parts.scheme == "http" and hosts.on_loopback(parts.hostname or ""))
    if not (safe and parts.hostname):
        raise ValueError("must be an https address (plain http only on loopback)")
    return parts.geturl()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is not an address") from None
    return parts


def _address_at(text: str, domains: Collection[str]) -> str:
    """Of a service that is told a secret, which nobody else may be told."""
    url = _address(text)
    if not hosts.belongs(urlsplit(url).hostname or "", domains):
        raise ValueError(f"must lie at {' or '.join(domains)} (or on loopback): secrets go nowhere else")
    return url


def _alpaca(text: str) -> str:
    return _address_at(text, hosts.ALPACA)


def _webhook(text: str) -> str:
    url = _address_at(text, hosts.DISCORD)
    if not _WEBHOOK_PATH.search(urlsplit(url).path):
        raise ValueError("is not the address of a Discord webhook (https://discord.com/api/webhooks/…/…)")
    return url


def _discord_api(text: str) -> str:
    url = _address_at(text, hosts.DISCORD).rstrip("/")
    if not url.endswith("/api/v10"):
        raise ValueError("must end with /api/v10, as in https://discord.com/api/v10")
    return url


def _channel_id(text: str) -> str:
    if not _SNOWFLAKE.fullmatch(text.strip()):
        raise ValueError("must be a number: turn on Discord's developer mode, then Copy Channel ID")
    return text.strip()


def _gateway(text: str) -> str:
    """An address of one's own network may be plain http, as long as no password travels over it."""
    parts = _parts(_word(text))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address, as in http://127.0.0.1:9091")
    if parts.password and parts.scheme == "http" and not hosts.on_loopback(parts.hostname):
        raise ValueError("holds a password: it must be an https address (plain http only on loopback)")
    return parts.geturl().rstrip("/")


def _project(text: str) -> str:
    if not _PROJECT.fullmatch(text.strip()):
        raise ValueError("must be the id of a Google Cloud project, as in my-project-1")
    return text.strip()


def _bind(text: str) -> str:
    found = _BIND.fullmatch(text.strip())
    if found is None or int(found["port"]) > _LAST_PORT:
        raise ValueError("must be HOST:PORT, as in 127.0.0.1:8080")
    return text.strip()


def _symbols(text: str) -> str:
    bad = [symbol for symbol in split(text) if symbol != "*" and not _SYMBOL.match(symbol)]
    if bad:
        words = ", ".join(map(repr, bad))
        raise ValueError(f"not symbols: {words} (write for example BTC/USD or AAPL, with commas)")
    return text


def store_address(url: str) -> str:
    """A path may hold anything; what surrounds a password must be certain, so that it can be masked.
    Raises ``ValueError``."""
    if url.startswith("sqlite:///") and url != "sqlite:///":
        return url
    if _FIRESTORE.fullmatch(url):
        return url
    if not url.startswith("postgresql:"):
        raise ValueError(
            "must be sqlite:///PATH, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, firestore://PROJECT "
            "or firestore://PROJECT/DATABASE"
        )
    if not _POSTGRESQL.fullmatch(url):
        raise ValueError(
            "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in the password write %40 for @, "
            "%3A for :, %2F for /, %3F for ? and %23 for #"
        )
    return _parts(url).geturl()


def store_shown(url: str) -> str:
    """The address of a store as a person may see it."""
    if not url.startswith("postgresql:"):
        return url
    masked = re.sub(r"^(postgresql://[^:@/]+):[^@]*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", masked, flags=re.IGNORECASE)


def _warehouse(text: str) -> str:
    if not _WAREHOUSE.fullmatch(text.strip()):
        raise ValueError("must be duckdb:///PATH or bigquery://PROJECT/DATASET")
    return text.strip()


def _bars(text: str) -> str:
    if text != "alpaca" and not (text.startswith("file:") and split(text.removeprefix("file:"))):
        raise ValueError("must be alpaca, or file:PATH with a Parquet or CSV file")
    return text


AlpacaUrl = Annotated[str, AfterValidator(_alpaca)]
SecretUrl = Annotated[
    SecretStr, AfterValidator(lambda secret: SecretStr(_address(secret.get_secret_value())))
]
Gateway = Annotated[SecretStr, AfterValidator(lambda secret: SecretStr(_gateway(secret.get_secret_value())))]
Project = Annotated[str, AfterValidator(_project)]
Bind = Annotated[str, AfterValidator(_bind)]
Webhook = Annotated[SecretStr, AfterValidator(lambda secret: SecretStr(_webhook(secret.get_secret_value())))]
Key = Annotated[SecretStr, AfterValidator(lambda secret: SecretStr(_word(secret.get_secret_value())))]
DiscordApi = Annotated[str, AfterValidator(_discord_api)]
ChannelId = Annotated[str, AfterValidator(_channel_id)]
Symbols = Annotated[str, AfterValidator(_symbols)]
StoreUrl = Annotated[
    SecretStr, AfterValidator(lambda secret: SecretStr(store_address(secret.get_secret_value())))
]
BarsUrl = Annotated[str, AfterValidator(_bars)]
WarehouseUrl = Annotated[str, AfterValidator(_warehouse)]
