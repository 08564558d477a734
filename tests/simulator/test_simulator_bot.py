"""The endpoints of a bot: posting with a nonce, reading, threads, permissions."""

import json
import time
from typing import Any

import httpx
import pytest
from simulator_fixtures import DiscordSimulator

TEXT = "/channels/2002"
FORUM = "/channels/2001"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def say(simulator: DiscordSimulator, place: str = TEXT, /, **body: Any) -> httpx.Response:
    return simulator.as_bot("POST", f"{place}/messages", json={"content": "x"} | body)


def contents(response: httpx.Response) -> list[str]:
    return [message["content"] for message in response.json() if message["type"] == 0]


def refusal(response: httpx.Response) -> tuple[int, int]:
    return response.status_code, response.json()["code"]


def test_without_the_token_nothing_is_done(discord_simulator: DiscordSimulator) -> None:
    """401 with code 0, as Discord answers a wrong or missing Authorization header."""
    url = discord_simulator.discord_api_url + "/users/@me"
    for headers in ({}, {"Authorization": "Bot wrong"}, {"Authorization": "bot-token"}):
        assert refusal(discord_simulator.client.get(url, headers=headers)) == (401, 0)
    assert discord_simulator.as_bot("GET", "/users/@me").json()["bot"] is True


def test_a_message_is_posted_as_json_or_with_a_file(discord_simulator: DiscordSimulator) -> None:
    """The author is the bot, no webhook; the file arrives."""
    posted = say(discord_simulator, content="hello").json()
    assert (posted["content"], posted["author"]["id"], "webhook_id" in posted) == ("hello", "4001", False)
    files = {"files[0]": ("chart.png", PNG, "image/png")}
    data = {"payload_json": json.dumps({"content": "picture"})}
    reply = discord_simulator.as_bot("POST", f"{TEXT}/messages", data=data, files=files)
    assert reply.json()["attachments"][0]["size"] == len(PNG)


def test_an_enforced_nonce_posts_once(discord_simulator: DiscordSimulator) -> None:
    """The same message comes back, also for another text; after a while the nonce is free again."""
    first = say(discord_simulator, nonce="abc", enforce_nonce=True).json()
    again = say(discord_simulator, nonce="abc", enforce_nonce=True, content="y").json()
    assert (again["id"], again["nonce"], again["content"]) == (first["id"], "abc", "x")
    assert say(discord_simulator, nonce="abc").json()["id"] != first["id"]
    discord_simulator.habits(nonce_seconds=0)
    assert say(discord_simulator, nonce="abc", enforce_nonce=True).json()["id"] != first["id"]


def test_a_nonce_has_at_most_25_characters(discord_simulator: DiscordSimulator) -> None:
    """A longer one is a bad form."""
    assert say(discord_simulator, nonce="n" * 25).status_code == 200
    assert refusal(say(discord_simulator, nonce="n" * 26)) == (400, 50035)


def test_a_nonce_outlives_its_message(discord_simulator: DiscordSimulator) -> None:
    """Posting again what somebody has just deleted is refused: unknown message."""
    first = say(discord_simulator, nonce="abc", enforce_nonce=True).json()
    assert discord_simulator.as_bot("DELETE", f"{TEXT}/messages/{first['id']}").status_code == 204
    assert refusal(say(discord_simulator, nonce="abc", enforce_nonce=True)) == (404, 10008)


def test_messages_are_read_in_pages_newest_first(discord_simulator: DiscordSimulator) -> None:
    """before, after, around and limit, and no nonce: it is not stored."""
    ids = [say(discord_simulator, content=str(n), nonce=f"n{n}").json()["id"] for n in range(6)]
    read = discord_simulator.as_bot("GET", f"{TEXT}/messages")
    assert contents(read) == ["5", "4", "3", "2", "1", "0"]
    assert all("nonce" not in message for message in read.json())
    for query, expected in (
        ({"limit": 2}, ["5", "4"]),
        ({"limit": 2, "before": ids[3]}, ["2", "1"]),
        ({"limit": 2, "after": ids[0]}, ["2", "1"]),
        ({"limit": 3, "around": ids[2]}, ["3", "2", "1"]),
    ):
        assert contents(discord_simulator.as_bot("GET", f"{TEXT}/messages", params=query)) == expected
    for wrong in ({"limit": 101}, {"limit": 0}, {"before": ids[0], "after": ids[1]}):
        assert refusal(discord_simulator.as_bot("GET", f"{TEXT}/messages", params=wrong)) == (400, 50035)


