"""What is examined of the machine, and of the services that a run reports to."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin

from crypto_signals.config import Settings
from crypto_signals.domain.vocabulary import AssetClass, Health
from crypto_signals.engine.health import Finding, examined

LITTLE_BYTES, NOTHING_BYTES = 500_000_000, 50_000_000
SKEWED, WRONG = timedelta(seconds=5), timedelta(seconds=45)
"""Crypto bars count as complete a minute after their close: a clock far off sees half of one."""
TIMEOUT_S = 5.0
_MEGABYTE = 1_000_000


def disk_finding(home: Path) -> Finding:
    """The room that is left where the state is kept."""
    there = next(folder for folder in (home.absolute(), *home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free // _MEGABYTE:,} MB are free in {there}"
    if free > LITTLE_BYTES:
        return Finding("disk", Health.OK, detail)
    status = Health.WARN if free > NOTHING_BYTES else Health.DOWN
    return Finding("disk", status, detail, "Free some space, or move SENTINEL_HOME to another disk.")


def clock_finding(settings: Settings) -> Finding:
    """This machine's clock against that of a service: bars are judged complete by it."""
    if settings.sentinel_now is not None:
        return Finding(
            "clock", Health.OFF, f"stands at {settings.sentinel_now:%Y-%m-%d %H:%M} (SENTINEL_NOW)"
        )
    url = _with_a_clock(settings)
    if url is None:
        return Finding("clock", Health.OFF, "no configured service could be compared with")
    wrong_by = _skew(url)
    if wrong_by is None:
        return Finding("clock", Health.WARN, "no service says what time it is", "Check the network.")
    detail = f"differs from the service's by {abs(wrong_by.total_seconds()):.0f} s"
    if abs(wrong_by) <= SKEWED:
        return Finding("clock", Health.OK, detail)
    status = Health.WARN if abs(wrong_by) <= WRONG else Health.DOWN
    return Finding("clock", status, detail, "Let the machine keep its time by NTP: timedatectl set-ntp true.")


def _with_a_clock(settings: Settings) -> str | None:
    if settings.bars_url == "alpaca":
        return settings.alpaca_data_url
    if settings.discord_bot_token is not None:
        return settings.discord_api_url
    webhook = settings.test_discord_webhook or settings.live_crypto_discord_webhook_url
    return urljoin(webhook.get_secret_value(), "/") if webhook else None


def _skew(url: str) -> timedelta | None:
    """Whatever is answered is dated, to the second, in the middle of the request."""
    import httpx  # noqa: PLC0415 - slow, and not always needed

    from crypto_signals.outgoing import glance  # noqa: PLC0415

    before = datetime.now(UTC)
    try:
        answer = glance(url, TIMEOUT_S)
    except httpx.HTTPError:
        return None
    after = datetime.now(UTC)
    try:
        said = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return None
    half_a_second = timedelta(milliseconds=500)
    return before + (after - before) / 2 - (said + half_a_second)


def feed_finding(asked: str, feed: str | None, wanted: str) -> Finding:
    """What this plan gives of stocks."""
    if feed == "iex" and wanted == "auto":
        detail = (
            f"{asked}: this plan withholds the consolidated tape; bars are IEX's, with a few per cent of it"
        )
        return Finding("feed", Health.WARN, detail, "Say so with ALPACA_DATA_FEED=iex, or change the plan.")
    return Finding("feed", Health.OK, f"{asked}: bars of feed {feed or 'of the file'}")


def no_feed_finding(settings: Settings, kinds: set[AssetClass]) -> Finding:
    """Where no stocks are looked at."""
    why = "ENABLE_EQUITIES is false" if not settings.enable_equities else "no stock is configured"
    known = ", ".join(sorted(kind.value for kind in kinds))
    return Finding("feed", Health.OFF, f"{why}; looked at: {known}")


def report_findings(settings: Settings) -> Iterator[Finding]:
    """Where runs are reported to, none of them used for it."""
    if settings.metrics_pushgateway_url is not None:
        address = settings.metrics_pushgateway_url.get_secret_value()
        yield examined("pushgateway", lambda: _gateway(address))
    if settings.metrics_textfile is not None:
        yield _textfile(settings.metrics_textfile)
    if settings.deadman_url is not None:
        detail = "is set; it is not tried, since it would count as a run"
        yield Finding("dead man's switch", Health.OK, detail)


def _textfile(file: Path) -> Finding:
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if os.access(folder, os.W_OK) and not file.is_dir():
        return Finding("metrics file", Health.OK, f"{file} can be written")
    return Finding("metrics file", Health.WARN, f"{file} cannot be written", "Change METRICS_TEXTFILE.")


def _gateway(address: str) -> Finding:
    import httpx  # noqa: PLC0415 - slow, and not always needed

    from crypto_signals.outgoing import glance  # noqa: PLC0415

    fix = "Check METRICS_PUSHGATEWAY_URL; runs go on without it."
    try:
        answer = glance(f"{address}/-/ready", TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding("pushgateway", Health.WARN, f"cannot be reached ({type(error).__name__})", fix)
    if answer.is_success:
        return Finding("pushgateway", Health.OK, "takes metrics")
    return Finding("pushgateway", Health.WARN, f"answers {answer.status_code}", fix)
