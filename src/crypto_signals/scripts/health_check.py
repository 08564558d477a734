"""``python -m crypto_signals.scripts.health_check`` is ``sentinel health``."""

import sys

from crypto_signals.cli import main

if __name__ == "__main__":
    main(["health", *sys.argv[1:]])