def test_a_message_is_edited_by_its_author_alone(discord_simulator: DiscordSimulator) -> None:
    """The bot changes its own messages, not those of a webhook."""
    own = say(discord_simulator).json()
    url = f"{TEXT}/messages/{own['id']}"
    assert discord_simulator.as_bot("PATCH", url, json={"content": "new"}).json()["content"] == "new"
    assert discord_simulator.as_bot("GET", url).json()["content"] == "new"
    discord_simulator.client.post(discord_simulator.text_webhook, json={"content": "other"})
    other = discord_simulator.as_bot("GET", f"{TEXT}/messages").json()[0]
    url = f"{TEXT}/messages/{other['id']}"
    assert refusal(discord_simulator.as_bot("PATCH", url, json={"content": "new"})) == (403, 50005)
    assert refusal(discord_simulator.as_bot("DELETE", url)) == (403, 50013)


def test_a_message_has_one_thread_with_its_id(discord_simulator: DiscordSimulator) -> None:
    """A second one is refused with 160004; the message then names its thread, the thread begins with a
    system message."""
    message = say(discord_simulator).json()
    url = f"{TEXT}/messages/{message['id']}/threads"
    opened = discord_simulator.as_bot("POST", url, json={"name": "signal"})
    assert opened.status_code == 201
    assert (opened.json()["id"], opened.json()["parent_id"]) == (message["id"], "2002")
    assert refusal(discord_simulator.as_bot("POST", url, json={"name": "signal"})) == (400, 160004)
    assert discord_simulator.as_bot("GET", f"{TEXT}/messages").json()[0]["thread"]["name"] == "signal"
    say(discord_simulator, f"/channels/{message['id']}", content="inside")
    inside = discord_simulator.as_bot("GET", f"/channels/{message['id']}/messages")
    assert [m["type"] for m in inside.json()] == [0, 21]
    assert contents(inside) == ["inside"]


def forum_thread(simulator: DiscordSimulator, name: str) -> dict[str, Any]:
    body = {"name": name, "message": {"content": name}}
    opened = simulator.as_bot("POST", f"{FORUM}/threads", json=body)
    assert opened.status_code == 201
    return opened.json()  # type: ignore[no-any-return]


def test_a_forum_thread_begins_with_its_message(discord_simulator: DiscordSimulator) -> None:
    """Thread and first message share their id; a forum itself takes no message."""
    thread = forum_thread(discord_simulator, "one")
    assert thread["message"]["id"] == thread["id"]
    assert contents(discord_simulator.as_bot("GET", f"/channels/{thread['id']}/messages")) == ["one"]
    assert refusal(say(discord_simulator, FORUM)) == (400, 50008)
    assert refusal(discord_simulator.as_bot("POST", f"{FORUM}/threads", json={"name": "n"})) == (400, 50035)


def test_threads_are_listed_active_and_archived(discord_simulator: DiscordSimulator) -> None:
    """The active ones of the server, newest first; a channel's archived ones in pages; posting unarchives."""
    ids = [forum_thread(discord_simulator, name)["id"] for name in ("a", "b", "c", "d")]
    for at, thread_id in enumerate(ids[:3]):
        discord_simulator.clock(f"2026-01-0{at + 1}T00:00:00Z")
        discord_simulator.archive_thread(thread_id)
    active = discord_simulator.as_bot("GET", "/guilds/3001/threads/active").json()
    assert [thread["name"] for thread in active["threads"]] == ["d"]
    url = f"{FORUM}/threads/archived/public"
    page = discord_simulator.as_bot("GET", url, params={"limit": 2}).json()
    assert ([thread["name"] for thread in page["threads"]], page["has_more"]) == (["c", "b"], True)
    before = page["threads"][-1]["thread_metadata"]["archive_timestamp"]
    page = discord_simulator.as_bot("GET", url, params={"limit": 2, "before": before}).json()
    assert ([thread["name"] for thread in page["threads"]], page["has_more"]) == (["a"], False)
    say(discord_simulator, f"/channels/{ids[0]}")
    active = discord_simulator.as_bot("GET", "/guilds/3001/threads/active").json()
    assert [thread["name"] for thread in active["threads"]] == ["d", "a"]


