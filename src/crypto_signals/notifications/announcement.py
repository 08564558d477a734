"""The first message of a signal: what to do, at which levels, and what speaks for it."""

from datetime import datetime
from decimal import Decimal

from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.sizing import quantity, shown
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EntryType
from crypto_signals.domain.wording import (
    bar_text,
    bar_word,
    detector_words,
    one_line,
    price_text,
    setup_words,
    share_words,
    signed,
    timeframe_words,
)
from crypto_signals.notifications.odds import odds_line
from crypto_signals.notifications.texts import Colour, Field, Line, Message, Strong

THREAD_NAME_MAX = 100
MAY_REPEAT = "This may repeat an earlier message."


def announcement(signal: Signal, *, may_repeat: bool = False) -> Message:
    """What people are told when a signal is found."""
    return Message(
        title=f"{arrow(signal)} {setup_words(signal)}",
        lines=(*_what_to_do(signal), *_warnings(signal, may_repeat=may_repeat)),
        colour=_colour(signal),
        fields=(*_levels(signal), *_reasons(signal)),
        footer=footer(signal),
        ts=signal.created_at,
        thread_name=thread_name(signal),
        alt=alt_text(signal),
    )


def arrow(signal: Signal) -> str:
    return "▲" if signal.direction is Direction.LONG else "▼"


def footer(signal: Signal) -> str:
    """From which bar, rules and run every number of the message comes."""
    return (
        f"signal {one_line(signal.short_id)} · bar {bar_text(signal.bar_ts, signal.timeframe)}"
        f" · {one_line(signal.strategy)} {one_line(signal.strategy_version)} · run {one_line(signal.run_id)}"
    )


def short_footer(signal: Signal, ts: datetime) -> str:
    """Of a follow-up: the rest is in the announcement of the same id."""
    rules = f"{one_line(signal.strategy)} {one_line(signal.strategy_version)}"
    return f"signal {one_line(signal.short_id)} · bar {bar_text(ts, signal.timeframe)} · {rules}"


def thread_name(signal: Signal) -> str:
    """Names a signal in at most 100 characters; the id, by which it is found again, is always whole."""
    detector = detector_words(signal.detector).lower()
    name = f"{one_line(signal.symbol)} {signal.direction.value} · {detector}"
    tail = f" · {bar_text(signal.bar_ts, signal.timeframe)} [{one_line(signal.short_id)}]"
    room = THREAD_NAME_MAX - len(tail)
    return (name if len(name) <= room else f"{name[: room - 1]}…") + tail


def alt_text(signal: Signal) -> str:
    """The picture in words, for those who cannot see it."""
    plan = signal.plan
    targets = ", ".join(_price(signal, target) for target in plan.targets)
    return (
        f"Chart of {one_line(signal.symbol)}, {timeframe_words(signal.timeframe)} bars:"
        f" {detector_words(signal.detector)}, {plan.direction.value}."
        f" Entry {_price(signal, plan.entry)}, stop {_price(signal, plan.stop)}, targets {targets}."
    )


def _colour(signal: Signal) -> Colour:
    if signal.conviction is Conviction.HIGH:
        return Colour.GOLD
    return Colour.GREEN if signal.direction is Direction.LONG else Colour.RED


def _price(signal: Signal, price: float) -> str:
    return price_text(signal.symbol, price)


def _what_to_do(signal: Signal) -> tuple[Line, ...]:
    """The order to place, until when, and when to leave it."""
    plan = signal.plan
    long = plan.direction is Direction.LONG
    verb = "Buy" if long else "Sell short"
    entry, stop, first = (_price(signal, price) for price in (plan.entry, plan.stop, plan.targets[0]))
    beyond, reached = ("at or below", "at or above") if long else ("at or above", "at or below")
    passed = f"{beyond} the stop or {reached} target 1 ({first})"
    if plan.entry_type is EntryType.MARKET:
        order: Line = (
            Strong(f"{verb} {at_next_open(signal)}"),
            f", near {entry}. Put the stop at {stop} at once.",
        )
        skip = f"Leave it if the price is {passed} by then."
    else:
        kind = f"{verb.lower()} {plan.entry_type.value}"
        order = (Strong(f"Place a {kind} order at {entry}"), f". Once filled, put the stop at {stop}.")
        skip = f"Cancel it if a bar opens {passed} before it fills."
    return order, (skip,), ("Valid until ", signal.valid_until, ".")


def at_next_open(signal: Signal) -> str:
    """When to act. Where bars follow each other without a break, the next one is open already."""
    waits = signal.asset_class is AssetClass.EQUITY and signal.timeframe.is_daily
    return "at the next open" if waits else "now"


def _warnings(signal: Signal, *, may_repeat: bool) -> tuple[Line, ...]:
    lines: list[Line] = []
    if signal.late_bars > 0:
        bars = "1 bar" if signal.late_bars == 1 else f"{signal.late_bars} bars"
        lines.append((Strong(f"Late by {bars}"), ": look at the price before you act."))
    if may_repeat:
        lines.append((MAY_REPEAT,))
    return tuple(lines)


