"""Figures of reconciliation for those who watch: what differs, and since when nobody looked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from oms.api.deps import Doors
from oms.domain.discrepancy import Class
from oms.domain.money import difference
from oms.wire.json import loads
from oms.wire.reconcile import newest_cursors

WORKER_ALIVE_SECONDS = 15.0

Beat = Mapping[str, Any]


async def heartbeats(parts: Doors) -> Sequence[Beat]:
    """What living workers tell of the sweeps of their accounts. Raises ``Unavailable``."""
    workers = await parts.leases.workers(WORKER_ALIVE_SECONDS)
    return [told for worker in workers if isinstance(told := loads(worker.status), dict)]


async def reconciled(parts: Doors) -> dict[str, Any]:
    """``open`` by class, ``differences`` by account and symbol, ``lags`` by account."""
    accounts = sorted(await parts.leases.owners())
    rows = await parts.reconciliations.opened(accounts)
    cursors = await parts.reconciliations.cursors(accounts)
    newest = newest_cursors(cursors, await heartbeats(parts))
    now = parts.clock.now()
    return {
        "open": dict.fromkeys(Class, 0) | dict(Counter(row.kind for row in rows)),
        "differences": {
            (row.account_id, row.symbol): float(_difference(loads(row.evidence)))
            for row in rows
            if row.kind == Class.POSITION_DIFFERS
        },
        "lags": {
            account_id: round((now - cursor.updated_at).total_seconds(), 3)
            for account_id, cursor in sorted(newest.items())
        },
    }


def _difference(evidence: Mapping[str, str]) -> Decimal:
    return difference(Decimal(evidence["exchange_qty"]), Decimal(evidence["book_qty"]))
