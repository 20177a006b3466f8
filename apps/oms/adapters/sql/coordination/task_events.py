"""Events of the runner's tasks in the stream of account 0: ``ports.runner.gateway_events``."""

from collections.abc import Mapping
from datetime import datetime

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.adapters.sql.registry.gateway_events import write_gateway_event
from oms.ports.runner.task_leases import TaskLease
from oms.wire.json import dumps


class SqlTaskEvents:
    """``ports.runner.gateway_events.TaskEvents``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._ids = ids

    async def write(
        self,
        lease: TaskLease,
        position: int,
        event: str,
        facts: Mapping[str, object],
        at: datetime,
    ) -> None:
        """Store an event and the position. Raises ``LeaseLost``, ``Unavailable``."""
        event_id = await self._ids.allocate("event")
        payload = dumps({"account_id": 0, **facts})

        async def work(session: Session) -> None:
            await fence_task(session, lease, position)
            await write_gateway_event(session, event_id, event, payload, at)

        await self._database.commit(work)
