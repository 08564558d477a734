"""A process that acts on a store together with others: it says ``ready``, waits for a line, acts, reports.

Run as ``racer.py URL ACT OWNER``; prints what it did as JSON.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from crypto_signals.domain.errors import LeaseHeld, LeaseLost, StoreUnusable, VersionConflict
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Store
from crypto_signals.repository.opening import open_store
from repository.samples import effect, new, signal

ROUNDS = 30


def went(*acts: Callable[[], object]) -> str:
    try:
        for act in acts:
            act()
    except (LeaseHeld, LeaseLost, StoreUnusable, VersionConflict) as error:
        return type(error).__name__
    return "done"


def opening(_store: Store, _owner: str) -> list[str]:
    return ["opened"]


def lease(store: Store, owner: str) -> list[str]:
    """Takes the lease once, and keeps it."""
    return [went(lambda: store.acquire(owner, 600))]


def same_signals(store: Store, owner: str) -> list[str]:
    """Takes over again and again, and writes the same signals as the others."""
    take = partial(store.acquire, owner, 600)
    return [went(take, partial(store.commit, [new(signal(str(number)))])) for number in range(ROUNDS)]


def same_effects(store: Store, owner: str) -> list[str]:
    """Takes over again and again, and claims the same effects as the others."""
    take = partial(store.acquire, owner, 600)
    claims = [effect(signal(str(number))).moved(EffectStatus.CLAIMED) for number in range(ROUNDS)]
    return [went(take, partial(store.record_effects, [claim])) for claim in claims]


ACTS = {act.__name__: act for act in (opening, lease, same_signals, same_effects)}


def main(url: str, act: str, owner: str) -> None:
    store = None if act == "opening" else open_store(url)
    print("ready", flush=True)
    sys.stdin.readline()
    store = store or open_store(url)
    print(json.dumps(ACTS[act](store, owner)), flush=True)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
