"""Odds in one line: what was measured, on what, and what follows from it."""

import datetime as dt

from crypto_signals.domain.evidence import Verdict
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.notifications.announcement import announcement
from crypto_signals.notifications.odds import odds_line
from domain.odds import evidence

from .samples import signal
from .test_messages import text


def test_a_measured_setup_says_everything() -> None:
    """Bars, count, hits, result with its interval, random entries, and the verdict in plain words."""
    assert odds_line(evidence()) == (
        "Measured on 139 stocks, 2015–2022: 214 like this, 51 % reached target 1 first (46–57 %), "
        "+0.06 R on average (−0.02 to +0.14), random entries +0.05: no proven edge."
    )


def test_too_few_are_said_to_be_so_and_nothing_else() -> None:
    """Seven trades make no rate."""
    few = evidence(n=7, verdict=Verdict.TOO_FEW)
    assert odds_line(few) == "Measured on 139 stocks, 2015–2022: too few to say (7)."


def test_an_edge_is_called_one() -> None:
    """The only case in which anything good is said."""
    assert odds_line(evidence(verdict=Verdict.EDGE)).endswith("better than chance.")


def test_one_pair_and_one_year_are_written_so() -> None:
    """No plural for one, no range for one year."""
    day = dt.datetime(2021, 5, 1, tzinfo=dt.UTC)
    one = evidence(symbols=1, asset_class=AssetClass.CRYPTO, since=day, until=day)
    assert odds_line(one).startswith("Measured on 1 crypto pair, 2021: 214")


def test_what_is_not_known_is_left_out() -> None:
    """No interval, no baseline: no empty brackets, no made-up number."""
    bare = evidence(hit_rate_lo=None, mean_r_lo=None, baseline_mean_r=None)
    assert odds_line(bare) == (
        "Measured on 139 stocks, 2015–2022: 214 like this, 51 % reached target 1 first, "
        "+0.06 R on average: no proven edge."
    )
    assert odds_line(None) == "No measured odds for this setup."


def test_an_announcement_carries_the_odds_of_its_signal() -> None:
    """The line stands in the message that asks people to act."""
    assert f"Odds: {odds_line(evidence())}" in text(announcement(signal(evidence=evidence())))
