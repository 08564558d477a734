"""A strategy: which bars are looked at, which detectors may open what, and what the gates ask for."""

import hashlib
import json
import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass, Conviction, EntryType

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MOST_RISK_USD = 1e9
"""Far more than anyone risks, and little enough for every quantity to be written out in full."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GateLimits(_Frozen):
    """What a long must show; a short mirrors it (RSI at least 100 - ``rsi``)."""

    volume_ratio: NonNegative = 1.5
    rsi: Annotated[float, Field(ge=50, le=100)] = 70.0
    reward_to_risk: NonNegative = 1.5
    adx: Annotated[float, Field(ge=0, le=100)] = 25.0


class Gates(_Frozen):
    normal: GateLimits = GateLimits()
    high: GateLimits = GateLimits(volume_ratio=1.3, reward_to_risk=1.2, adx=20.0)
    min_stop_atr: NonNegative = 0.5
    max_stop_atr: Positive = 4.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_stop_atr >= self.max_stop_atr:
            raise ValueError("gates.min_stop_atr must be below gates.max_stop_atr")
        return self

    def limits(self, conviction: Conviction) -> GateLimits:
        return self.high if conviction is Conviction.HIGH else self.normal


class Costs(_Frozen):
    """One side of a trade: in basis points of its notional, and slippage also as a share of ATR."""

    crypto_fee_bp: NonNegative = 25.0
    equity_fee_bp: NonNegative = 0.0
    slippage_bp: NonNegative = 0.0
    slippage_atr: NonNegative = 0.0

    def rate(self, asset_class: AssetClass, atr_share: Any) -> Any:
        """The cost as a share of the notional; ATR is ``atr_share`` of the entry (numbers or columns)."""
        fee = self.crypto_fee_bp if asset_class is AssetClass.CRYPTO else self.equity_fee_bp
        return (fee + self.slippage_bp) / 10_000 + self.slippage_atr * atr_share


class Strategy(_Frozen):
    """``triggers`` lists the detectors that may open a signal; ``None`` means the catalogue's own choice.
    ``risk_per_trade`` is what a trade may lose down to its stop, in USD; it only says how much to buy. Setups
    whose measured mean result has a lower end below ``min_mean_r_lo`` (in R), or none, become shadows.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] = "default"
    timeframe: str = "1Day"
    symbols: tuple[str, ...] | None = None
    triggers: tuple[str, ...] | None = None
    entry: EntryType = EntryType.MARKET
    resting_entry_bars: Annotated[int, Field(ge=1, le=50)] = 3
    max_bars: Annotated[int, Field(ge=1, le=1000)] = 60
    fractions: tuple[Positive, Positive, Positive] = (0.5, 0.25, 0.25)
    max_announcements: Annotated[int, Field(ge=0, le=1000)] = 10
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = "SYMBOL"
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 48.0
    cooldown_escape_pct: Positive = 10.0
    gates: Gates = Gates()
    costs: Costs = Costs()
    min_mean_r_lo: Annotated[float, Field(allow_inf_nan=False)] | None = None
    risk_per_trade: Annotated[Positive, Field(le=MOST_RISK_USD)] | None = None

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, value: str) -> str:
        return Timeframe(value).name

    @field_validator("fractions")
    @classmethod
    def _whole(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if not math.isclose(total := math.fsum(value), 1.0):
            raise ValueError(f"fractions must add up to 1, not {total:g}")
        return value

    @property
    def valid_bars(self) -> int:
        return 1 if self.entry is EntryType.MARKET else self.resting_entry_bars

    def version(self, detection: str) -> str:
        """A short hash of everything that decides: equal versions decide alike on equal bars.

        ``detection`` is the fingerprint of the detectors that look at them.
        """
        decides = self.model_dump(mode="json", exclude={"risk_per_trade"})
        text = json.dumps([decides, detection], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def rules_version(self, detection: str) -> str:
        """A short hash of what decides which setups there are and how each one ends, whatever else is open:
        evidence holds for strategies that agree in it."""
        decides = self.model_dump(mode="json", include=_OUTCOME)
        text = json.dumps([decides, detection], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_OUTCOME = {"triggers", "entry", "resting_entry_bars", "max_bars", "fractions", "gates", "costs"}
