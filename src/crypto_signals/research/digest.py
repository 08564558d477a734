"""A short hash of everything that a backtest says: equal hashes, equal trades and equal account."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto_signals.research.account import Account
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.trade_table import TradeTable, trade_table

_WORDS = (
    "symbol", "asset_class", "detector", "family", "direction", "conviction", "confirmed_by", "failed_gates",
    "exit_reason",
)  # fmt: skip


def digest(result: Backtest) -> str:
    """Of every trade, announced or shadow, column by column, and of the account day by day."""
    whole = hashlib.sha256()
    for piece in (*_of_table(trade_table(result)), *_of_account(result.account)):
        whole.update(hashlib.sha256(piece).digest())
    return whole.hexdigest()[:16]


def _of_table(table: TradeTable) -> Iterator[bytes]:
    yield json.dumps([[name, getattr(table, name)] for name in _WORDS]).encode()
    for name, column in sorted(table.columns.items()):
        yield name.encode()
        yield _bytes(column)


def _of_account(account: Account) -> Iterator[bytes]:
    yield from map(_bytes, (account.ts, account.worth_usd, account.exposure))
    for amounts in (account.size, account.profit_usd, account.left_out):
        yield json.dumps(sorted(amounts.items())).encode()


def _bytes(column: npt.NDArray[Any]) -> bytes:
    """Bit for bit, but for what is not a number: it has many faces."""
    if column.dtype.kind == "f":
        column = np.where(np.isnan(column), np.nan, column)
    return column.tobytes()