def test_what_was_deleted_is_unknown(discord_simulator: DiscordSimulator) -> None:
    """A thread, then its channel: 404 with code 10003."""
    thread = forum_thread(discord_simulator, "gone")["id"]
    discord_simulator.delete_thread(thread)
    assert refusal(say(discord_simulator, f"/channels/{thread}")) == (404, 10003)
    assert discord_simulator.as_bot("GET", FORUM).json()["type"] == 15
    discord_simulator.delete_channel("2001")
    assert refusal(discord_simulator.as_bot("GET", FORUM)) == (404, 10003)


@pytest.mark.parametrize(
    ("missing", "code"), [("VIEW_CHANNEL", 50001), ("SEND_MESSAGES", 50013), ("EMBED_LINKS", 50013)]
)
def test_a_missing_permission_is_a_403(discord_simulator: DiscordSimulator, missing: str, code: int) -> None:
    """50001 where the channel cannot be seen, else 50013."""
    discord_simulator.habits(missing=[missing])
    assert refusal(say(discord_simulator, embeds=[{"title": "t"}])) == (403, code)


def test_without_the_history_a_channel_looks_empty(discord_simulator: DiscordSimulator) -> None:
    """Listing shows nothing instead of failing; a single message is refused."""
    message = say(discord_simulator).json()
    discord_simulator.habits(missing=["READ_MESSAGE_HISTORY"])
    assert discord_simulator.as_bot("GET", f"{TEXT}/messages").json() == []
    assert refusal(discord_simulator.as_bot("GET", f"{TEXT}/messages/{message['id']}")) == (403, 50013)
    assert discord_simulator.as_bot("GET", TEXT).json()["last_message_id"] == message["id"]


def test_a_search_lag_hides_what_is_new(discord_simulator: DiscordSimulator) -> None:
    """A message and a thread are read only some time after they were posted."""
    discord_simulator.habits(search_lag_seconds=60)
    say(discord_simulator)
    forum_thread(discord_simulator, "new")
    assert discord_simulator.as_bot("GET", f"{TEXT}/messages").json() == []
    assert discord_simulator.as_bot("GET", "/guilds/3001/threads/active").json()["threads"] == []
    discord_simulator.habits(search_lag_seconds=0)
    assert len(discord_simulator.as_bot("GET", f"{TEXT}/messages").json()) == 1


def test_a_late_request_is_handled_after_its_connection_was_cut(discord_simulator: DiscordSimulator) -> None:
    """The client is told at once that it failed, and the message is there later."""
    discord_simulator.faults([{"fault": "late", "seconds": 0.3}])
    with pytest.raises(httpx.TransportError):
        say(discord_simulator)
    assert discord_simulator.threads() == []
    deadline = time.monotonic() + 10
    while not discord_simulator.threads():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(discord_simulator.threads()[0]["messages"]) == 1


def test_a_reset_forgets_what_was_still_held_back(discord_simulator: DiscordSimulator) -> None:
    """A late request of one test is not handled in the next."""
    discord_simulator.faults([{"fault": "late", "seconds": 0.2}])
    with pytest.raises(httpx.TransportError):
        say(discord_simulator)
    discord_simulator.reset()
    discord_simulator.faults([{"fault": "slow", "seconds": 0.5}])
    say(discord_simulator, content="after")
    assert [m["content"] for t in discord_simulator.threads() for m in t["messages"]] == ["after"]


def test_routes_are_limited_by_channel_and_all_of_them_together(discord_simulator: DiscordSimulator) -> None:
    """One channel's allowance leaves another's alone; the total strikes everywhere and says so."""
    discord_simulator.limits(bot=(1, 60.0))
    assert say(discord_simulator).headers["X-RateLimit-Remaining"] == "0"
    refused = say(discord_simulator)
    assert (refused.status_code, refused.headers["X-RateLimit-Scope"]) == (429, "user")
    assert discord_simulator.as_bot("GET", FORUM).status_code == 200
    discord_simulator.limits(bot=None, bot_total=(1, 60.0))
    assert say(discord_simulator).status_code == 200
    refused = discord_simulator.as_bot("GET", FORUM)
    assert (refused.headers["X-RateLimit-Global"], refused.json()["global"]) == ("true", True)
