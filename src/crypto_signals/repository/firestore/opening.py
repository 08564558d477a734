"""Opens a database of Firestore."""

from google.cloud.firestore import Client

from crypto_signals.repository.firestore.calls import translated
from crypto_signals.repository.firestore.store import FirestoreStore

DEFAULT = "(default)"


def open_firestore(project: str, database: str | None) -> FirestoreStore:
    """A project's database of that name, or its default one. Raises ``StoreUnusable``."""
    name = f"firestore://{project}" + (f"/{database}" if database else "")
    with translated(name):
        client = Client(project=project, database=database or DEFAULT)
    return FirestoreStore(client, name)
