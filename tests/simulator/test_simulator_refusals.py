"""The documented limits of a message, and how a refusal reads."""

import json
from typing import Any

import httpx
import pytest
from simulator_fixtures import DiscordSimulator

TEN_MIB = 10 * 2**20


def post(simulator: DiscordSimulator, body: object) -> httpx.Response:
    return simulator.client.post(simulator.text_webhook, params={"wait": "true"}, json=body)


def embed(**parts: Any) -> dict[str, Any]:
    return {"embeds": [parts]}


def field(name: str = "n", value: str = "v") -> dict[str, str]:
    return {"name": name, "value": value}


def big_embeds(total: int) -> dict[str, Any]:
    """Two embeds that take ``total`` characters in all parts that count."""
    author, footer, fields = {"name": "a" * 100}, {"text": "f" * 100}, [field("n" * 100, "v" * 100)]
    first = {
        "title": "t" * 100,
        "description": "d" * 4000,
        "author": author,
        "footer": footer,
        "fields": fields,
    }
    return {"embeds": [first, {"description": "x" * (total - 4500)}]}


def blamed(response: httpx.Response, path: str) -> str:
    """The code of the first error at a path such as ``embeds.0.title``."""
    node = response.json()["errors"]
    for step in path.split("."):
        node = node[step]
    code: str = node["_errors"][0]["code"]
    return code


LIMITS = [
    pytest.param(lambda n: {"content": "c" * n}, 2000, "content", id="content"),
    pytest.param(lambda n: {"embeds": [{"title": "t"}] * n}, 10, "embeds", id="embeds"),
    pytest.param(lambda n: embed(title="t" * n), 256, "embeds.0.title", id="title"),
    pytest.param(lambda n: embed(description="d" * n), 4096, "embeds.0.description", id="description"),
    pytest.param(lambda n: embed(fields=[field()] * n), 25, "embeds.0.fields", id="fields"),
    pytest.param(lambda n: embed(fields=[field("n" * n)]), 256, "embeds.0.fields.0.name", id="field name"),
    pytest.param(
        lambda n: embed(fields=[field(), field(value="v" * n)]),
        1024,
        "embeds.0.fields.1.value",
        id="field value",
    ),
    pytest.param(lambda n: embed(footer={"text": "f" * n}), 2048, "embeds.0.footer.text", id="footer"),
    pytest.param(lambda n: embed(author={"name": "a" * n}), 256, "embeds.0.author.name", id="author"),
    pytest.param(big_embeds, 6000, "embeds", id="all embeds together"),
    pytest.param(lambda n: embed(title="t", color=n), 0xFFFFFF, "embeds.0.color", id="colour"),
    pytest.param(lambda n: {"content": "x", "username": "u" * n}, 80, "username", id="username"),
]


@pytest.mark.parametrize(("build", "most", "path"), LIMITS)
def test_the_limit_itself_passes_and_one_more_is_refused(
    discord_simulator: DiscordSimulator, build: Any, most: int, path: str
) -> None:
    """At the limit 200; above it 400 with 50035, blaming the right element, and nothing is stored."""
    assert post(discord_simulator, build(most)).status_code == 200
    refused = post(discord_simulator, build(most + 1))
    assert (refused.status_code, refused.json()["code"]) == (400, 50035)
    assert refused.json()["message"] == "Invalid Form Body"
    assert blamed(refused, path)
    assert len(discord_simulator.threads()[0]["messages"]) == 1


@pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 200), (100, 200), (101, 400)])
def test_a_thread_name_has_1_to_100_characters(
    discord_simulator: DiscordSimulator, length: int, status: int
) -> None:
    """Both ends of the range hold."""
    body = {"content": "x", "thread_name": "n" * length}
    response = discord_simulator.client.post(f"{discord_simulator.forum_webhook}?wait=true", json=body)
    assert response.status_code == status
    assert status == 200 or blamed(response, "thread_name") == "BASE_TYPE_BAD_LENGTH"


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (embed(fields=[{"name": "", "value": "v"}]), "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
        (embed(fields=[{"name": "n", "value": " "}]), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"),
        (embed(fields=[{"name": "n"}]), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"),
        (embed(color=1), "embeds.0.description", "BASE_TYPE_REQUIRED"),
        (embed(footer={}), "embeds.0.description", "BASE_TYPE_REQUIRED"),
        (embed(title="t", footer={}), "embeds.0.footer.text", "BASE_TYPE_REQUIRED"),
        (embed(title="t", color=-1), "embeds.0.color", "NUMBER_TYPE_MIN"),
        (embed(title="t", color="#fff"), "embeds.0.color", "NUMBER_TYPE_COERCE"),
        (embed(title="t", timestamp="yesterday"), "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"),
        (embed(title="t", timestamp=1546214400), "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"),
        (embed(image={"url": "attachment://no.png"}), "embeds.0.image.url", "URL_TYPE_INVALID_URL"),
        (embed(image={"url": "file:///etc/hosts"}), "embeds.0.image.url", "URL_TYPE_INVALID_SCHEME"),
        (embed(title="t", url="attachment://no.png"), "embeds.0.url", "URL_TYPE_INVALID_SCHEME"),
        (embed(title=["t"]), "embeds.0.title", "STRING_TYPE_CONVERT"),
        ({"embeds": ["t"]}, "embeds.0", "MODEL_TYPE_CONVERT"),
        ({"embeds": {"title": "t"}}, "embeds", "LIST_TYPE_CONVERT"),
        ({"content": 1}, "content", "STRING_TYPE_CONVERT"),
        ({"content": "x", "username": "Discord news"}, "username", "USERNAME_INVALID_CONTAINS"),
        ({"content": "x", "allowed_mentions": []}, "allowed_mentions", "MODEL_TYPE_CONVERT"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["all"]}},
            "allowed_mentions.parse.0",
            "BASE_TYPE_CHOICES",
        ),
        ({"content": "x", "attachments": [{"id": 7}]}, "attachments.0.id", "ATTACHMENT_NOT_FOUND"),
    ],
)
def test_what_has_the_wrong_shape_is_refused(
    discord_simulator: DiscordSimulator, body: dict[str, Any], path: str, code: str
) -> None:
    """Missing, mistyped and malformed elements are blamed one by one."""
    response = post(discord_simulator, body)
    assert (response.status_code, response.json()["code"]) == (400, 50035)
    assert blamed(response, path) == code
    assert discord_simulator.threads() == []


def test_all_faults_of_a_form_are_named_at_once(discord_simulator: DiscordSimulator) -> None:
    """A client can show everything that is wrong after one attempt."""
    response = post(discord_simulator, {"content": "c" * 2001} | embed(title="t" * 257, color=-1))
    assert blamed(response, "content") == blamed(response, "embeds.0.title") == "BASE_TYPE_MAX_LENGTH"
    assert blamed(response, "embeds.0.color")


@pytest.mark.parametrize(
    "body", [{}, {"content": " \n"}, {"content": None, "embeds": []}, {"components": [{}]}]
)
def test_an_empty_message_is_refused(discord_simulator: DiscordSimulator, body: dict[str, Any]) -> None:
    """400 with 50006; components count only when the query asks for them."""
    response = post(discord_simulator, body)
    assert (response.status_code, response.json()["code"]) == (400, 50006)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"content": NaN}'])
def test_what_is_not_json_is_refused(discord_simulator: DiscordSimulator, raw: bytes) -> None:
    """400 with 50109, in a JSON body and in ``payload_json`` alike."""
    headers = {"Content-Type": "application/json"}
    response = discord_simulator.client.post(discord_simulator.text_webhook, content=raw, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, 50109)


def test_bad_json_in_a_multipart_form_is_refused(discord_simulator: DiscordSimulator) -> None:
    """400 with 50109."""
    files = {"files[0]": ("a.txt", b"x", "text/plain")}
    url = discord_simulator.text_webhook
    assert discord_simulator.client.post(url, data={"payload_json": "{"}, files=files).json()["code"] == 50109


