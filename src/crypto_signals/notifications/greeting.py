"""A first message, so that a person sees that messages arrive, and where."""

from pydantic import SecretStr

from crypto_signals.notifications import discord_answers as answers
from crypto_signals.notifications.discord_client import DiscordClient, checked
from crypto_signals.notifications.discord_posts import JsonObject

TEXT = "Crypto Sentinel can post here. Signals will look different: this one asks for nothing."
THREAD = "Crypto Sentinel is set up"
_BODY: JsonObject = {"content": TEXT, "allowed_mentions": {"parse": []}}


def greet_by_webhook(url: str) -> None:
    """In a forum it opens a thread of its own. Raises the `DeliveryError` that fits."""
    name = "Discord webhook"
    address = checked(url, name)
    secret = SecretStr(address.path.rpartition("/")[2])
    client = DiscordClient(name, address, secret, "check the webhook in the channel's settings")
    try:
        for body in (_BODY | {"thread_name": THREAD}, _BODY):
            answer = client.send("", {"username": "Crypto Sentinel"} | body, query={"wait": "true"})
            if answer.is_success:
                return
            if answers.code(answer) != answers.NO_THREADS_HERE:
                break
        raise client.problem(answer)
    finally:
        client.close()


def greet_by_bot(token: str, channel_id: str, api_url: str) -> None:
    """In a forum it opens a thread of its own. Raises the `DeliveryError` that fits."""
    name = "Discord bot"
    client = DiscordClient(
        name,
        checked(api_url, name),
        SecretStr(token),
        "check the bot's token, the channel's id and what the bot may do there",
        headers={"Authorization": f"Bot {token}"},
    )
    try:
        is_forum = client.read(f"/channels/{channel_id}").get("type") in {15, 16}
        path, body = ("threads", {"name": THREAD, "message": _BODY}) if is_forum else ("messages", _BODY)
        answer = client.send(f"/channels/{channel_id}/{path}", body)
        if not answer.is_success:
            raise client.problem(answer)
    finally:
        client.close()
