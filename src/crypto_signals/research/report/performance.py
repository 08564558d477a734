"""How the account did over the whole tested period, also while it held nothing."""

from dataclasses import dataclass

import numpy as np

from crypto_signals.analysis.panel import Floats, Times
from crypto_signals.research.backtest import Backtest

LEAST_DAYS_FOR_A_YEARLY_RATE = 90
_YEAR_DAYS = 365.25
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """``worth_usd``, ``drawdown`` (0 at its best, -0.2 when a fifth was lost) and ``exposure`` (the invested
    share) at the close of each bar that opened at ``ts``: those of all symbols, from the first tested one."""

    capital_usd: float
    ts: Times
    worth_usd: Floats
    drawdown: Floats
    exposure: Floats

    @property
    def final_worth_usd(self) -> float:
        return float(self.worth_usd[-1])

    @property
    def return_pct(self) -> float:
        return 100 * (self.final_worth_usd / self.capital_usd - 1)

    @property
    def max_drawdown_pct(self) -> float:
        return 100 * abs(float(self.drawdown.min()))

    @property
    def exposure_pct(self) -> float:
        """Of what it was worth, the share that was invested at the close of a bar, on average."""
        return 100 * float(self.exposure.mean())

    @property
    def years(self) -> float:
        days = self.ts.astype("datetime64[D]")
        return float((days[-1] - days[0] + _DAY) / _DAY) / _YEAR_DAYS

    @property
    def cagr_pct(self) -> float | None:
        """The yearly rate that leads to the final worth; None for less than 90 days, or with nothing left."""
        growth = self.final_worth_usd / self.capital_usd
        if growth <= 0 or self.years * _YEAR_DAYS < LEAST_DAYS_FOR_A_YEARLY_RATE:
            return None
        return 100 * float(growth ** (1 / self.years) - 1)

    @property
    def sharpe(self) -> float | None:
        """The mean of the daily changes over their standard deviation, times the square root of the days with
        bars in a year; no interest is deducted. None where the worth never changed."""
        worth = np.append(self.capital_usd, self._at_days_ends())
        if len(worth) < 3 or (worth <= 0).any():
            return None
        changes = worth[1:] / worth[:-1] - 1
        deviation = float(changes.std(ddof=1))
        if deviation == 0:
            return None
        return float(changes.mean()) / deviation * float(np.sqrt(len(changes) / self.years))

    def gains_usd(self, unit: str) -> dict[str, float]:
        """What the account gained in each year (``Y``) or month (``M``) with bars, open trades at the close
        of its last bar."""
        periods = self.ts.astype(f"datetime64[{unit}]")
        last = np.flatnonzero(np.append(periods[1:] != periods[:-1], True))
        gains = np.diff(self.worth_usd[last], prepend=self.capital_usd)
        return dict(zip(map(str, periods[last]), gains.tolist(), strict=True))

    def _at_days_ends(self) -> Floats:
        days = self.ts.astype("datetime64[D]")
        return np.asarray(self.worth_usd[np.append(days[1:] != days[:-1], True)])


def performance_of(result: Backtest) -> Performance:
    """The account of a backtest over every tested bar."""
    account, ts = result.account, tested_stamps(result)
    before = int(np.searchsorted(ts, account.ts[0]))
    idle = np.zeros(before)
    return Performance(
        account.terms.capital_usd,
        ts,
        np.append(idle + account.terms.capital_usd, account.worth_usd),
        np.append(idle, account.drawdown),
        np.append(idle, account.exposure),
    )


def tested_stamps(result: Backtest) -> Times:
    """The stamps of all bars from the first tested one on, each once."""
    every = np.unique(np.concatenate([one.series.ts for one in result.examined]))
    since = result.test.since
    return every if since is None else every[every >= since]
