"""``python -m crypto_signals.scripts.alive`` exits 0 while ``sentinel serve`` lives: for a container."""

import os
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

PATIENCE_S = 8.0
EVERYWHERE = ("0.0.0.0:", "[::]:")


def alive(bind: str) -> bool:
    """What ``/healthz`` at HOST:PORT says; no answer is a no. Who listens everywhere listens here."""
    for host in EVERYWHERE:
        bind = bind.replace(host, "127.0.0.1:")
    try:
        with build_opener(ProxyHandler({})).open(f"http://{bind}/healthz", timeout=PATIENCE_S):
            return True
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not alive(os.environ.get("HTTP_BIND") or "127.0.0.1:8080"))
