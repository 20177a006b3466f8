"""The audit mirror: each row of the audit log as a line of a file, in the order of its hash chain.

The numbers of the chain are the order in which rows are mirrored: ids of rows do not rise with
their commits. Rows are chained at once, not only by the housekeeping, so that they arrive within a
second.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oms.ports.audit_log import AuditLog
from oms.ports.runner.task_leases import AUDIT_MIRROR_TASK, TaskLeases
from oms.runner.task_run import TaskRun
from oms.services.access.chain_audit import ChainAudit
from oms.wire.admin.audit_lines import audit_line

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
ROWS_READ_MAX = 200


class LineFile(Protocol):
    """The file; its last line holds the number of the last row in it."""

    def append(self, position: int, lines: Sequence[tuple[int, str]]) -> None:
        """Append the numbered lines that it does not have, durably. Raises ``OSError``."""
        ...

    def set_aside(self) -> None:
        """Begin a new file: the database was restored to a shorter chain. Raises ``OSError``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditMirror:
    """``RunnerTask`` that mirrors the audit log."""

    log: AuditLog
    chain: ChainAudit
    leases: TaskLeases
    file: LineFile
    name: str = AUDIT_MIRROR_TASK

    async def __call__(self, run: TaskRun) -> None:
        """Mirror until the stop."""
        position = await self._start(run)
        while not run.stop.is_set():
            await self.chain()
            rows = await self.log.chained_rows(position, ROWS_READ_MAX)
            run.show_progress()
            if not rows:
                await run.pause(ROUND_SECONDS)
                continue
            lines = [(row.link.number, audit_line(row)) for row in rows]
            run.require_valid()
            await asyncio.to_thread(self.file.append, position, lines)
            position = rows[-1].link.number
            await self.leases.advance(run.lease, position)

    async def _start(self, run: TaskRun) -> int:
        """Return the number of the last mirrored row, which is not beyond the chain."""
        position = await self.leases.position(run.lease)
        head = await self.log.head()
        length = 0 if head is None else head.length
        if position > length:
            fields = {"position": position, "length": length}
            logger.warning("audit_mirror_regressed", extra=fields)
            await asyncio.to_thread(self.file.set_aside)
            await self.leases.advance(run.lease, length)
        return min(position, length)
