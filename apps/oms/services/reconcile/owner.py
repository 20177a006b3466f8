"""Credentials that lead to another account of the exchange than before: an item, and a quarantine.

Nothing can be compared then: the client is not opened with them. The item ends with the next
reading, which is one of the right account.
"""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.discrepancy import Class, Discrepancy, Finding, Status, is_answered, policy_of
from oms.domain.errors import Refused
from oms.ports.ids import IdBlocks
from oms.ports.reconciliation import Reconciliations
from oms.services.home import Home
from oms.services.reconcile.standing import standing
from oms.services.record import Changes
from oms.wire.json import dumps_plain

_KIND = Class.CREDENTIALS_CHANGED_OWNER


async def noted_owner(
    rows: Reconciliations,
    ids: IdBlocks,
    home: Home,
    trouble: Refused,
    changes: Changes,
    now: datetime,
) -> Sequence[Discrepancy]:
    """The rows to write because of ``trouble``; none where it is another one, or stands."""
    if trouble.reason != _KIND.value:
        return ()
    finding = Finding(
        kind=_KIND,
        symbol=None,
        subject=_KIND.value,
        evidence=dumps_plain({"message": trouble.message}),
        policy=policy_of(_KIND, home.account.policies),
    )
    found = await standing(rows, home, changes)
    if any(row.kind == _KIND and is_answered(row, finding) for row in found.rows.values()):
        return ()
    await ids.ensure("discrepancy", 1)
    row = Discrepancy(
        id=ids("discrepancy"),
        account_id=home.account.id,
        kind=finding.kind.value,
        symbol=None,
        subject=finding.subject,
        status=Status.OPEN.value,
        policy=finding.policy.value,
        evidence=finding.evidence,
        first_seen=now,
        last_seen=now,
    )
    found.put(row)
    await found.settle(ids)
    return tuple(found.changed.values())
