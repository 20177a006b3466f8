"""Metrics of reconciliation: open discrepancies and the time since the last reconciliation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from oms.api.context import ApiContext
from oms.domain.money import subtract
from oms.domain.reconcile.discrepancy import DiscrepancyClass
from oms.ports.leases import WORKER_ALIVE_SECONDS
from oms.wire.json import loads
from oms.wire.responses.reconcile_rows import newest_cursors

Heartbeat = Mapping[str, Any]


async def read_heartbeats(context: ApiContext) -> Sequence[Heartbeat]:
    """Return the decoded status of each live worker. Raises ``Unavailable``."""
    workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    return [status for worker in workers if isinstance(status := loads(worker.status), dict)]


async def reconcile_metrics(context: ApiContext) -> dict[str, Any]:
    """Return ``open`` by class, ``differences`` by account and symbol, ``lags`` by account.

    Lags are in seconds. Raises ``Unavailable``.
    """
    accounts = sorted(await context.leases.owners())
    rows = await context.reconciliations.open_discrepancies(accounts)
    cursors = await context.reconciliations.cursors(accounts)
    newest = newest_cursors(cursors, await read_heartbeats(context))
    now = context.clock.now()
    return {
        "open": dict.fromkeys(DiscrepancyClass, 0) | dict(Counter(row.kind for row in rows)),
        "differences": {
            (row.account_id, row.symbol): float(_difference(loads(row.evidence)))
            for row in rows
            if row.kind == DiscrepancyClass.POSITION_DIFFERS
        },
        "lags": {
            account_id: round((now - cursor.updated_at).total_seconds(), 3)
            for account_id, cursor in sorted(newest.items())
        },
    }


def _difference(evidence: Mapping[str, str]) -> Decimal:
    return subtract(Decimal(evidence["exchange_qty"]), Decimal(evidence["book_qty"]))
