"""Schedule of the automatic reconciliation of accounts: intervals and lookbacks."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import timedelta
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
"""Default interval per scope."""

_WIDEST_FIRST = (Scope.LONG, Scope.HOURLY, Scope.SHORT)
_PARTS = 9973
"""Start times are spread over this many slots of an interval (a prime, since ids are sequential).
"""
_STRIDE = 6151


def scopes_from(scope: Scope) -> Sequence[Scope]:
    """Return the scheduled scopes that read at least as far back as ``scope``."""
    return _WIDEST_FIRST[: _WIDEST_FIRST.index(scope) + 1]


@value
class ReconcileIntervals:
    """``reconcile_*`` of an account; scopes without a setting have their defaults."""

    enabled: bool = True
    intervals: Mapping[Scope, timedelta] = field(default_factory=dict)
    look_backs: Mapping[Scope, timedelta] = field(default_factory=dict)

    def every(self, scope: Scope) -> timedelta:
        """Return the time between two runs of the scope."""
        return self.intervals.get(scope, DEFAULT_INTERVALS[scope])

    def look_back(self, scope: Scope) -> timedelta:
        """Return how far a run reads back at least."""
        return self.look_backs.get(scope, DEFAULT_LOOKBACKS[scope])


@value
class ReconcileSchedule:
    """Due times of each scope of one account, by a clock that never steps."""

    due: Mapping[Scope, timedelta]

    @classmethod
    def initial(
        cls, account_id: int, plan: ReconcileIntervals, now: timedelta, *, waits: bool = True
    ) -> "ReconcileSchedule":
        """Return the first due times of an account, spread so that accounts do not run
        simultaneously.

        Times of earlier runs are not stored: the widest scope is due within an hourly interval,
        so that a process that is restarted each day does not miss it. Without ``waits`` the
        short scope is due immediately.
        """
        part = account_id * _STRIDE % _PARTS
        hourly = plan.every(Scope.HOURLY)
        due = {
            scope: now + min(plan.every(scope), hourly) * part // _PARTS
            for scope in DEFAULT_INTERVALS
        }
        if not waits:
            due[Scope.SHORT] = now
        return cls(due=due)

    def scope_due(self, now: timedelta) -> Scope | None:
        """Return the widest scope that is due."""
        return next((scope for scope in _WIDEST_FIRST if self.due[scope] <= now), None)

    def mark_reconciled(
        self, scope: Scope, plan: ReconcileIntervals, now: timedelta
    ) -> "ReconcileSchedule":
        """Return the schedule after a run of ``scope``, which also covers all narrower scopes."""
        narrower = _WIDEST_FIRST[_WIDEST_FIRST.index(scope) :]
        return ReconcileSchedule(
            due={**self.due, **{each: now + plan.every(each) for each in narrower}}
        )
