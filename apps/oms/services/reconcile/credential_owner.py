"""Credentials that open another account of the exchange than before: discrepancy and quarantine.

The client is not opened with such credentials, so nothing can be compared. The discrepancy closes
with the next pass, which reads the right account.
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
    reason: Refused,
    changes: Changes,
    now: datetime,
) -> Sequence[Discrepancy]:
    """Return the rows to write because of ``reason``; none if it is another, or already open."""
    if reason.reason != _KIND.value:
        return ()
    finding = Finding(
        kind=_KIND,
        symbol=None,
        subject=_KIND.value,
        evidence=dumps_fast({"message": reason.message}),
        policy=policy_of(_KIND, state.account.policies),
    )
    discrepancies = await load_open_discrepancies(rows, state, changes)
    if any(row.kind == _KIND and is_covered(row, finding) for row in discrepancies.rows.values()):
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
    discrepancies.put(row)
    await discrepancies.update_quarantine(ids)
    return tuple(discrepancies.changed.values())
