"""The store on Firestore."""

import time

from google.cloud.firestore import Client

from crypto_signals.repository.firestore.calls import Calls
from crypto_signals.repository.firestore.reading import Reader
from crypto_signals.repository.firestore.retention import Keeper
from crypto_signals.repository.firestore.tenancy import Tenant
from crypto_signals.repository.firestore.transfer import Mover
from crypto_signals.repository.tenure import Monotonic


class FirestoreStore(Keeper, Mover):
    """One database of a project; opened by a first read, so that it is known to be usable."""

    def __init__(self, client: Client, name: str, monotonic: Monotonic = time.monotonic) -> None:
        calls = Calls(client, name)
        Reader.__init__(self, calls)
        Tenant.__init__(self, calls, monotonic)
        try:
            self._read_lease()
        except BaseException:
            calls.close()
            raise

    def close(self) -> None:
        self._calls.close()
