"""The files of a new installation: ``.env`` with the settings, ``sentinel.toml`` with what is looked for."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from crypto_signals.config import Settings, problems_of
from crypto_signals.domain.errors import UsageError

ENV, TOML = Path(".env"), Path("sentinel.toml")
_PLAIN = re.compile(r"[\w:/.,@%+=*-]*")
_HEAD = "# Settings of Crypto Sentinel. Keep this file to yourself: what it holds opens your channels.\n"
STRATEGY = """\
# What is looked for. Whatever is left out keeps its default; sentinel config shows all of it.
[strategies.default]
timeframe = "1Day"
# symbols = ["BTC/USD", "ETH/USD"]    # all configured symbols, unless they are listed here
# triggers = ["bull_flag", "double_bottom", "engulfing_bullish"]    # see: sentinel patterns
# max_announcements = 10
"""


def write(values: Mapping[str, str], *, replace: bool) -> list[str]:
    """Writes both files in the working folder, and says what it did.

    Nothing is written if a value is bad, or if ``.env`` exists and may not be replaced: ``UsageError``. What
    is replaced is kept beside it. A ``sentinel.toml`` that exists is always left as it is.
    """
    given = {name: value for name, value in values.items() if value}
    if problems := problems_of(given):
        raise UsageError(problems)
    said = []
    if ENV.exists():
        if not replace:
            raise UsageError(f"{ENV} exists already: --force replaces it, and keeps the old one as {ENV}.bak")
        _put(ENV.with_name(f"{ENV}.bak"), _content(ENV))
        said.append(f"the old {ENV} is kept as {ENV}.bak")
    lines = [f"{name}={_quoted(value)}\n" for name, value in given.items()]
    _put(ENV, "".join([_HEAD, *lines]).encode())
    said.append(f"{ENV} is written; only you can read it")
    if TOML.exists():
        return [*said, f"{TOML} is there already, and was left as it is"]
    _put(TOML, STRATEGY.encode(), mode=0o644)
    return [*said, f"{TOML} is written"]


def _quoted(value: str) -> str:
    """Single quotes keep a value from being interpreted; no setting may hold one."""
    return value if _PLAIN.fullmatch(value) else f"'{value}'"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read, so it is not replaced: {error.strerror}") from None


def _put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """The whole file or none of it, never readable by others for a moment."""
    new = path.with_name(f"{path.name}.new")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def greet(settings: Settings) -> str:
    """Posts a first message to where test messages go, and says where. Raises ``UsageError`` where there is
    no such place, or the `DeliveryError` that fits."""
    from crypto_signals.notifications import greeting  # noqa: PLC0415 - loads the HTTP client

    token, channel, webhook = (
        settings.discord_bot_token,
        settings.discord_channel_id_test,
        settings.test_discord_webhook,
    )
    if token is not None and channel is not None:
        greeting.greet_by_bot(token.get_secret_value(), channel, settings.discord_api_url)
        return "a test message was posted by the bot"
    if webhook is not None:
        greeting.greet_by_webhook(webhook.get_secret_value())
        return "a test message was posted by the webhook"
    raise UsageError("a test message needs TEST_DISCORD_WEBHOOK, or a bot and DISCORD_CHANNEL_ID_TEST")
