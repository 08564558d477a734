"""Who is told where."""

from collections.abc import Mapping

from pydantic import SecretStr
from rich.console import Console

from crypto_signals.config import MessageSettings, Settings
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.notices import Notices
from crypto_signals.engine.ports import Channel, Noticeboard, Patience
from crypto_signals.notifications.console import ConsoleChannel


def channels(settings: Settings, console: Console, patience: Patience) -> Mapping[AssetClass, Channel]:
    """With a token the bot posts everything, else the webhooks do; where there is neither, it is the console.
    In test mode everything goes to one place."""
    token = settings.discord_bot_token
    places = _channel_ids(settings) if token is not None else _webhooks(settings)
    made: dict[tuple[str, str], Channel] = {}
    chosen: dict[AssetClass, Channel] = {}
    for kind, place in places.items():
        key = ("", "") if place is None else (_name(settings, kind), place)
        if key not in made:
            made[key] = _channel(settings, key, console, patience)
        chosen[kind] = made[key]
    return chosen


def notices(
    settings: Settings,
    wanted: MessageSettings,
    told: Mapping[AssetClass, Channel],
    patience: Patience,
) -> Notices:
    """Where notices go: in test mode to where everything goes, else to webhooks of their own; those of the
    system go to the channel for crypto where they have none. Nobody needs these in a terminal."""
    first = told[AssetClass.CRYPTO]
    here = first if isinstance(first, Noticeboard) else None
    boards: dict[str, Noticeboard | None] = {}
    for which in ("system", "shadow"):
        url = getattr(settings, f"discord_{which}_webhook_url")
        boards[which] = here if url is None or settings.test_mode else _board(which, url, patience)
    is_silent = isinstance(first, ConsoleChannel) and boards["system"] is here
    return Notices(
        system=None if is_silent else boards["system"],
        shadows=None if settings.discord_shadow_webhook_url is None else boards["shadow"],
        heartbeat=wanted.heartbeat,
        weekly=wanted.weekly,
    )


def _board(which: str, url: SecretStr, patience: Patience) -> Noticeboard:
    from crypto_signals.notifications.discord import DiscordWebhook  # noqa: PLC0415 - loads the HTTP client

    name = f"Discord {which} webhook"
    return DiscordWebhook(url.get_secret_value(), name, wait=patience.wait)


def _channel_ids(settings: Settings) -> Mapping[AssetClass, str | None]:
    if settings.test_mode:
        return dict.fromkeys(AssetClass, settings.discord_channel_id_test)
    return {
        AssetClass.CRYPTO: settings.discord_channel_id_crypto,
        AssetClass.EQUITY: settings.discord_channel_id_stock,
    }


def _webhooks(settings: Settings) -> Mapping[AssetClass, str | None]:
    test = settings.test_discord_webhook
    crypto = test if settings.test_mode else settings.live_crypto_discord_webhook_url
    equity = test if settings.test_mode else settings.live_stock_discord_webhook_url
    return {
        AssetClass.CRYPTO: crypto.get_secret_value() if crypto else None,
        AssetClass.EQUITY: equity.get_secret_value() if equity else None,
    }


def _name(settings: Settings, kind: AssetClass) -> str:
    """How errors call a channel."""
    which = "test" if settings.test_mode else "crypto" if kind is AssetClass.CRYPTO else "stock"
    return f"Discord {which} {'webhook' if settings.discord_bot_token is None else 'bot'}"


def _channel(settings: Settings, key: tuple[str, str], console: Console, patience: Patience) -> Channel:
    name, place = key
    if not place:
        return ConsoleChannel(console)
    from crypto_signals.notifications.discord import DiscordWebhook  # noqa: PLC0415 - loads the HTTP client
    from crypto_signals.notifications.discord_bot import DiscordBot  # noqa: PLC0415

    token, api_url = settings.discord_bot_token, settings.discord_api_url
    if token is None:
        return DiscordWebhook(place, name, wait=patience.wait)
    return DiscordBot(token.get_secret_value(), place, name, api_url=api_url, wait=patience.wait)
