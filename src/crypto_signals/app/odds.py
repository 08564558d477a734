"""Where measured odds come from."""

from crypto_signals.config import Settings
from crypto_signals.engine.odds import NO_ODDS, Odds


def odds(settings: Settings) -> Odds:
    """Those of ``EVIDENCE_FILE``; raises ``UsageError`` for one that cannot be used."""
    if settings.evidence_file is None:
        return NO_ODDS
    from crypto_signals.warehouse.evidence_file import read_evidence  # noqa: PLC0415 - loads pyarrow

    found = read_evidence(settings.evidence_file)
    return Odds(found.rows, found.rules)
