"""The statements that a run makes again and again, built once: to build one costs more than to run it."""

from sqlalchemy import bindparam, insert, select, update

from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.repository.tables import effects, events, leases, signals
from crypto_signals.repository.tenure import LEASE

_UNDELIVERED = (EffectStatus.OWED.value, EffectStatus.CLAIMED.value, EffectStatus.UNKNOWN.value)

INSERT_SIGNAL, INSERT_EVENTS, INSERT_EFFECT = insert(signals), insert(events), insert(effects)
UPDATE_SIGNAL = update(signals).where(
    signals.c.signal_id == bindparam("changed"), signals.c.revision == bindparam("seen")
)
UPDATE_EFFECT = update(effects).where(
    effects.c.key == bindparam("changed"), effects.c.revision == bindparam("seen")
)
HOLDS_LEASE = (
    select(leases.c.term)
    .where(
        leases.c.name == LEASE, leases.c.owner == bindparam("owner"), leases.c.term == bindparam("term")
    )
    .with_for_update(read=True)
)

SIGNAL = select(signals.c.body).where(signals.c.signal_id == bindparam("signal_id"))
EVENTS = select(events.c.body).where(events.c.signal_id == bindparam("signal_id")).order_by(events.c.seq)
EFFECTS = (
    select(effects)
    .where(effects.c.signal_id == bindparam("signal_id"))
    .order_by(effects.c.seq, effects.c.key)
)
UNDELIVERED = (
    select(effects, signals.c.symbol, signals.c.is_open)
    .join(signals, signals.c.signal_id == effects.c.signal_id)
    .where(effects.c.status.in_(_UNDELIVERED))
    .order_by(
        signals.c.created_at,
        signals.c.symbol,
        signals.c.detector,
        effects.c.signal_id,
        effects.c.seq,
        effects.c.key,
    )
)
