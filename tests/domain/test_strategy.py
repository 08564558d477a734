"""A strategy is closed, checked, and named by what it decides."""

import pytest
from pydantic import ValidationError

from crypto_signals.domain.strategy import Costs, GateLimits, Gates, Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, EntryType

CHANGES = {
    "name": "other",
    "timeframe": "4Hour",
    "symbols": ("BTC/USD",),
    "triggers": ("hammer_bullish",),
    "entry": EntryType.LIMIT,
    "resting_entry_bars": 4,
    "max_bars": 61,
    "fractions": (0.25, 0.25, 0.5),
    "max_announcements": 11,
    "cooldown_scope": "PATTERN",
    "cooldown_hours": 24.0,
    "cooldown_escape_pct": 11.0,
    "gates": Gates(min_stop_atr=0.6),
    "costs": Costs(slippage_bp=1.0),
    "min_mean_r_lo": 0.0,
}


def test_the_defaults_are_the_rules() -> None:
    """Gates, fractions, bars and cool-down are those of the rules."""
    rules = Strategy()
    normal, high = rules.gates.limits(Conviction.NORMAL), rules.gates.limits(Conviction.HIGH)
    assert (normal.volume_ratio, normal.rsi, normal.reward_to_risk, normal.adx) == (1.5, 70, 1.5, 25)
    assert (high.volume_ratio, high.rsi, high.reward_to_risk, high.adx) == (1.3, 70, 1.2, 20)
    assert (rules.gates.min_stop_atr, rules.gates.max_stop_atr) == (0.5, 4.0)
    assert rules.fractions == (0.5, 0.25, 0.25)
    assert (rules.max_bars, rules.max_announcements) == (60, 10)
    assert (rules.cooldown_scope, rules.cooldown_hours, rules.cooldown_escape_pct) == ("SYMBOL", 48, 10)


@pytest.mark.parametrize(
    ("entry", "bars"), [(EntryType.MARKET, 1), (EntryType.LIMIT, 3), (EntryType.STOP, 3)], ids=str
)
def test_how_long_an_entry_is_valid(entry: EntryType, bars: int) -> None:
    """A market entry is valid for one bar, a limit or stop entry for three."""
    assert Strategy(entry=entry).valid_bars == bars


@pytest.mark.parametrize("model", [Strategy, Gates, GateLimits, Costs])
def test_an_unknown_key_is_refused(model: type[Strategy]) -> None:
    """A typo is an error, not ignored."""
    with pytest.raises(ValidationError, match="max_barz"):
        model.model_validate({"max_barz": 60})


@pytest.mark.parametrize(
    "fractions",
    [
        (0.5, 0.25, 0.2),
        (0.5, 0.5, 0.5),
        (1.0, 0.0, 0.0),
        (1.5, -0.25, -0.25),
        (0.5, 0.5),
        (float("nan"), 0.5, 0.5),
    ],
    ids=str,
)
def test_bad_fractions_are_refused(fractions: tuple[float, ...]) -> None:
    """Three positive parts that add up to the whole, nothing else."""
    with pytest.raises(ValidationError, match="fractions"):
        Strategy.model_validate({"fractions": fractions})


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.3, 0.2), (0.6, 0.3, 0.1), (0.7, 0.2, 0.1), (0.1, 0.2, 0.7)], ids=str
)
def test_fractions_that_add_up_on_paper_are_accepted(fractions: tuple[float, ...]) -> None:
    """Binary rounding of tenths is not a person's mistake."""
    assert Strategy.model_validate({"fractions": fractions}).fractions == fractions


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeframe": "1Week"},
        {"entry": "maybe"},
        {"name": "Has Space"},
        {"max_bars": 0},
        {"resting_entry_bars": 0},
        {"cooldown_scope": "symbol"},
        {"cooldown_hours": float("inf")},
        {"gates": {"min_stop_atr": 4.0, "max_stop_atr": 4.0}},
        {"gates": {"normal": {"rsi": 101}}},
        {"costs": {"crypto_fee_bp": -1}},
    ],
    ids=str,
)
def test_a_bad_value_is_refused(wrong: dict[str, object]) -> None:
    """Values that cannot be meant are errors when the strategy is read."""
    with pytest.raises(ValidationError):
        Strategy.model_validate(wrong)


