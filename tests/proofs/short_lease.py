"""The real command line with a lease that a test can outwait: shorter than the settings allow."""

from dataclasses import replace

from crypto_signals import cli, config

LEASE_S = 3.0


def shortened() -> None:
    configured = config.load

    def load() -> config.Configuration:
        found = configured()
        return replace(found, settings=found.settings.model_copy(update={"lease_seconds": LEASE_S}))

    config.load = load


if __name__ == "__main__":
    shortened()
    cli.main()
