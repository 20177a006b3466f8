"""Periodic tasks of one worker, the holder of lease 0: delete expired rows, chain audit rows.

The commands are chained as well: they are the audit record of trades.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from oms.ports.admin.login_credentials import LoginCredentials
from oms.ports.clock import Clock
from oms.ports.command_queue import CommandQueue
from oms.ports.ledger_store import LedgerStore
from oms.ports.performance.equity_snapshots import EquitySnapshotStore
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands

logger = logging.getLogger(__name__)

HOUSEKEEPING_INTERVAL_SECONDS = 60.0
ROWS_PER_ROUND_MAX = 5000
LOGINS_KEPT = timedelta(days=30)
READ_CALLS_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    """Runs the housekeeping tasks."""

    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    credentials: LoginCredentials
    equity_snapshots: EquitySnapshotStore
    chain_audit: ChainAudit
    chain_commands: ChainCommands
    retention_days: int

    async def __call__(self) -> None:
        """Run one round; what is left over is done by the next."""
        now = self.clock.now()
        keys = await self.queue.drop_expired_keys(now)
        before = now - timedelta(days=self.retention_days)
        rows = await self.ledger.trim(before, ROWS_PER_ROUND_MAX, now - READ_CALLS_KEPT)
        logins = await self.credentials.delete_expired(now - LOGINS_KEPT, ROWS_PER_ROUND_MAX)
        snapshots = await self.equity_snapshots.thin(now, ROWS_PER_ROUND_MAX)
        links = await self.chain_audit()
        commands = await self.chain_commands()
        if keys or rows or logins or snapshots or links or commands:
            message = (
                "housekeeping idempotency_keys=%d rows=%d logins=%d equity_snapshots=%d"
                " audit_links=%d command_links=%d"
            )
            logger.info(message, keys, rows, logins, snapshots, links, commands)
