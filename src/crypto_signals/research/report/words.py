"""What the figures mean, in sentences."""

from collections.abc import Iterator

from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.research.report.cells import number
from crypto_signals.research.report.performance import LEAST_DAYS_FOR_A_YEARLY_RATE
from crypto_signals.research.report.summary import Report, nothing_traded
from crypto_signals.research.report.tables import FEW, MOST_TRADES, interval_words

SURVIVORS = (
    "The symbols are those of the given files. If these are today's, whatever was delisted, went bankrupt or "
    "was taken over on the way is missing, and that flatters every result over the years. So does a strategy "
    "that was chosen on these very bars."
)


def verdict(report: Report) -> str:
    """What one may conclude, and what not."""
    for said in nothing_traded(report):
        return f"{said[0].upper()}{said[1:]}."
    total, interval = report.total, report.interval
    each = f"{number(total.mean_r, 2, ' R', signed=True)} a trade over {total.closed:,} closed trades"
    if total.closed < FEW or interval is None:
        return f"Too few to say: {each}."
    around = f"{each} (90 % interval {interval_words(interval)})"
    if interval.lo > 0:
        return (
            f"It earned on these bars: {around}. Whether that is an edge, and not what random entries on "
            "the same bars would have earned as well, is for the evidence to say: sentinel evidence."
        )
    if interval.hi < 0:
        return f"It lost on these bars: {around}, and more than chance explains."
    return f"No proven edge: {around}. Chance alone can do that."


def headline(report: Report) -> list[tuple[str, str, str]]:
    """Name, figure, and a word on it."""
    total, account = report.total, report.performance
    around = interval_words(report.interval) if total.closed >= FEW else "too few to say more"
    return [
        ("Signals", number(total.signals, 0), f"{len(report.table) - total.signals:,} refused"),
        ("Mean result", number(total.mean_r, 2, " R", signed=True), around),
        ("Total", number(total.total_r, 1, " R", signed=True), f"{total.closed:,} closed trades"),
        (
            "Reached target 1",
            number(None if total.hit_rate is None else 100 * total.hit_rate, 0, " %"),
            "before any other exit",
        ),
        ("Profit factor", number(total.profit_factor), "won over lost"),
        ("Best, worst", f"{number(total.best_r, 1)}, {number(total.worst_r, 1)} R", ""),
        (
            "Account",
            number(account.final_worth_usd, 0, " USD"),
            f"from {number(account.capital_usd, 0)}: {number(account.return_pct, 1, ' %', signed=True)}",
        ),
        ("A year", number(account.cagr_pct, 1, " %", signed=True), "compound rate"),
        ("Deepest drawdown", number(account.max_drawdown_pct, 1, " %"), "below its best"),
        ("Sharpe ratio", number(account.sharpe), "of daily changes, a year"),
        ("Invested", number(account.exposure_pct, 0, " %"), "on average"),
    ]


def subtitle(report: Report) -> str:
    ts, test = report.performance.ts, report.result.test
    return (
        f"{report.bars:,} bars ({test.timeframe}) of {report.symbols:,} symbols, "
        f"{ts[0].astype('datetime64[D]')} to {ts[-1].astype('datetime64[D]')} · "
        f"strategy {test.strategy.name} {test.strategy.version(test.catalogue.fingerprint)}"
    )


def facts(report: Report) -> Iterator[str]:
    """How it was measured, what it cost, and what to beware of."""
    total, account = report.total, report.result.account
    yield (
        f"{total.signals:,} signals would have been announced: {total.closed:,} trades have ended, "
        f"{total.open:,} are open, {total.not_entered:,} were never entered. "
        f"{len(report.table) - total.signals:,} setups were refused and followed as shadows."
    )
    yield _costs(report)
    yield (
        f"Ambiguous: in {total.ambiguous:,} trades stop and target lay in one bar, and the stop was counted. "
        f"{total.drilled:,} trades were settled by finer bars."
    )
    yield (
        f"The account starts with {number(account.terms.capital_usd, 0)} USD, risks "
        f"{account.terms.risk_pct:g} % of its worth from entry to stop, and holds at most "
        f"{account.terms.max_positions} positions, paid in full. Of the entered trades it took "
        f"{len(account.size):,}{_left_out(report)}. Results in R count every trade alike, taken or not."
    )
    yield (
        "Entries are at the next open, stops come before targets, gaps fill at the open: detectors, gates "
        "and rules are those of the live program. Years and months are those in which trades ended; the "
        "account counts open trades at the close of each bar. The Sharpe ratio deducts no interest; a yearly "
        f"rate is given from {LEAST_DAYS_FOR_A_YEARLY_RATE} days on. Regimes are those of the signal's bar. "
        "Intervals are 90 %: whole days were drawn again 10,000 times, all symbols together."
    )
    yield SURVIVORS


def _costs(report: Report) -> str:
    costs = report.result.test.strategy.costs
    held = {one.instrument.asset_class for one in report.result.examined}
    fees = {AssetClass.CRYPTO: costs.crypto_fee_bp, AssetClass.EQUITY: costs.equity_fee_bp}
    said = ", ".join(f"{kind.value} {fees[kind]:g} bp" for kind in AssetClass if kind in held)
    slippage = f"{costs.slippage_bp:g} bp" + (
        f" and {costs.slippage_atr:g} ATR" if costs.slippage_atr else ""
    )
    return (
        f"Costs a side: fee {said}, slippage {slippage}. Together they took "
        f"{number(report.total.fees_r, 1, ' R')}, which every result here is net of."
    )


def _left_out(report: Report) -> str:
    left_out = report.result.account.left_out
    if not left_out:
        return ""
    return ", and left out " + ", ".join(f"{count:,} ({why})" for why, count in sorted(left_out.items()))


def trades_note(report: Report) -> str:
    signals = report.total.signals
    if signals <= MOST_TRADES:
        return ""
    return f"The newest {MOST_TRADES:,} of {signals:,}; all of them are in the trades file."
