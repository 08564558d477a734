"""Where the metrics of a single run go, and who is told that it ended. All of it is bounded in time, and
what fails is told by a line without addresses: they may be secrets."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from prometheus_client import CollectorRegistry, pushadd_to_gateway, write_to_textfile

from crypto_signals import outgoing
from crypto_signals.observability.metrics import LAST_SUCCESS
from crypto_signals.observability.watchers import NotReported

JOB = "sentinel"
TIMEOUT_S = 2.0
PING_TRIES = 2
ANSWER_MB = 1


def push(address: str, registry: CollectorRegistry, grouping: Mapping[str, str]) -> None:
    """To a Pushgateway, replacing the metrics of the same names: what is not pushed, as the time of the last
    success by a run that failed, stays. Raises `NotReported`."""
    parts = urlsplit(address)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def send(
        url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        def sent() -> None:
            bounds, limits = outgoing.Bounds(TIMEOUT_S, ANSWER_MB), httpx.Timeout(timeout)
            auth = (user, password) if user else None
            with outgoing.client(parts.hostname or "", bounds, headers=dict(headers), timeout=limits) as http:
                answer = http.request(method, url, content=data, auth=auth)
            if not answer.is_success:
                raise NotReported(f"the Pushgateway refused the metrics ({answer.status_code})")

        return sent

    try:
        pushadd_to_gateway(bare, JOB, registry, dict(grouping), timeout=TIMEOUT_S, handler=send)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise NotReported("the Pushgateway cannot be reached; check METRICS_PUSHGATEWAY_URL") from None


def write(path: Path, registry: CollectorRegistry) -> None:
    """To a file for node_exporter's textfile collector, at once or not at all. Raises `NotReported`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise NotReported(f"METRICS_TEXTFILE: {path} cannot be written: {error.strerror}") from None


def last_success(path: Path) -> float | None:
    """What the file of an earlier run says of the last success."""
    try:
        found = re.search(rf"^{LAST_SUCCESS} (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        return float(found[1]) if found else None
    except (OSError, ValueError):
        return None


def ping(address: str, *, good: bool) -> None:
    """Tells a dead man's switch that a run ended; ``/fail`` says that it did not end well. Raises
    `NotReported`."""
    parts = urlsplit(address)
    url = address if good else parts._replace(path=f"{parts.path.rstrip('/')}/fail").geturl()
    for _ in range(PING_TRIES):
        try:
            said = outgoing.glance(url, TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            continue
        if said.is_success:
            return
        if not said.is_server_error:
            raise NotReported(f"the dead man's switch answered {said.status_code}; check DEADMAN_URL")
    raise NotReported("the dead man's switch cannot be reached; check DEADMAN_URL")
