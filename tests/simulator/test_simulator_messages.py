"""Posting, reading, changing and deleting messages."""

import hashlib
import json
from typing import Any

import httpx
import pytest
from simulator_fixtures import DiscordSimulator

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
QUIET = {"parse": []}


def post(simulator: DiscordSimulator, body: dict[str, Any], **query: str) -> httpx.Response:
    return simulator.client.post(simulator.forum_webhook, params={"wait": "true"} | query, json=body)


def upload(
    simulator: DiscordSimulator, body: dict[str, Any], files: dict[str, tuple[str, bytes, str]]
) -> httpx.Response:
    data = {"payload_json": json.dumps(body)}
    return simulator.client.post(simulator.text_webhook, params={"wait": "true"}, data=data, files=files)


def message_url(simulator: DiscordSimulator, message: dict[str, Any]) -> str:
    return f"{simulator.forum_webhook}/messages/{message['id']}?thread_id={message['channel_id']}"


def test_a_forum_post_opens_a_thread_and_follow_ups_stay_in_it_in_order(
    discord_simulator: DiscordSimulator,
) -> None:
    """What is posted to one thread id is found there, in the order in which it was posted."""
    first = post(discord_simulator, {"content": "entry", "thread_name": "BTC/USD long"}).json()
    thread_id = first["channel_id"]
    for text in ("target 1", "target 2"):
        assert post(discord_simulator, {"content": text}, thread_id=thread_id).status_code == 200
    [thread] = discord_simulator.threads()
    assert (thread["id"], thread["name"], first["id"]) == (thread_id, "BTC/USD long", thread_id)
    assert [message["content"] for message in thread["messages"]] == ["entry", "target 1", "target 2"]


def test_the_message_object_has_the_documented_fields(discord_simulator: DiscordSimulator) -> None:
    """A waiting request gets the whole message back, stamped with the simulator's clock."""
    discord_simulator.clock("2018-12-31T00:05:00Z")
    message = post(discord_simulator, {"content": "x", "thread_name": "t", "username": "Sentinel"}).json()
    assert message["id"].isdigit()
    assert message["webhook_id"] == "1001"
    assert message["author"]["username"] == "Sentinel"
    assert message["timestamp"] == "2018-12-31T00:05:00.000000+00:00"
    assert (message["attachments"], message["embeds"], message["edited_timestamp"]) == ([], [], None)


def test_without_wait_nothing_is_returned_but_the_message_is_there(
    discord_simulator: DiscordSimulator,
) -> None:
    """204 without a body, and the message is saved."""
    response = discord_simulator.client.post(discord_simulator.text_webhook, json={"content": "x"})
    assert (response.status_code, response.content) == (204, b"")
    assert len(discord_simulator.threads()[0]["messages"]) == 1


def test_the_versioned_and_the_plain_address_are_the_same_webhook(
    discord_simulator: DiscordSimulator,
) -> None:
    """A message posted under one is read under the other."""
    message = post(discord_simulator, {"content": "x", "thread_name": "t"}).json()
    url = f"{discord_simulator.discord_api_url}/webhooks/1001/forum-token/messages/{message['id']}"
    found = discord_simulator.client.get(url, params={"thread_id": message["channel_id"]})
    assert found.json() == message


def test_the_webhook_describes_itself(discord_simulator: DiscordSimulator) -> None:
    """A health check can learn what a webhook is for without posting."""
    facts = discord_simulator.client.get(discord_simulator.forum_webhook).json()
    assert {"id": "1001", "type": 1, "channel_id": "2001", "token": "forum-token"}.items() <= facts.items()
    assert facts["guild_id"]
    assert facts["name"]


