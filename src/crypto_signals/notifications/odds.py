"""Measured odds in one line that people understand."""

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.domain.wording import signed

NO_ODDS = "No measured odds for this setup."
_KINDS = {AssetClass.CRYPTO: ("crypto pair", "crypto pairs"), AssetClass.EQUITY: ("stock", "stocks")}
_VERDICTS = {
    Verdict.EDGE: "better than chance",
    Verdict.NO_EDGE: "no proven edge",
}


def odds_line(evidence: Evidence | None) -> str:
    """What was measured, on what, and what follows from it; no number that was not measured.

    Raises nothing: a figure that is not known is left out.
    """
    if evidence is None:
        return NO_ODDS
    measured = f"Measured on {_bars(evidence)}: "
    if evidence.verdict is Verdict.TOO_FEW:
        return f"{measured}too few to say ({evidence.n})."
    return f"{measured}{', '.join(_figures(evidence))}: {_VERDICTS[evidence.verdict]}."


def _bars(evidence: Evidence) -> str:
    one, many = _KINDS[evidence.asset_class]
    first, last = evidence.since.year, evidence.until.year
    years = f"{first}" if first == last else f"{first}–{last}"
    return f"{evidence.symbols} {one if evidence.symbols == 1 else many}, {years}"


def _figures(evidence: Evidence) -> list[str]:
    said = [f"{evidence.n} like this"]
    if evidence.hit_rate is not None:
        among = _between(evidence.hit_rate_lo, evidence.hit_rate_hi)
        said.append(f"{_percent(evidence.hit_rate)} % reached target 1 first{among}")
    if evidence.mean_r is not None:
        low, high = evidence.mean_r_lo, evidence.mean_r_hi
        among = "" if low is None or high is None else f" ({signed(low, 2)} to {signed(high, 2)})"
        said.append(f"{signed(evidence.mean_r, 2)} R on average{among}")
    if evidence.baseline_mean_r is not None:
        said.append(f"random entries {signed(evidence.baseline_mean_r, 2)}")
    return said


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" ({_percent(low)}–{_percent(high)} %)"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
