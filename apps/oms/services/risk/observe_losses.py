"""Compares the losses of an account with its limits, and keeps what they reached.

It runs before each command that may open a position, and after each snapshot of equity. A limit
that is reached is reported once: that on the loss of a day once a day, that on the drawdown until
it is reset. The high-water mark is that of the snapshot with the highest profit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.errors import Unavailable
from oms.domain.event import Event, Namespace
from oms.domain.risk.exposure import NO_EXPOSURE
from oms.domain.risk.limit_context import AccountEquity, HighWater, LimitContext, LossVerdict, Trip
from oms.domain.risk.loss_limits import judge_losses
from oms.domain.risk.measure import number_of
from oms.domain.risk.policy import AccountPolicy, Limit
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.trips import mark_at, with_trips
from oms.domain.value import evolve
from oms.ports.performance.equity_snapshots import EquitySnapshot, EquitySnapshotStore
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import limit_rates, read_equity
from oms.services.ledger.record import Changes

DRAWDOWN = "max_total_drawdown_pct"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveLosses:
    """Observes the losses of accounts with limits on them."""

    snapshots: EquitySnapshotStore

    async def __call__(
        self, state: AccountState, changes: Changes, now: datetime
    ) -> AccountEquity | None:
        """Keep and report the limits that the account has reached. Raises ``Unavailable``.

        Returns the equity that was compared; ``None`` if there are no limits on losses.
        """
        policy = state.policy
        if policy is None or not policy.limits_losses:
            return None
        equity = await read_equity(state, now)
        if DRAWDOWN in policy.account:
            await self._update_mark(state, equity, now)
        else:
            state.new_snapshots.clear()
        rates = await limit_rates(state, {equity.currency}, now)
        observed = state.observed
        if observed is not None and observed.hold_for(policy, equity, rates, state.risk):
            return equity
        context = LimitContext(
            exposure=NO_EXPOSURE, instruments={}, rates=rates, equity=equity, risk=state.risk
        )
        state.observed = judge_losses(policy, context)
        trips = _new_trips(policy, context, state.observed.verdicts, now)
        state.set_risk(with_trips(state.risk, trips))
        reported: set[tuple[str, str]] = set()
        for trip in trips:
            name = (KEYS[trip.key].reason, trip.scope)
            if name not in reported and not _is_reported(context, trip, now):
                reported.add(name)
                changes.events.append(_tripped_event(trip, policy.account[trip.key]))
        return equity

    async def _update_mark(self, state: AccountState, equity: AccountEquity, now: datetime) -> None:
        """Raise the high-water mark to the highest snapshot since it was last raised.

        They are read once; later ones are those of this worker.
        """
        mark, taken = state.risk.high_water, state.new_snapshots
        is_known = mark is not None and mark.currency == equity.currency
        if is_known and state.has_read_mark and not taken:
            return
        state.new_snapshots = []
        reset_at = None if mark is None else mark.reset_at
        since = mark.as_of if mark is not None and is_known else reset_at
        if not is_known or not state.has_read_mark:
            state.has_read_mark = True
            taken = [*await self._between(state, equity, since)]
        raised = mark if is_known else None
        for snapshot in taken:
            is_later = since is None or snapshot.ts >= since
            if is_later and snapshot.currency == equity.currency:
                raised = _raised(raised, snapshot, reset_at)
        _keep_mark(state, raised or mark_at(equity, now))

    async def _between(
        self, state: AccountState, equity: AccountEquity, since: datetime | None
    ) -> Sequence[EquitySnapshot]:
        try:
            return await self.snapshots.between(state.account.id, equity.currency, since)
        except Unavailable:
            state.has_read_mark = False
            raise


def _raised(
    mark: HighWater | None, snapshot: EquitySnapshot, reset_at: datetime | None
) -> HighWater:
    """Return the mark, not below a snapshot."""
    if mark is None:
        return HighWater(
            currency=snapshot.currency or "",
            peak=snapshot.profit,
            as_of=snapshot.ts,
            reset_at=reset_at,
        )
    peak, as_of = max(mark.peak, snapshot.profit), max(mark.as_of, snapshot.ts)
    return evolve(mark, peak=peak, as_of=as_of)


def _keep_mark(state: AccountState, raised: HighWater | None) -> None:
    mark = state.risk.high_water
    if raised is None:
        return
    if mark is not None and (raised.peak, raised.currency) == (mark.peak, mark.currency):
        # Nothing to store: the snapshots are read again after a restart.
        state.risk = evolve(state.risk, high_water=raised)
    else:
        state.set_risk(evolve(state.risk, high_water=raised))


def _new_trips(
    policy: AccountPolicy,
    context: LimitContext,
    verdicts: Mapping[str, LossVerdict],
    now: datetime,
) -> list[Trip]:
    """Return the limits that are reached and were not before."""
    trips = []
    for key, verdict in verdicts.items():
        limit = policy.account[key]
        if verdict.breach is not None and not _is_tripped(context, limit, now):
            trips.append(
                Trip(
                    key=key,
                    scope=limit.scope.value,
                    tripped_at=now,
                    limit=number_of(limit),
                    actual=verdict.breach.actual,
                )
            )
    return trips


def _is_tripped(context: LimitContext, limit: Limit, now: datetime) -> bool:
    """Return whether the limit was reached before: the drawdown ever, a loss on this day.

    A limit on losses that was raised since can be reached again.
    """
    trip = context.risk.trip_of(limit.key)
    if trip is None or limit.key == DRAWDOWN:
        return trip is not None
    is_today = trip.tripped_at >= (context.equity.day_start or now)
    return is_today and trip.scope == limit.scope.value and number_of(limit) <= trip.limit


def _is_reported(context: LimitContext, trip: Trip, now: datetime) -> bool:
    """Return whether another limit on the loss of the day, of the same scope, was reported."""
    if trip.key == DRAWDOWN:
        return False
    today = context.equity.day_start or now
    return any(
        each.scope == trip.scope and each.tripped_at >= today
        for each in context.risk.trips
        if each.key != DRAWDOWN
    )


def _tripped_event(trip: Trip, limit: Limit) -> Event:
    facts = {
        "scope": trip.scope,
        "scope_id": limit.scope_id,
        "key": trip.key,
        "reason": KEYS[trip.key].reason,
        "limit": trip.limit,
        "value": trip.actual,
    }
    return Event(name="risk_tripped", namespace=Namespace.RISK, facts=facts)
