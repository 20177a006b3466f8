"""Discrepancies: what the exchange shows and no fact explains, and what becomes of one.

A *finding* is what one comparison sees. The row of a discrepancy follows from findings and from
decisions alone, so that seeing the same again changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from oms.domain.reconcile.position_comparison import SETTLE_DELAY
from oms.domain.value import evolve, value


class DiscrepancyClass(StrEnum):
    """What kind of difference it is."""

    POSITION_DIFFERS = "position_differs"
    ORDER_VANISHED = "order_vanished"
    DEAL_EXTRA = "deal_extra"
    DEAL_DIFFERS = "deal_differs"
    BALANCE_DIFFERS = "balance_differs"
    POSITION_MODE_DIFFERS = "position_mode_differs"
    CREDENTIALS_CHANGED_OWNER = "credentials_changed_owner"


class DiscrepancyPolicy(StrEnum):
    """Who decides: nobody (the proposed fix is carried out), somebody, or somebody in a hurry."""

    AUTO = "auto"
    ASK = "ask"
    #: Somebody, and until then the account only reduces.
    QUARANTINE = "quarantine"


class DiscrepancyStatus(StrEnum):
    """Where a discrepancy stands."""

    #: Seen once: it may be under way.
    PENDING = "pending"
    OPEN = "open"
    #: The proposed fix was carried out.
    APPLIED = "applied"
    #: Somebody said that it is to stay so; he is not asked again while it says the same.
    DISMISSED = "dismissed"
    #: The difference ended by itself.
    CLOSED = "closed"
    #: The fix was carried out and taken back.
    REVERSED = "reversed"


TRACKED_STATUSES = (
    DiscrepancyStatus.PENDING,
    DiscrepancyStatus.OPEN,
    DiscrepancyStatus.APPLIED,
    DiscrepancyStatus.DISMISSED,
)
"""Of these the next comparison must know."""

DEFAULT_POLICIES: Mapping[DiscrepancyClass, DiscrepancyPolicy] = MappingProxyType(
    {
        DiscrepancyClass.POSITION_DIFFERS: DiscrepancyPolicy.QUARANTINE,
        DiscrepancyClass.ORDER_VANISHED: DiscrepancyPolicy.ASK,
        DiscrepancyClass.DEAL_EXTRA: DiscrepancyPolicy.ASK,
        DiscrepancyClass.DEAL_DIFFERS: DiscrepancyPolicy.ASK,
        DiscrepancyClass.BALANCE_DIFFERS: DiscrepancyPolicy.ASK,
        DiscrepancyClass.POSITION_MODE_DIFFERS: DiscrepancyPolicy.QUARANTINE,
        DiscrepancyClass.CREDENTIALS_CHANGED_OWNER: DiscrepancyPolicy.QUARANTINE,
    }
)


@value
class Discrepancy:
    """A difference that was seen; ``evidence`` and ``fix`` are JSON text."""

    id: int
    account_id: int
    kind: str
    symbol: str | None
    #: What makes it the same difference when it is seen again.
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
    """What one comparison sees of one difference; ``evidence`` and ``fix`` as for the row."""

    kind: DiscrepancyClass
    symbol: str | None
    subject: str
    evidence: str
    fix: str | None = None
    #: What the owner of the account said of the class, else its default.
    policy: DiscrepancyPolicy


def policy_of(
    kind: DiscrepancyClass, said: Mapping[str, str], *, is_small: bool = False
) -> DiscrepancyPolicy:
    """Who decides: what was ``said`` of the account, else the default of the class.

    A small difference in money needs nobody.
    """
    told = said.get(kind.value)
    if told is not None:
        return DiscrepancyPolicy(told)
    return DiscrepancyPolicy.AUTO if is_small else DEFAULT_POLICIES[kind]


def update_seen(row: Discrepancy, finding: Finding, now: datetime) -> Discrepancy:
    """``row`` after it was seen again; the same object where that changes nothing.

    One that waits opens once the same was seen again ``SETTLE`` later; another difference of the
    same subject begins anew, for where much is traded something is always under way.
    """
    status, opened, first_seen = row.status, False, row.first_seen
    if status == DiscrepancyStatus.PENDING and row.fix != finding.fix:
        first_seen = now
    elif status == DiscrepancyStatus.PENDING and now - row.first_seen >= SETTLE_DELAY:
        status, opened = DiscrepancyStatus.OPEN.value, True
    told = (row.evidence, row.fix, row.policy)
    says_the_same = told == (finding.evidence, finding.fix, finding.policy.value)
    if not opened and (
        says_the_same or status in (DiscrepancyStatus.APPLIED, DiscrepancyStatus.DISMISSED)
    ):
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
    """Whether ``row`` already says all of it, so that no new one begins."""
    match row.status:
        case DiscrepancyStatus.PENDING | DiscrepancyStatus.OPEN:
            return True
        case DiscrepancyStatus.DISMISSED:
            return row.evidence == finding.evidence
        case DiscrepancyStatus.APPLIED:
            return finding.kind in _SAID_FOR_EVER and row.evidence == finding.evidence
        case _:
            return False


#: The exchange goes on telling them after they were put right.
_SAID_FOR_EVER = (DiscrepancyClass.DEAL_EXTRA, DiscrepancyClass.DEAL_DIFFERS)


def close_ended(row: Discrepancy, now: datetime) -> Discrepancy:
    """``row`` when the difference is not seen any more; an applied fix stands."""
    if row.status == DiscrepancyStatus.APPLIED:
        return row
    return evolve(row, status=DiscrepancyStatus.CLOSED.value, last_seen=now)


def quarantine_of(rows: Mapping[int, Discrepancy]) -> str | None:
    """The class for which the account may only reduce: that of the oldest open row that says so."""
    found = sorted(
        (row.id, row.kind)
        for row in rows.values()
        if row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    )
    return found[0][1] if found else None


class Decision(StrEnum):
    """What somebody says of a discrepancy."""

    APPLY = "apply"
    DISMISS = "dismiss"


@value
class DecideDiscrepancy:
    """Carry out what is proposed for a discrepancy, leave it so, or take back what was done."""

    discrepancy_id: int
    answer: Decision
    #: Whether it may lift a quarantine without the difference having ended.
    lifts: bool = False
    comment: str | None = None
