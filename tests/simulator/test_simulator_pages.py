"""The pages for a person."""

import json
from typing import Any

import pytest
from simulator_fixtures import DiscordSimulator

EVIL = "<script>alert(1)</script>\"'"


def thread_page(simulator: DiscordSimulator, body: dict[str, Any]) -> str:
    body = {"thread_name": "a thread"} | body
    url = f"{simulator.forum_webhook}?wait=true"
    files = {"files[0]": ("chart.png", b"\x89PNG", "image/png")}
    response = simulator.client.post(url, data={"payload_json": json.dumps(body)}, files=files)
    page = simulator.client.get(f"{simulator.url}/threads/{response.json()['channel_id']}")
    assert page.status_code == 200
    return page.text


def test_the_first_page_leads_to_the_threads(discord_simulator: DiscordSimulator) -> None:
    """Channels are listed, and each thread with a link to its page."""
    assert "nothing yet" in discord_simulator.client.get(discord_simulator.url).text
    thread_page(discord_simulator, {"content": "x"})
    [thread] = discord_simulator.threads()
    html = discord_simulator.client.get(discord_simulator.url).text
    assert "a thread" in html
    assert f'href="/threads/{thread["id"]}"' in html


def test_a_message_is_shown_with_its_embed(discord_simulator: DiscordSimulator) -> None:
    """Text, colour bar, fields, picture and footer are on the page."""
    embed = {
        "title": "BTC/USD long",
        "color": 0x2ECC71,
        "description": "**bold** and `code`",
        "fields": [{"name": "Entry", "value": "3,700", "inline": True}],
        "image": {"url": "attachment://chart.png"},
        "footer": {"text": "not advice"},
    }
    html = thread_page(discord_simulator, {"content": "hello", "embeds": [embed]})
    for part in ("hello", "BTC/USD long", "#2ecc71", "<strong>bold</strong>", "<code>code</code>", "Entry"):
        assert part in html
    assert 'class="field inline"' in html
    assert 'class="picture" src="/attachments/' in html
    assert "not advice" in html


def test_everything_from_outside_is_escaped(discord_simulator: DiscordSimulator) -> None:
    """No text of a message, a thread or a name becomes markup, and no page may run a script."""
    embed = {
        "title": EVIL,
        "description": f"{EVIL} `{EVIL}` ```{EVIL}``` [{EVIL}](https://example.org/{EVIL}) **{EVIL}**",
        "fields": [{"name": EVIL, "value": EVIL}],
        "author": {"name": EVIL},
        "footer": {"text": EVIL},
        "url": f"https://example.org/{EVIL}",
    }
    body = {"thread_name": EVIL, "content": EVIL, "username": EVIL, "embeds": [embed]}
    html = thread_page(discord_simulator, body)
    assert "<script" not in html + discord_simulator.client.get(discord_simulator.url).text
    assert (
        "default-src 'none'"
        in discord_simulator.client.get(discord_simulator.url).headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    ("stamp", "shown"),
    [
        ("<t:1546214400>", "31 December 2018 00:00 UTC"),
        ("<t:1546214400:f>", "31 December 2018 00:00 UTC"),
        ("<t:1546214400:F>", "Monday, 31 December 2018 00:00 UTC"),
        ("<t:1546214400:D>", "31 December 2018"),
        ("<t:1546214400:d>", "31/12/2018"),
        ("<t:1546214400:t>", "00:00 UTC"),
        ("<t:1546214400:T>", "00:00:00 UTC"),
        ("<t:1546214400:R>", "2 days ago"),
        ("<t:1546394400:R>", "in 2 hours"),
        ("<t:999999999999:f>", "Invalid Date"),
    ],
)
def test_timestamps_are_shown_in_utc(discord_simulator: DiscordSimulator, stamp: str, shown: str) -> None:
    """Every style reads as in Discord, relative ones against the simulator's clock."""
    discord_simulator.clock("2019-01-02T00:00:00Z")
    assert f"<time>{shown}</time>" in thread_page(discord_simulator, {"content": stamp})


def test_of_embeds_with_one_address_only_the_first_is_shown(discord_simulator: DiscordSimulator) -> None:
    """Discord merges embeds by address; losing text to that must be visible."""
    embeds = [{"title": name, "url": "https://example.org"} for name in ("first one", "second one")]
    html = thread_page(discord_simulator, {"embeds": [*embeds, {"title": "third one"}]})
    assert "first one" in html
    assert "second one" not in html
    assert "third one" in html


def test_an_uploaded_page_cannot_run_in_the_browser(discord_simulator: DiscordSimulator) -> None:
    """Files are served inside a sandbox, as what they were sent as."""
    files = {"files[0]": ("page.html", b"<script>", "text/html")}
    url = f"{discord_simulator.text_webhook}?wait=true"
    message = discord_simulator.client.post(url, files=files).json()
    served = discord_simulator.client.get(message["attachments"][0]["url"])
    assert "sandbox" in served.headers["Content-Security-Policy"]
    assert served.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_thread_is_404(discord_simulator: DiscordSimulator) -> None:
    """A stale link says so."""
    assert discord_simulator.client.get(f"{discord_simulator.url}/threads/42").status_code == 404