def test_an_uploaded_file_is_stored_and_served(discord_simulator: DiscordSimulator) -> None:
    """A file comes back byte for byte under the address in the message."""
    message = upload(discord_simulator, {}, {"files[0]": ("my chart.png", PNG, "image/png")}).json()
    [attachment] = message["attachments"]
    assert (attachment["filename"], attachment["size"]) == ("my_chart.png", len(PNG))
    served = discord_simulator.client.get(attachment["url"])
    assert (served.content, served.headers["content-type"]) == (PNG, "image/png")
    [stored] = discord_simulator.threads()[0]["messages"][0]["files"]
    assert stored["sha256"] == hashlib.sha256(PNG).hexdigest()


def test_a_file_shown_in_an_embed_is_not_an_attachment(discord_simulator: DiscordSimulator) -> None:
    """The embed carries the file's address, and the list of attachments leaves it out."""
    body = {"embeds": [{"title": "t", "image": {"url": "attachment://chart.png"}}]}
    message = upload(discord_simulator, body, {"files[0]": ("chart.png", PNG, "image/png")}).json()
    assert message["attachments"] == []
    assert discord_simulator.client.get(message["embeds"][0]["image"]["url"]).content == PNG


def test_an_edit_changes_only_what_it_names(discord_simulator: DiscordSimulator) -> None:
    """Fields that an edit leaves out stay, null empties them, and the edit is stamped."""
    embeds = [{"title": "kept"}]
    message = post(discord_simulator, {"content": "old", "embeds": embeds, "thread_name": "t"}).json()
    url = message_url(discord_simulator, message)
    edited = discord_simulator.client.patch(url, json={"content": "new"}).json()
    assert (edited["content"], edited["embeds"][0]["title"]) == ("new", "kept")
    assert edited["edited_timestamp"]
    assert discord_simulator.client.patch(url, json={"content": None}).json()["content"] == ""
    assert discord_simulator.client.patch(url, json={"embeds": []}).json()["code"] == 50006
    assert discord_simulator.client.get(url).json()["embeds"][0]["title"] == "kept"


def test_an_edit_keeps_only_the_attachments_it_lists(discord_simulator: DiscordSimulator) -> None:
    """Unlisted files go, listed ones stay, and new ones must be listed too."""
    files = {f"files[{n}]": (f"{n}.txt", b"x", "text/plain") for n in range(2)}
    message = upload(discord_simulator, {"content": "x"}, files).json()
    kept = message["attachments"][1]
    url = f"{discord_simulator.text_webhook}/messages/{message['id']}"
    payload = json.dumps({"attachments": [{"id": kept["id"]}, {"id": 0}]})
    new = {"files[0]": ("new.txt", b"y", "text/plain"), "files[1]": ("unlisted.txt", b"z", "text/plain")}
    edited = discord_simulator.client.patch(url, data={"payload_json": payload}, files=new).json()
    assert [file["filename"] for file in edited["attachments"]] == ["1.txt", "new.txt"]
    assert discord_simulator.client.get(message["attachments"][0]["url"]).status_code == 404


def test_an_edit_without_a_list_adds_its_files(discord_simulator: DiscordSimulator) -> None:
    """Files of an edit are appended to those that are there."""
    message = upload(discord_simulator, {}, {"files[0]": ("a.txt", b"x", "text/plain")}).json()
    url = f"{discord_simulator.text_webhook}/messages/{message['id']}"
    edited = discord_simulator.client.patch(url, files={"files[0]": ("b.txt", b"y", "text/plain")}).json()
    assert [file["filename"] for file in edited["attachments"]] == ["a.txt", "b.txt"]


def test_a_deleted_message_is_unknown(discord_simulator: DiscordSimulator) -> None:
    """Once deleted, a message can be neither read, changed nor deleted again."""
    message = post(discord_simulator, {"content": "x", "thread_name": "t"}).json()
    url = message_url(discord_simulator, message)
    assert discord_simulator.client.delete(url).status_code == 204
    for method in ("GET", "DELETE"):
        assert discord_simulator.client.request(method, url).json()["code"] == 10008
    assert discord_simulator.client.patch(url, json={"content": "y"}).status_code == 404


