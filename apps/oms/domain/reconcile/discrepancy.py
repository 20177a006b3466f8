"""Discrepancies: differences to the exchange that no execution report explains, and their handling.

A *finding* is one difference in one comparison. A discrepancy row depends only on findings and
decisions, so a repeated finding changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from oms.domain.reconcile.position_comparison import SETTLE_DELAY
from oms.domain.value import evolve, value


class DiscrepancyClass(StrEnum):
    """Class of a difference."""

    POSITION_DIFFERS = "position_differs"
    ORDER_VANISHED = "order_vanished"
    DEAL_EXTRA = "deal_extra"
    DEAL_DIFFERS = "deal_differs"
    BALANCE_DIFFERS = "balance_differs"
    FUNDING_DIFFERS = "funding_differs"
    POSITION_MODE_DIFFERS = "position_mode_differs"
    CREDENTIALS_CHANGED_OWNER = "credentials_changed_owner"
    ORDER_OVER_FILLED = "order_over_filled"


class DiscrepancyPolicy(StrEnum):
    """Who decides: automatic application of the proposed fix, or a user."""

    AUTO = "auto"
    ASK = "ask"
    #: A user; until then the account may only reduce positions.
    QUARANTINE = "quarantine"


class DiscrepancyStatus(StrEnum):
    """Status of a discrepancy."""

    #: Found once; may be a change in progress.
    PENDING = "pending"
    OPEN = "open"
    #: The proposed fix was applied.
    APPLIED = "applied"
    #: A user accepted the difference; not raised again while it stays the same.
    DISMISSED = "dismissed"
    #: The difference ended by itself.
    CLOSED = "closed"
    #: The fix was applied and reverted.
    REVERSED = "reversed"


TRACKED_STATUSES = (
    DiscrepancyStatus.PENDING,
    DiscrepancyStatus.OPEN,
    DiscrepancyStatus.APPLIED,
    DiscrepancyStatus.DISMISSED,
)
"""Statuses that the next comparison must take into account."""

DATED_CLASSES = (
    DiscrepancyClass.DEAL_EXTRA,
    DiscrepancyClass.DEAL_DIFFERS,
    DiscrepancyClass.FUNDING_DIFFERS,
)
"""Classes of differences about one time, which a comparison finds only if it read that time."""

DECIDED_STATUSES = (DiscrepancyStatus.APPLIED, DiscrepancyStatus.DISMISSED)
"""Statuses of tracked discrepancies that wait for nothing: they cover the same finding."""

DEFAULT_POLICIES: Mapping[DiscrepancyClass, DiscrepancyPolicy] = MappingProxyType(
    {
        DiscrepancyClass.POSITION_DIFFERS: DiscrepancyPolicy.QUARANTINE,
        DiscrepancyClass.ORDER_VANISHED: DiscrepancyPolicy.ASK,
        DiscrepancyClass.DEAL_EXTRA: DiscrepancyPolicy.ASK,
        DiscrepancyClass.DEAL_DIFFERS: DiscrepancyPolicy.ASK,
        DiscrepancyClass.BALANCE_DIFFERS: DiscrepancyPolicy.ASK,
        DiscrepancyClass.FUNDING_DIFFERS: DiscrepancyPolicy.ASK,
        DiscrepancyClass.POSITION_MODE_DIFFERS: DiscrepancyPolicy.QUARANTINE,
        DiscrepancyClass.CREDENTIALS_CHANGED_OWNER: DiscrepancyPolicy.QUARANTINE,
        DiscrepancyClass.ORDER_OVER_FILLED: DiscrepancyPolicy.ASK,
    }
)


@value
class Discrepancy:
    """A recorded difference; ``evidence`` and ``fix`` are JSON text."""

    id: int
    account_id: int
    kind: str
    symbol: str | None
    #: Key that identifies the same difference in later comparisons.
    subject: str
    status: str
    policy: str
    evidence: str
    fix: str | None = None
    first_seen: datetime
    last_seen: datetime
    decided_by: str | None = None
    comment: str | None = None


@value
class Finding:
    """One difference in one comparison; ``evidence`` and ``fix`` as in ``Discrepancy``."""

    kind: DiscrepancyClass
    symbol: str | None
    subject: str
    evidence: str
    fix: str | None = None
    #: Policy configured for the account, else the default of the class.
    policy: DiscrepancyPolicy


def policy_of(
    kind: DiscrepancyClass, configured: Mapping[str, str], *, is_small: bool = False
) -> DiscrepancyPolicy:
    """Return the ``configured`` policy of the class, else its default.

    Small differences in money are applied automatically by default.
    """
    known_values = configured.get(kind.value)
    if known_values is not None:
        return DiscrepancyPolicy(known_values)
    return DiscrepancyPolicy.AUTO if is_small else DEFAULT_POLICIES[kind]


def update_seen(row: Discrepancy, finding: Finding, now: datetime) -> Discrepancy:
    """Return ``row`` after a repeated finding; the same object if nothing changes.

    A pending row opens when the same fix is found again at least ``SETTLE_DELAY`` later; a
    different fix restarts the delay, since on active symbols changes are always in progress.
    """
    status, is_opened, first_seen = row.status, False, row.first_seen
    if status == DiscrepancyStatus.PENDING and row.fix != finding.fix:
        first_seen = now
    elif status == DiscrepancyStatus.PENDING and now - row.first_seen >= SETTLE_DELAY:
        status, is_opened = DiscrepancyStatus.OPEN.value, True
    known_values = (row.evidence, row.fix, row.policy)
    is_unchanged = known_values == (finding.evidence, finding.fix, finding.policy.value)
    if not is_opened and (is_unchanged or status in DECIDED_STATUSES):
        return row
    return evolve(
        row,
        status=status,
        policy=finding.policy.value,
        evidence=finding.evidence,
        fix=finding.fix,
        first_seen=first_seen,
        last_seen=now,
    )


def is_covered(row: Discrepancy, finding: Finding) -> bool:
    """Return whether ``row`` covers the finding, so that no new row is needed."""
    match row.status:
        case DiscrepancyStatus.PENDING | DiscrepancyStatus.OPEN:
            return True
        case DiscrepancyStatus.DISMISSED:
            return row.evidence == finding.evidence
        case DiscrepancyStatus.APPLIED:
            return finding.kind in _REPORTED_AGAIN and row.evidence == finding.evidence
        case _:
            return False


#: The exchange keeps reporting these after they were corrected.
_REPORTED_AGAIN = (DiscrepancyClass.DEAL_EXTRA, DiscrepancyClass.DEAL_DIFFERS)


def close_ended(row: Discrepancy, now: datetime) -> Discrepancy:
    """Return ``row`` when the difference is no longer found; an applied fix stays applied."""
    if row.status == DiscrepancyStatus.APPLIED:
        return row
    return evolve(row, status=DiscrepancyStatus.CLOSED.value, last_seen=now)


def quarantine_of(rows: Mapping[int, Discrepancy]) -> str | None:
    """Return the class of the oldest open row with policy quarantine, ``None`` if there is none."""
    quarantined = sorted(
        (row.id, row.kind)
        for row in rows.values()
        if row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    )
    return quarantined[0][1] if quarantined else None


class Decision(StrEnum):
    """Decision of a user on a discrepancy."""

    APPLY = "apply"
    DISMISS = "dismiss"


@value
class DecideDiscrepancy:
    """Apply the proposed fix of a discrepancy, dismiss it, or revert an applied fix."""

    discrepancy_id: int
    answer: Decision
    #: Whether the decision may lift a quarantine while the difference persists.
    lifts: bool = False
    comment: str | None = None
