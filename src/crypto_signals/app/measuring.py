"""Evidence put together: bars from files, a strategy of the configuration, and what is written of it."""

from pathlib import Path

from crypto_signals.app.backtesting import Prepared
from crypto_signals.config import Configuration
from crypto_signals.domain.errors import UsageError
from crypto_signals.home import private
from crypto_signals.research.evidence import Findings, gather
from crypto_signals.research.report.evidence_page import evidence_page
from crypto_signals.research.sharing import Progress, nobody

EVIDENCE_FILE = "evidence.parquet"


def measure(prepared: Prepared, progress: Progress = nobody) -> Findings:
    """Measures every trigger."""
    return gather(prepared.panel, prepared.test, progress)


def file_for(configuration: Configuration, out: Path | None) -> Path:
    """Where the evidence goes. Raises ``UsageError`` for a place that cannot be written."""
    path = (out or configuration.settings.sentinel_home / EVIDENCE_FILE).absolute()
    from crypto_signals.warehouse.evidence_file import holds_evidence  # noqa: PLC0415 - loads pyarrow

    try:
        if out is None:
            private(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}") from None
    if path.is_dir():
        raise UsageError(f"--out {path} is a folder; name a file in it")
    if path.suffix != ".parquet":
        raise UsageError(f"--out {path}: the name must end in .parquet; the page goes beside it")
    if path.exists() and not holds_evidence(path):
        raise UsageError(f"--out {path} is there already, and holds no evidence; name another file")
    return path


def write(findings: Findings, prepared: Prepared, path: Path) -> Path:
    """The evidence file, and a page beside it; gives the page."""
    from crypto_signals.warehouse.evidence_file import write_evidence  # noqa: PLC0415 - loads pyarrow

    strategy = prepared.test.strategy
    write_evidence(path, findings.rows, strategy.rules_version(prepared.test.catalogue.fingerprint))
    page, draft = path.with_suffix(".html"), path.with_name(f".{path.stem}.html.new")
    try:
        draft.write_text(evidence_page(findings, strategy, prepared.warnings), encoding="utf-8")
        draft.replace(page)
    except OSError as error:
        raise UsageError(f"{page} cannot be written: {error.strerror}") from None
    return page