def test_a_strategy_is_frozen() -> None:
    """What decided a signal cannot change under it."""
    with pytest.raises(ValidationError):
        Strategy().max_bars = 30


def test_every_field_has_a_change_here() -> None:
    """A new field must be tried in the version test too; the risk only says how much, see its own test."""
    assert set(CHANGES) == set(Strategy.model_fields) - {"risk_per_trade"}


@pytest.mark.parametrize("field", list(CHANGES))
def test_each_field_changes_the_version(field: str) -> None:
    """Whatever decides is part of the version."""
    assert Strategy(**{field: CHANGES[field]}).version("") != Strategy().version("")


@pytest.mark.parametrize(
    ("part", "field"),
    [("normal", field) for field in GateLimits.model_fields]
    + [("high", field) for field in GateLimits.model_fields],
)
def test_each_gate_changes_the_version(part: str, field: str) -> None:
    """Limits deep inside count as much as those on top."""
    assert Strategy.model_validate({"gates": {part: {field: 51.0}}}).version("") != Strategy().version("")


def test_the_same_decisions_have_the_same_version() -> None:
    """Spelling out the defaults, in any order or type, is not another version."""
    spelled = {"max_bars": 60, "fractions": [0.5, 0.25, 0.25], "entry": "market", "cooldown_hours": 48}
    assert Strategy.model_validate(spelled).version("") == Strategy().version("")
    assert Strategy.model_validate(Strategy().model_dump(mode="json")).version("") == Strategy().version("")


def test_other_detectors_make_another_version() -> None:
    """The same settings over detectors that say something else do not decide alike."""
    assert Strategy().version("one") != Strategy().version("other")
    assert Strategy().version("one") == Strategy().version("one")


@pytest.mark.parametrize(
    ("asset_class", "rate"), [(AssetClass.CRYPTO, 0.0030), (AssetClass.EQUITY, 0.0006)], ids=str
)
def test_costs_are_fee_and_slippage(asset_class: AssetClass, rate: float) -> None:
    """One side costs the asset class's fee and the slippage, as a share of the notional."""
    costs = Costs(crypto_fee_bp=25.0, equity_fee_bp=1.0, slippage_bp=5.0)
    assert costs.rate(asset_class, 0.02) == pytest.approx(rate)


def test_slippage_may_be_a_share_of_atr() -> None:
    """A tenth of an ATR that is 2 % of the entry costs 0.2 % of the notional."""
    assert Costs(slippage_atr=0.1).rate(AssetClass.EQUITY, 0.02) == pytest.approx(0.002)


OUTCOME = {"triggers", "entry", "resting_entry_bars", "max_bars", "fractions", "gates", "costs"}


@pytest.mark.parametrize("field", list(CHANGES))
def test_rules_change_with_what_decides_an_outcome(field: str) -> None:
    """Evidence holds for a strategy that gates, enters, exits and pays alike, whatever else it does."""
    changed = Strategy(**{field: CHANGES[field]}).rules_version("") != Strategy().rules_version("")
    assert changed == (field in OUTCOME)
    assert Strategy().rules_version("one") != Strategy().rules_version("other")


@pytest.mark.parametrize("given", [{}, {"rsi": 60.0}])
def test_what_a_table_of_limits_leaves_out_keeps_its_own_default(given: dict[str, float]) -> None:
    """A table for HIGH conviction, empty or not, does not fall back to the limits of NORMAL."""
    strategy = Strategy.model_validate({"gates": {"high": given}})
    assert strategy.gates.high == Strategy().gates.high.model_copy(update=given)