def _levels(signal: Signal) -> tuple[Field, ...]:
    plan = signal.plan
    when = f"{at_next_open(signal).removeprefix('at the ')}, near"
    entry = {EntryType.MARKET: when, EntryType.LIMIT: "limit", EntryType.STOP: "stop order"}
    fields = [
        Field("Entry", ((f"{entry[plan.entry_type]} {_price(signal, plan.entry)}",),), inline=True),
        Field("Stop", (_stop_line(signal), (f"1 R = {_price(signal, plan.risk)}",)), inline=True),
        Field("Conviction", ((signal.conviction.value.lower(),),), inline=True),
        *(_target(signal, number) for number in (1, 2, 3)),
    ]
    if plan.risk_usd is not None:
        fields.append(Field("Size", (_size(signal, plan.risk_usd),)))
    if plan.invalidation is not None:
        fields.append(Field("Invalidation", (_invalidation(signal, plan.invalidation),)))
    return tuple(fields)


def _stop_line(signal: Signal) -> Line:
    plan, atr = signal.plan, signal.confluence.get("atr")
    distance = _distance(plan.stop, plan.entry)
    atrs = f", {plan.risk / atr:.1f} ATR" if atr else ""
    return Strong(_price(signal, plan.stop)), f" ({distance}{atrs})"


def _target(signal: Signal, number: int) -> Field:
    plan = signal.plan
    level, fraction = plan.targets[number - 1], plan.fractions[number - 1]
    reward = ""
    if plan.risk:
        reward = f", {signed(plan.direction.side * (level - plan.entry) / plan.risk, 1)} R"
    verb = "sell" if plan.direction is Direction.LONG else "buy back"
    part = "the rest" if number == 3 else share_words(fraction)
    lines: tuple[Line, ...] = (
        (Strong(_price(signal, level)), f" ({_distance(level, plan.entry)}{reward})"),
        (f"{verb} {part}",),
    )
    return Field(f"Target {number}", lines, inline=True)


def _size(signal: Signal, risk_usd: float) -> Line:
    """How much to trade so that the stop costs what was stated; rounded down, so never more."""
    plan, instrument = signal.plan, Instrument.of(signal.symbol)
    coin = one_line(signal.symbol.partition("/")[0])
    unit = "shares" if signal.asset_class is AssetClass.EQUITY else coin
    at_risk = f"{risk_usd:,.2f} USD at risk"
    size = shown(quantity(instrument, risk_usd, plan.risk)) if plan.risk else Decimal(0)
    if not size:
        return (f"{at_risk} is less than the smallest order loses at the stop: leave it, or risk more.",)
    notional = size * Decimal(repr(plan.entry))
    words = "1 share" if size == 1 and unit == "shares" else f"{size:,f} {unit}"
    return (Strong(words), f" for {at_risk}, worth {notional:,.2f} USD at the entry")


def _distance(level: float, entry: float) -> str:
    return f"{signed(100 * (level - entry) / entry, 1)} %" if entry else "? %"


def _invalidation(signal: Signal, level: float) -> Line:
    side = "below" if signal.direction is Direction.LONG else "above"
    close = f"{bar_word(signal.timeframe)} close {side} {_price(signal, level)}"
    return (f"A {close} breaks the pattern: exit at the next open.",)


def _reasons(signal: Signal) -> tuple[Field, ...]:
    fields = [Field("Why", (_why(signal),))]
    if signal.confirmed_by:
        fields.append(Field("Confirmed by", (_names(signal.confirmed_by),)))
    if signal.context:
        fields.append(Field("Also on the chart", (_names(signal.context),)))
    fields.append(Field("Odds", ((odds_line(signal.evidence),),)))
    bars = f"{timeframe_words(signal.timeframe)} bars"
    feed = f"{one_line(signal.feed)}, {bars}" if signal.feed else bars
    fields.append(Field("Data", ((feed,),)))
    return tuple(fields)


def _why(signal: Signal) -> Line:
    """The pattern and the readings that its gates looked at."""
    readings = {name: value for name, value in signal.confluence.items() if value is not None}
    readings |= {_GATE_READINGS[gate.gate]: gate.value for gate in signal.gates if _has_reading(gate)}  # type: ignore[misc]
    parts = [detector_words(signal.detector)]
    if "volume_ratio" in readings:
        parts.append(f"volume {readings['volume_ratio']:.1f}× its 20-bar average")
    parts += [f"{name.upper()} {readings[name]:.0f}" for name in ("rsi", "adx") if name in readings]
    if signal.plan.risk:
        parts.append(f"target 2 pays {signal.plan.reward_to_risk:.1f} R")
    return (", ".join(parts) + ".",)


_GATE_READINGS = {"volume": "volume_ratio", "rsi": "rsi", "adx": "adx"}


def _has_reading(gate: GateResult) -> bool:
    return gate.gate in _GATE_READINGS and gate.value is not None


def _names(detectors: tuple[str, ...]) -> Line:
    return (", ".join(detector_words(name) for name in detectors) + ".",)
