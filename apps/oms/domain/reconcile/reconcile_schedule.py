"""When an account is swept by itself, and how far each sweep looks back: its owner's settings."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from types import MappingProxyType

from oms.domain.reconcile.position_comparison import DEFAULT_LOOKBACKS, Scope
from oms.domain.value import value

DEFAULT_INTERVALS: Mapping[Scope, timedelta] = MappingProxyType(
    {
        Scope.SHORT: timedelta(seconds=60),
        Scope.HOURLY: timedelta(hours=1),
        Scope.LONG: timedelta(days=1),
    }
)
"""How often a scope is swept where the account does not say."""

_WIDEST_FIRST = (Scope.LONG, Scope.HOURLY, Scope.SHORT)
_PARTS = 9973
"""Start times are spread over so many parts of an interval (a prime: ids go up by one)."""
_STRIDE = 6151


@value
class ReconcileIntervals:
    """``reconcile_*`` of an account; a scope that is not named has its default."""

    enabled: bool = True
    intervals: Mapping[Scope, timedelta] = field(default_factory=dict)
    look_backs: Mapping[Scope, timedelta] = field(default_factory=dict)

    def every(self, scope: Scope) -> timedelta:
        """The time between two sweeps."""
        return self.intervals.get(scope, DEFAULT_INTERVALS[scope])

    def look_back(self, scope: Scope) -> timedelta:
        """How far a sweep reads back at least."""
        return self.look_backs.get(scope, DEFAULT_LOOKBACKS[scope])


@value
class ReconcileSchedule:
    """When each scope of one account is due."""

    due: Mapping[Scope, datetime]

    @classmethod
    def begun(
        cls, account_id: int, plan: ReconcileIntervals, now: datetime, *, waits: bool = True
    ) -> "ReconcileSchedule":
        """The first times of an account: spread, so that accounts are not swept all at once.

        Without ``waits`` a short one is due at once.
        """
        part = account_id * _STRIDE % _PARTS
        due = {scope: now + plan.every(scope) * part // _PARTS for scope in DEFAULT_INTERVALS}
        if not waits:
            due[Scope.SHORT] = now
        return cls(due=due)

    def scope_due(self, now: datetime) -> Scope | None:
        """The widest scope that is due."""
        return next((scope for scope in _WIDEST_FIRST if self.due[scope] <= now), None)

    def mark_reconciled(
        self, scope: Scope, plan: ReconcileIntervals, now: datetime
    ) -> "ReconcileSchedule":
        """After a sweep of ``scope``, which is one of each narrower scope too."""
        narrower = _WIDEST_FIRST[_WIDEST_FIRST.index(scope) :]
        return ReconcileSchedule(
            due={**self.due, **{each: now + plan.every(each) for each in narrower}}
        )
