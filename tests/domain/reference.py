"""A second reading of "Bar by bar" in rules.md: plain dicts and one loop.

It was written from the rules alone, shares no line with the lifecycle and spells both sides out
instead of multiplying by a sign, so that a mistake must be made twice to go unnoticed.

A plan is a dict: ``direction`` (long, short), ``entry``, ``stop``, ``targets`` (three),
``invalidation`` (or None), ``entry_type`` (market, limit, stop), ``fractions`` (three),
``max_bars``, ``valid_bars``, ``cost`` (a rate per fill). Bars are tuples (open, high, low, close).

Where rule 2 says "beyond", an open exactly on a level counts, as in rule 1: an order that rests there
is filled at the open.
"""

import math


def walk(plan, bars, trails):  # noqa: C901 - one loop, on purpose
    """Follow one plan over the bars; give what happened and how it ended."""
    long = plan["direction"] == "long"
    targets, stop = plan["targets"], plan["stop"]
    risk = abs(plan["entry"] - stop)
    happened = []  # (what, bar index, price, fraction, reason)
    exits = []  # (fraction, price)
    fill, hits, age, kind = None, 0, 0, "stop"
    broken = ambiguous = False
    status, reason = "WAITING", None

    def beyond_up(price, level):  # further in the trade's favour than the level
        return price > level if long else price < level

    def beyond_down(price, level):
        return price < level if long else price > level

    def opens_past_stop(price):
        return beyond_down(price, stop) or price == stop

    def opens_past_target(price, level):
        return beyond_up(price, level) or price == level

    def left():
        return 1.0 - sum(fraction for fraction, _ in exits)

    for index, (open_, high, low, close) in enumerate(bars):
        best, worst = (high, low) if long else (low, high)
        entered_inside = False

        # 1. entry
        if fill is None:
            if not beyond_up(open_, stop) or not beyond_down(open_, targets[0]):
                status, reason = "EXPIRED", "missed"
                happened.append(("expired", index, None, None, reason))
                break
            if plan["entry_type"] == "market":
                fill = open_
            elif plan["entry_type"] == "limit":  # at the level or better
                if not beyond_up(open_, plan["entry"]):
                    fill = open_
                elif not beyond_up(worst, plan["entry"]):
                    fill = plan["entry"]
            elif plan["entry_type"] == "stop":  # at the level or worse
                if not beyond_down(open_, plan["entry"]):
                    fill = open_
                elif not beyond_down(best, plan["entry"]):
                    fill = plan["entry"]
            if fill is None:
                if index + 1 == plan["valid_bars"]:
                    status, reason = "EXPIRED", "no_entry"
                    happened.append(("expired", index, None, None, reason))
                    break
                continue
            entered_inside = plan["entry_type"] != "market"
            status = "ACTIVE"
            happened.append(("entered", index, fill, None, None))
        age += 1

        def leave(price, new_status, why, index=index):
            what = "trail_hit" if why == "trail" else new_status.lower()
            happened.append((what, index, price, left(), why))
            exits.append((left(), price))
            return new_status, why

        stopped_as = "TP3_HIT" if kind == "trail" else "STOPPED"
        # 2. at the open: structure, stop, targets
        if broken:
            status, reason = leave(open_, "INVALIDATED", "structure")
            break
        if opens_past_stop(open_):
            status, reason = leave(open_, stopped_as, kind)
            break
        if not entered_inside:
            while hits < 3 and opens_past_target(open_, targets[hits]):
                part = plan["fractions"][hits]
                exits.append((part, open_))
                hits += 1
                status = f"TP{hits}_HIT"
                happened.append((f"target_{hits}_hit", index, open_, part, "target_3" if hits == 3 else None))
        if hits == 3:
            reason = "target_3"
            break
        # 3. inside: the stop that stood at the open
        if not beyond_up(worst, stop):
            if not beyond_down(best, targets[hits]):
                ambiguous = True
            status, reason = leave(stop, stopped_as, kind)
            break
        # 4. targets, in order
        if not entered_inside:
            while hits < 3 and not beyond_down(best, targets[hits]):
                part = plan["fractions"][hits]
                exits.append((part, targets[hits]))
                hits += 1
                status = f"TP{hits}_HIT"
                why = "target_3" if hits == 3 else None
                happened.append((f"target_{hits}_hit", index, targets[hits - 1], part, why))
        if hits == 3:
            reason = "target_3"
            break
        # 5 and 6. at the close
        if age == plan["max_bars"]:
            status, reason = leave(close, "EXPIRED", "time")
            break
        if plan["invalidation"] is not None and beyond_down(close, plan["invalidation"]):
            broken = True
            happened.append(("structure_broken", index, None, None, None))
        before = stop
        if hits >= 1 and beyond_up(fill, stop):
            stop, kind = fill, "break_even"
        if hits >= 2 and beyond_up(targets[0], stop):
            stop, kind = targets[0], "tp1_lock"
        trail = trails[index]
        if hits >= 2 and trail is not None and math.isfinite(trail) and beyond_up(trail, stop):
            stop, kind = trail, "trail"
        if stop != before:
            happened.append(("stop_moved", index, stop, None, kind))

    result = fees = None
    if fill is not None and reason is not None:
        side = 1 if long else -1
        gross = sum(fraction * (price - fill) * side / risk for fraction, price in exits)
        fees = plan["cost"] * (fill + sum(f * p for f, p in exits)) / risk
        result = gross - fees
    return {
        "events": happened,
        "status": status,
        "exit_reason": reason,
        "result_r": result,
        "fees_r": fees,
        "ambiguous": ambiguous,
        "stop": stop,
    }
