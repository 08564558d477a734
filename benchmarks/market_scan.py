"""From a Parquet file to detections: ``python -m benchmarks.market_scan FILE [last]``.

Prints the seconds that loading and scanning took, the number of detections, and the peak memory of this
process in MB.
"""

import resource
import sys
import time
from pathlib import Path

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel_pool import scan_panel
from crypto_signals.app.bars import file_history


def main(path: str, *words: str) -> None:
    """One line on stdout."""
    start = time.perf_counter()
    panel = file_history([Path(path)], "1Day").panel
    loaded = time.perf_counter()
    found = scan_panel(panel, tuple(CATALOGUE), last_only="last" in words)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1e6 if sys.platform == "darwin" else 1e3
    print(loaded - start, done - loaded, len(found), peak / unit)


if __name__ == "__main__":
    main(*sys.argv[1:])
