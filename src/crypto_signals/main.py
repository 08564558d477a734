"""``python -m crypto_signals.main`` is one run of the main job."""

import sys

from crypto_signals.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
