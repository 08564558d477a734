"""``python -m crypto_signals.scripts.cleanup_firestore`` is ``sentinel cleanup``, whatever the store."""

import sys

from crypto_signals.cli import main

if __name__ == "__main__":
    main(["cleanup", *sys.argv[1:]])