def test_another_content_type_is_refused(discord_simulator: DiscordSimulator) -> None:
    """A form that is neither JSON nor multipart is not guessed at."""
    headers = {"Content-Type": "text/plain"}
    response = discord_simulator.client.post(discord_simulator.text_webhook, content=b"{}", headers=headers)
    assert response.json()["errors"]["_errors"][0]["code"] == "CONTENT_TYPE_INVALID"


@pytest.mark.parametrize(("size", "status"), [(TEN_MIB, 200), (TEN_MIB + 1, 413)])
def test_a_file_has_at_most_10_mib(discord_simulator: DiscordSimulator, size: int, status: int) -> None:
    """Above the limit 413 with 40005."""
    files = {"files[0]": ("a.bin", b"\0" * size, "application/octet-stream")}
    response = discord_simulator.client.post(f"{discord_simulator.text_webhook}?wait=true", files=files)
    assert response.status_code == status
    assert status == 200 or response.json() == {"message": "Request entity too large", "code": 40005}


@pytest.mark.parametrize(("count", "status"), [(10, 200), (11, 400)])
def test_a_message_has_at_most_10_files(discord_simulator: DiscordSimulator, count: int, status: int) -> None:
    """The eleventh file is refused."""
    files = {f"files[{n}]": (f"{n}.txt", b"x", "text/plain") for n in range(count)}
    response = discord_simulator.client.post(f"{discord_simulator.text_webhook}?wait=true", files=files)
    assert response.status_code == status


@pytest.mark.parametrize(
    ("forum", "query", "body", "status", "code"),
    [
        (True, {}, {}, 400, 220001),
        (True, {"thread_id": "1"}, {"thread_name": "t"}, 400, 220002),
        (False, {}, {"thread_name": "t"}, 400, 220003),
        (True, {"thread_id": "1"}, {}, 404, 10003),
        (False, {"thread_id": "1"}, {}, 404, 10003),
    ],
)
def test_forum_and_text_channels_have_their_own_rules(
    discord_simulator: DiscordSimulator,
    query: dict[str, str],
    body: dict[str, str],
    status: int,
    code: int,
    *,
    forum: bool,
) -> None:
    """A forum takes exactly one of thread name and thread id, and only threads that exist."""
    url = discord_simulator.forum_webhook if forum else discord_simulator.text_webhook
    params = {"wait": "true"} | query
    response = discord_simulator.client.post(url, params=params, json={"content": "x"} | body)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/webhooks/9999/forum-token", 404, 10015),
        ("/webhooks/1001/wrong", 401, 50027),
        ("/webhooks/1001/text-token", 401, 50027),
        ("/webhooks/abc/forum-token", 400, 50035),
    ],
)
def test_unknown_webhooks_and_wrong_tokens_are_told_apart(
    discord_simulator: DiscordSimulator, path: str, status: int, code: int
) -> None:
    """A webhook that is gone must not be tried again; a wrong token is a configuration error."""
    url = discord_simulator.discord_api_url + path
    for method in ("GET", "POST"):
        response = discord_simulator.client.request(method, url, json={"content": "x"})
        assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_refused_edit_leaves_the_message_as_it_was(discord_simulator: DiscordSimulator) -> None:
    """Limits hold for edits too."""
    message = post(discord_simulator, {"content": "old"}).json()
    url = f"{discord_simulator.text_webhook}/messages/{message['id']}"
    assert discord_simulator.client.patch(url, json={"content": "c" * 2001}).status_code == 400
    assert discord_simulator.client.get(url).json() == message


def test_an_unknown_address_answers_in_json(discord_simulator: DiscordSimulator) -> None:
    """A client that parses every body survives a mistyped path."""
    response = discord_simulator.client.get(f"{discord_simulator.discord_api_url}/nowhere")
    assert (response.status_code, json.loads(response.text)["message"]) == (404, "404: Not Found")
