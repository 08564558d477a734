"""The stored choices of a backtest as one table: what the trades file and the report show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.confluence import regimes
from crypto_signals.analysis.panel import Floats, as_datetime, as_ts64
from crypto_signals.analysis.study import Study
from crypto_signals.domain.lifecycle import NO_DATA_SESSIONS
from crypto_signals.domain.vocabulary import Conviction, Direction
from crypto_signals.research.backtest import Backtest
from crypto_signals.research.outcome_kernel import REASONS
from crypto_signals.research.outcomes import NO_DATA
from crypto_signals.research.portfolio import Choice, Examined


@dataclass(frozen=True, slots=True, eq=False)
class TradeTable:
    """One row a choice, in the order in which they were made; every column has n entries.

    ``r``, ``fees_r``, ``mfe_r``, ``mae_r`` (R, the excursions of the price before costs), ``entry_fill``,
    ``exit`` (the fraction-weighted price) are NaN where there is none, ``entry_ts`` and ``exit_ts`` NaT,
    ``exit_reason`` "" while it is open. ``entered`` and ``closed`` say how far it came, ``size`` what the
    account bought of it.
    """

    symbol: list[str]
    asset_class: list[str]
    detector: list[str]
    family: list[str]
    direction: list[str]
    conviction: list[str]
    confirmed_by: list[tuple[str, ...]]
    failed_gates: list[tuple[str, ...]]
    exit_reason: list[str]
    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.symbol)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    @property
    def shadow(self) -> npt.NDArray[np.bool_]:
        return np.array([bool(gates) for gates in self.failed_gates], np.bool_)

    @property
    def closed(self) -> npt.NDArray[np.bool_]:
        """Which are trades that were entered and have ended."""
        return np.asarray(np.isfinite(self.columns["r"]))


def trade_table(result: Backtest) -> TradeTable:
    """The table of a backtest."""
    entries = tuple(result.test.catalogue)
    ones = [result.examined[choice.series] for choice in result.choices]
    plans = _gathered([one.setups.plans for one in result.examined], result.choices)
    outcomes = _gathered([one.outcomes for one in result.examined], result.choices)
    number = _gathered([one.setups.detector for one in result.examined], result.choices)
    high = _gathered([one.setups.high for one in result.examined], result.choices)
    found = [entries[row] for row in number.tolist()]
    return TradeTable(
        symbol=[one.series.symbol for one in ones],
        asset_class=[one.instrument.asset_class.value for one in ones],
        detector=[entry.name for entry in found],
        family=[entry.family.value for entry in found],
        direction=[(Direction.LONG if side > 0 else Direction.SHORT).value for side in plans["side"]],
        conviction=[(Conviction.HIGH if row else Conviction.NORMAL).value for row in high],
        confirmed_by=[choice.confirmed_by for choice in result.choices],
        failed_gates=[tuple(choice.failed_gates) for choice in result.choices],
        exit_reason=["" if row < 0 else REASONS[row].value for row in outcomes["reason"].tolist()],
        columns=_columns(result, plans, outcomes),
    )


def _gathered(columns: Sequence[npt.NDArray[Any]], choices: Sequence[Choice]) -> npt.NDArray[Any]:
    """The rows of the choices among the columns of all series."""
    starts = np.concatenate([[0], np.cumsum([len(column) for column in columns])])
    rows = np.array([starts[choice.series] + choice.row for choice in choices], np.int64)
    return np.concatenate(columns)[rows] if len(rows) else np.concatenate([*columns, columns[0][:0]])[:0]


def _columns(
    result: Backtest, plans: npt.NDArray[Any], outcomes: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]]:
    side, fill = plans["side"], outcomes["entry_fill"]
    risk = np.abs(plans["entry"] - plans["stop"])
    closed = np.isfinite(outcomes["r"])
    weighted = np.nansum(outcomes["fill_price"] * outcomes["fill_fraction"], axis=1)
    share = outcomes["fill_fraction"].sum(axis=1)
    account, numbers = result.account, range(len(result.choices))
    return {
        "signal_ts": _stamps(result, plans["bar"]),
        "entry_ts": _stamps(result, outcomes["entry_bar"]),
        "exit_ts": _ends(result, outcomes),
        "entry": plans["entry"],
        "entry_fill": fill,
        "stop": plans["stop"],
        "invalidation": plans["invalidation"],
        "targets": plans["targets"],
        "exit": np.where(closed, weighted, np.nan) / np.where(share > 0, share, np.nan),
        "r": outcomes["r"],
        "fees_r": outcomes["fees_r"],
        "targets_hit": outcomes["hit"],
        "ambiguous": outcomes["ambiguous"],
        "drilled": outcomes["drilled"],
        "mfe_r": side * (outcomes["best"] - fill) / risk,
        "mae_r": side * (outcomes["worst"] - fill) / risk,
        "holding_bars": np.where(closed, outcomes["exit_bar"] - outcomes["entry_bar"] + 1, 0),
        "regimes": _regimes(result),
        "size": np.array([account.size.get(number, 0.0) for number in numbers], np.float64),
        "profit_usd": np.array([account.profit_usd.get(number, 0.0) for number in numbers], np.float64),
    }


def _regimes(result: Backtest) -> Floats:
    """Trend and volatility (float64[n, 2]) at the bars of what was announced; NaN for shadows."""
    found = np.full((len(result.choices), 2), np.nan)
    rows: dict[int, list[int]] = defaultdict(list)
    for row, choice in enumerate(result.choices):
        if not choice.is_shadow:
            rows[choice.series].append(row)
    for series, announced in rows.items():
        one = result.examined[series]
        bars = one.setups.plans["bar"][[result.choices[row].row for row in announced]]
        found[announced] = regimes(Study(one.series), bars)
    return found


def _stamps(result: Backtest, bars: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    """The stamps of ``bars``, each of the series of its choice; NaT for -1."""
    found = np.full(len(bars), np.datetime64("NaT", "us"))
    for row, (choice, bar) in enumerate(zip(result.choices, bars.tolist(), strict=True)):
        if bar >= 0:
            found[row] = result.examined[choice.series].series.ts[bar]
    return found


def _ends(result: Backtest, outcomes: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
    """When each ended: the stamp of its last bar, or of the last session in which one had to come."""
    found = _stamps(result, np.where(outcomes["reason"] < 0, -1, outcomes["exit_bar"]))
    for row in np.flatnonzero(outcomes["reason"] == NO_DATA).tolist():
        one = result.examined[result.choices[row].series]
        found[row] = _last_session(result, one, found[row])
    return found


def _last_session(result: Backtest, one: Examined, last: np.datetime64) -> np.datetime64:
    kind = one.instrument.asset_class
    return as_ts64(result.test.calendar.session_after(kind, as_datetime(last), NO_DATA_SESSIONS))


def plain_columns(table: TradeTable) -> dict[str, Any]:
    """The table for those who know no table: lists and arrays by the names of the trades file, nothing but
    numbers, texts and moments in them; NaN, NaT and None: there is none."""
    r, entered = table["r"], ~np.isnat(table["entry_ts"])
    asked = ~table.shadow & entered
    names = ("symbol", "asset_class", "detector", "family", "direction", "conviction")
    single = ("signal_ts", "entry_ts", "exit_ts", "entry", "entry_fill", "stop", "invalidation", "exit", "r")
    rest = ("fees_r", "ambiguous", "drilled", "mfe_r", "mae_r")
    return {
        **{name: getattr(table, name) for name in names},
        **{name: table[name] for name in (*single, *rest)},
        "targets": table["targets"].tolist(),
        "exit_reason": [reason or None for reason in table.exit_reason],
        "confirmed_by": table.confirmed_by,
        "failed_gates": table.failed_gates,
        "shadow": table.shadow,
        "holding_bars": np.where(np.isfinite(r), table["holding_bars"], np.nan),
        "size": np.where(asked, table["size"], np.nan),
        "profit_usd": np.where(asked, table["profit_usd"], np.nan),
    }