def test_a_message_in_a_thread_is_found_only_with_the_thread_id(discord_simulator: DiscordSimulator) -> None:
    """Without the thread, or with another one, the message or the thread is unknown."""
    message = post(discord_simulator, {"content": "x", "thread_name": "t"}).json()
    url = message_url(discord_simulator, message).partition("?")[0]
    assert discord_simulator.client.get(url).json()["code"] == 10008
    assert discord_simulator.client.get(url, params={"thread_id": "42"}).json()["code"] == 10003


def test_a_deleted_webhook_is_gone_for_good(discord_simulator: DiscordSimulator) -> None:
    """After a delete, posting gives 404 with 10015."""
    assert discord_simulator.client.delete(discord_simulator.forum_webhook).status_code == 204
    response = post(discord_simulator, {"content": "x", "thread_name": "t"})
    assert (response.status_code, response.json()["code"]) == (404, 10015)


@pytest.mark.parametrize(
    ("allowed", "is_open"),
    [
        (None, True),
        (QUIET, False),
        ({"parse": ["users"]}, True),
        ({"parse": [], "users": ["1"]}, True),
        ({"parse": [], "users": [], "roles": []}, False),
    ],
)
def test_messages_that_could_ping_somebody_are_flagged(
    discord_simulator: DiscordSimulator, allowed: dict[str, Any] | None, *, is_open: bool
) -> None:
    """Only an explicit, empty list of allowed mentions is quiet."""
    body = {"content": "x", "thread_name": "t"} | ({"allowed_mentions": allowed} if allowed else {})
    assert post(discord_simulator, body).status_code == 200
    assert discord_simulator.threads()[0]["messages"][0]["mentions_open"] is is_open


def test_an_edit_of_the_text_does_not_inherit_the_mention_rules(discord_simulator: DiscordSimulator) -> None:
    """An edit that sets the content without mention rules opens them again."""
    body = {"content": "x", "thread_name": "t", "allowed_mentions": QUIET}
    url = message_url(discord_simulator, post(discord_simulator, body).json())
    discord_simulator.client.patch(url, json={"content": "y"})
    assert discord_simulator.threads()[0]["messages"][0]["mentions_open"] is True
    discord_simulator.client.patch(url, json={"content": "z", "allowed_mentions": QUIET})
    assert discord_simulator.threads()[0]["messages"][0]["mentions_open"] is False


def test_requests_without_a_bot_user_agent_are_served_but_noted(discord_simulator: DiscordSimulator) -> None:
    """The log warns about a missing agent, and never shows a webhook's token."""
    agent = {"User-Agent": "python-httpx/0.28"}
    discord_simulator.client.get(discord_simulator.text_webhook, headers=agent)
    discord_simulator.client.get(discord_simulator.text_webhook)
    noted, quiet = discord_simulator.requests()
    assert (len(noted["warnings"]), quiet["warnings"], noted["status"]) == (1, [], 200)
    assert "text-token" not in json.dumps([noted, quiet])


def test_ids_grow_even_when_the_clock_is_set_back(discord_simulator: DiscordSimulator) -> None:
    """Ids order messages whatever the virtual clock does."""
    ids = []
    for now in ("2018-12-31T00:00:00Z", "2014-11-28T00:00:00Z", "2018-12-31T00:00:00Z"):
        discord_simulator.clock(now)
        ids.append(int(post(discord_simulator, {"content": "x", "thread_name": "t"}).json()["id"]))
    assert ids == sorted(set(ids))


def test_half_a_surrogate_pair_is_stripped(discord_simulator: DiscordSimulator) -> None:
    """Invalid Unicode neither breaks the message nor the pages."""
    headers = {"Content-Type": "application/json"}
    raw = b'{"content": "a\\ud800b"}'
    assert discord_simulator.client.post(
        discord_simulator.text_webhook, content=raw, headers=headers
    ).is_success
    assert discord_simulator.threads()[0]["messages"][0]["content"] == "ab"
