"""The trades of a backtest as a Parquet file, for whatever one likes to count with."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_STAMP = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())

TRADES = pa.schema(
    [
        ("symbol", pa.string()),
        ("detector", pa.string()),
        ("direction", pa.string()),
        ("conviction", pa.string()),
        ("signal_ts", _STAMP),
        ("entry_ts", _STAMP),
        ("entry", pa.float64()),
        ("entry_fill", pa.float64()),
        ("stop", pa.float64()),
        ("invalidation", pa.float64()),
        ("targets", pa.list_(pa.float64())),
        ("exit_ts", _STAMP),
        ("exit", pa.float64()),
        ("exit_reason", pa.string()),
        ("r", pa.float64()),
        ("fees_r", pa.float64()),
        ("ambiguous", pa.bool_()),
        ("shadow", pa.bool_()),
        ("failed_gates", _TEXTS),
        ("asset_class", pa.string()),
        ("family", pa.string()),
        ("confirmed_by", _TEXTS),
        ("mfe_r", pa.float64()),
        ("mae_r", pa.float64()),
        ("holding_bars", pa.int64()),
        ("size", pa.float64()),
        ("profit_usd", pa.float64()),
        ("drilled", pa.bool_()),
    ]
)
"""One row a signal, announced or shadow. ``exit_reason`` is the market's, also for a shadow, whose gates
stand in ``failed_gates``; null while it is open. ``r`` is net of ``fees_r``, and null where no trade
has ended; ``exit`` is the fraction-weighted price. ``size`` and ``profit_usd`` are the account's:
null for what it was never asked to take, 0 for what it left out."""


def write_trades(path: Path, columns: Mapping[str, Any]) -> None:
    """Writes a file with the columns of `TRADES`, as a whole or not at all; NaN, NaT and None become null.

    Raises OSError where it cannot be written.
    """
    arrays = [_array(columns[field.name], field.type) for field in TRADES]
    table = pa.Table.from_arrays(arrays, schema=TRADES)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        temporary = Path(draft.name)
        try:
            pq.write_table(table, draft)
            draft.flush()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _array(column: Any, kind: pa.DataType) -> pa.Array:
    if kind == _STAMP:
        return pa.array(column).cast(pa.timestamp("us")).cast(_STAMP)
    return pa.array(column, kind, from_pandas=True)
