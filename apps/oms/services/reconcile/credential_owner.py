"""Credentials that lead to another account of the exchange than before: an item, and a quarantine.

Nothing can be compared then: the client is not opened with them. The item ends with the next
reading, which is one of the right account.
"""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.errors import Refused
from oms.domain.reconcile.discrepancy import (
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyStatus,
    Finding,
    is_covered,
    policy_of,
)
from oms.ports.ids import IdBlocks
from oms.ports.reconcile_store import ReconcileStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.reconcile.open_discrepancies import load_open_discrepancies
from oms.wire.json import dumps_fast

_KIND = DiscrepancyClass.CREDENTIALS_CHANGED_OWNER


async def record_owner_change(
    rows: ReconcileStore,
    ids: IdBlocks,
    state: AccountState,
    unavailable_reason: Refused,
    changes: Changes,
    now: datetime,
) -> Sequence[Discrepancy]:
    """The rows to write because of ``trouble``; none where it is another one, or stands."""
    if unavailable_reason.reason != _KIND.value:
        return ()
    finding = Finding(
        kind=_KIND,
        symbol=None,
        subject=_KIND.value,
        evidence=dumps_fast({"message": unavailable_reason.message}),
        policy=policy_of(_KIND, state.account.policies),
    )
    found = await load_open_discrepancies(rows, state, changes)
    if any(row.kind == _KIND and is_covered(row, finding) for row in found.rows.values()):
        return ()
    await ids.ensure("discrepancy", 1)
    row = Discrepancy(
        id=ids("discrepancy"),
        account_id=state.account.id,
        kind=finding.kind.value,
        symbol=None,
        subject=finding.subject,
        status=DiscrepancyStatus.OPEN.value,
        policy=finding.policy.value,
        evidence=finding.evidence,
        first_seen=now,
        last_seen=now,
    )
    found.put(row)
    await found.settle(ids)
    return tuple(found.changed.values())
