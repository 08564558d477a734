"""A strategy: which bars are looked at, which detectors may open what, and what the gates ask for."""

import hashlib
import json
import math
from collections.abc import Mapping
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

    volume_ratio: NonNegative = Field(1.5, description="Volume over its 20-bar average, at least.")
    rsi: float = Field(70.0, ge=50, le=100, description="RSI(14), at most.")
    reward_to_risk: NonNegative = Field(1.5, description="How far target 2 is away, in R, at least.")
    adx: float = Field(25.0, ge=0, le=100, description="ADX(14), at least; for flags, pennants and channels.")


HIGH = GateLimits(volume_ratio=1.3, reward_to_risk=1.2, adx=20.0)
"""Of HIGH conviction less is asked."""


class Gates(_Frozen):
    normal: GateLimits = GateLimits()
    high: GateLimits = HIGH
    min_stop_atr: NonNegative = Field(0.5, description="How near a stop may be, in ATR.")
    max_stop_atr: Positive = Field(4.0, description="How far a stop may be, in ATR.")

    @field_validator("high", mode="before")
    @classmethod
    def _left_out(cls, given: Any) -> Any:
        """What is left out keeps the default of ``high``, and not that of ``normal``."""
        return {**HIGH.model_dump(), **given} if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_stop_atr >= self.max_stop_atr:
            raise ValueError("gates.min_stop_atr must be below gates.max_stop_atr")
        return self

    def limits(self, conviction: Conviction) -> GateLimits:
        return self.high if conviction is Conviction.HIGH else self.normal


class Costs(_Frozen):
    """One side of a trade: in basis points of its notional, and slippage also as a share of ATR."""

    crypto_fee_bp: NonNegative = Field(25.0, description="The fee for crypto, in basis points a side.")
    equity_fee_bp: NonNegative = Field(0.0, description="The fee for stocks, in basis points a side.")
    slippage_bp: NonNegative = Field(0.0, description="Slippage, in basis points a side.")
    slippage_atr: NonNegative = Field(0.0, description="Slippage a side besides, as a share of ATR.")

    def rate(self, asset_class: AssetClass, atr_share: Any) -> Any:
        """The cost as a share of the notional; ATR is ``atr_share`` of the entry (numbers or columns)."""
        fee = self.crypto_fee_bp if asset_class is AssetClass.CRYPTO else self.equity_fee_bp
        return (fee + self.slippage_bp) / 10_000 + self.slippage_atr * atr_share


class Strategy(_Frozen):
    """``risk_per_trade`` changes what is said of a signal, and not which signals there are. Setups whose
    measured odds are below ``min_mean_r_lo``, or that have none, become shadows.
    """

    name: str = Field("default", pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="The name of its table.")
    timeframe: str = Field("1Day", description="The length of a bar: 5Min, 1Hour, 1Day and so on.")
    symbols: tuple[str, ...] | None = Field(
        None, description="The symbols that it looks at; else all that are configured."
    )
    triggers: tuple[str, ...] | None = Field(
        None, description="The detectors that may open a signal; else the catalogue's own choice."
    )
    entry: EntryType = Field(
        EntryType.MARKET, description="market enters at the next open; limit and stop wait for their price."
    )
    resting_entry_bars: int = Field(
        3, ge=1, le=50, description="For how many bars a limit or stop entry stays valid."
    )
    max_bars: int = Field(60, ge=1, le=1000, description="After how many bars a trade is closed.")
    fractions: tuple[Positive, Positive, Positive] = Field(
        (0.5, 0.25, 0.25), description="What is closed at target 1, at target 2, and at the end."
    )
    max_announcements: int = Field(
        10, ge=0, le=1000, description="How many signals one bar may open over all symbols."
    )
    cooldown_scope: Literal["SYMBOL", "PATTERN"] = Field(
        "SYMBOL", description="What rests after a signal; without it, as COOLDOWN_SCOPE says."
    )
    cooldown_hours: float = Field(
        48.0, ge=0, le=10_000, description="For how long; without it, as COOLDOWN_HOURS says."
    )
    cooldown_escape_pct: Positive = Field(
        10.0, description="How far from the last exit a price ends the rest early, in per cent."
    )
    gates: Gates = Gates()
    costs: Costs = Costs()
    min_mean_r_lo: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None, description="The low end of the interval of a setup's measured mean result, in R, at least."
    )
    risk_per_trade: Annotated[Positive, Field(le=MOST_RISK_USD)] | None = Field(
        None, description="What a trade may lose down to its stop, in USD: says how much to buy."
    )

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
