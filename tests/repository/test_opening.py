"""Which address names which store, and what is said of those that name none."""

import subprocess
import sys

import pytest

from crypto_signals.domain.errors import UsageError
from crypto_signals.repository.opening import open_store


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///", "mysql://h/d", "postgresql://h", "postgresql://h:x/d"]
)
def test_an_address_that_names_no_store(url: str) -> None:
    """A bad STORE_URL is a usage error that says so."""
    with pytest.raises(UsageError, match="STORE_URL"):
        open_store(url)


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/db", "postgresql://user:hunter2@host:hunter2/db"])
def test_a_password_in_the_address_is_not_shown(url: str) -> None:
    """P7: an address that is refused is not quoted with its password."""
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


WITHOUT = """
import sys
sys.modules["psycopg"] = None
from crypto_signals.domain.errors import UsageError
from crypto_signals.repository.opening import open_store
try:
    open_store("postgresql://user:hunter2@127.0.0.1/db")
except UsageError as error:
    print(error)
"""


def test_without_the_driver() -> None:
    """PostgreSQL's driver is an extra: whoever lacks it is told what to install."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert "pip install crypto-sentinel[postgres]" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
