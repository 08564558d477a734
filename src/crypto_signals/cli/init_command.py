"""``sentinel init``: from nothing to a program that runs."""

from typing import Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, say

_QUESTIONS = (
    ("TEST_DISCORD_WEBHOOK", "Address of a Discord webhook (empty: announce to the console)", True),
    ("CRYPTO_SYMBOLS", "Crypto pairs, with commas (empty: the six largest)", False),
    ("EQUITY_SYMBOLS", "Stocks, with commas; they need Alpaca's free keys (empty: none)", False),
    ("ALPACA_API_KEY", "Alpaca's key id (empty: no stocks)", True),
    ("ALPACA_SECRET_KEY", "Alpaca's secret key", True),
)


def init(
    webhook: Annotated[str, typer.Option(help="A Discord webhook for test messages.")] = "",
    bot_token: Annotated[str, typer.Option(help="A Discord bot's token, instead of the webhook.")] = "",
    channel_id: Annotated[str, typer.Option(help="The channel in which the bot posts.")] = "",
    crypto: Annotated[str, typer.Option(help="Crypto pairs, with commas.")] = "",
    stocks: Annotated[str, typer.Option(help="Stocks, with commas.")] = "",
    alpaca_key: Annotated[str, typer.Option(help="Alpaca's key id.")] = "",
    alpaca_secret: Annotated[str, typer.Option(help="Alpaca's secret key.")] = "",
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace .env, keeping the old one.")] = False,
    test_message: Annotated[bool, typer.Option("--test-message", help="Post a test message.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Ask for what is needed, write .env and sentinel.toml, check the keys.

    Other users of this machine may see options: type secrets where you are asked for them.
    """
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import setup  # noqa: PLC0415
    from crypto_signals.cli.health_command import examine_and_show  # noqa: PLC0415

    values = {
        "TEST_DISCORD_WEBHOOK": webhook,
        "DISCORD_BOT_TOKEN": bot_token,
        "DISCORD_CHANNEL_ID_TEST": channel_id,
        "CRYPTO_SYMBOLS": crypto,
        "EQUITY_SYMBOLS": stocks,
        "ALPACA_API_KEY": alpaca_key,
        "ALPACA_SECRET_KEY": alpaca_secret,
    }
    if not no_input:
        force = force or (setup.ENV.exists() and _agreed(f"{setup.ENV} exists already. Replace it?"))
        _ask(values)
        test_message = test_message or (
            bool(values["TEST_DISCORD_WEBHOOK"] or values["DISCORD_BOT_TOKEN"])
            and _agreed("Post a test message?")
        )
    for line in setup.write(values, replace=force):
        say(line)
    configuration = config.load()
    for warning in configuration.warnings:
        say(warning, "yellow")
    if test_message:
        say(setup.greet(configuration.settings))
    raise typer.Exit(examine_and_show(configuration, output))


def _ask(values: dict[str, str]) -> None:
    """For what the options left open; with a bot, for no webhook."""
    for name, question, is_secret in _QUESTIONS:
        with_a_bot = name == "TEST_DISCORD_WEBHOOK" and values["DISCORD_BOT_TOKEN"]
        without_a_key = name == "ALPACA_SECRET_KEY" and not values["ALPACA_API_KEY"]
        if values[name] or with_a_bot or without_a_key:
            continue
        values[name] = typer.prompt(
            question, default="", show_default=False, hide_input=is_secret, err=True
        ).strip()


def _agreed(question: str) -> bool:
    return typer.confirm(question, err=True)
