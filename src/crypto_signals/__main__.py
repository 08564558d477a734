"""``python -m crypto_signals`` is the ``sentinel`` command."""

from crypto_signals.cli import main

if __name__ == "__main__":
    main()
