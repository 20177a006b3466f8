"""Reads of reports from a replica of the database.

A replica is used as long as it has everything that the primary had committed to the ledgers of the
accounts when the read began: the numbers of their last events are compared, at the connection that
then reads. So a report shows what its caller has done before, however late the replica is. Whatever
else happens there, the primary is read instead.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from oms.adapters.sql.connection.database import Database, Result, Work, connect
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.domain.errors import OmsError, Unavailable

#: How long the replica may take for its event numbers, with the connection to it.
ANSWER_SECONDS_MAX = 2.0
#: How long the replica is not asked after a failure.
PAUSE_SECONDS = 5.0
_NEWEST_HEARTBEAT = "SELECT MAX(heartbeat_at) FROM workers"

logger = logging.getLogger(__name__)


class ReportReads(Protocol):
    """Where reports are read: a ``Database``, or a replica of it."""

    @property
    def dialect(self) -> Dialect:
        """The SQL dialect."""
        ...

    async def fetch_of_accounts(
        self, account_ids: Sequence[int], text: str, values: Sequence[Any] = ()
    ) -> Sequence[Any]:
        """Return all rows of one SELECT over the ledgers of accounts. Raises ``Unavailable``."""
        ...

    async def read_of_accounts(self, account_ids: Sequence[int], work: Work[Result]) -> Result:
        """Return the result of ``work``, whose statements read one snapshot."""
        ...


class ReplicaBehind(Exception):
    """The replica lacks something that the primary had committed."""


class ReplicaReads:
    """``ReportReads`` of the replica at ``url``; it is connected at its first use."""

    def __init__(self, primary: Database, url: str) -> None:
        self._primary = primary
        self._url = url
        self._replica: Database | None = None
        self._connecting = asyncio.Lock()
        self._paused_until = 0.0
        self._is_failing = False

    @property
    def dialect(self) -> Dialect:
        """See ``ReportReads``."""
        return self._primary.dialect

    async def fetch_of_accounts(
        self, account_ids: Sequence[int], text: str, values: Sequence[Any] = ()
    ) -> Sequence[Any]:
        """See ``ReportReads``."""

        async def work(session: Session) -> Sequence[Any]:
            return await session.fetch(text, values)

        return await self._read(account_ids, work, Database.read)

    async def read_of_accounts(self, account_ids: Sequence[int], work: Work[Result]) -> Result:
        """See ``ReportReads``."""
        return await self._read(account_ids, work, Database.read_consistent)

    async def _read(
        self,
        account_ids: Sequence[int],
        work: Work[Result],
        read: Callable[[Database, Work[Result]], Awaitable[Result]],
    ) -> Result:
        if not account_ids or time.monotonic() < self._paused_until:
            return await read(self._primary, work)
        params, ids = self.dialect.in_list(tuple(dict.fromkeys(account_ids)))
        heads = f"SELECT account_id, head_seq FROM account_streams WHERE account_id IN ({params})"
        wanted = {row[0]: row[1] for row in await self._primary.fetch(heads, ids)}
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX) as limit:
                replica = await self._connected()

                async def checked(session: Session) -> Result:
                    found = {row[0]: row[1] for row in await session.fetch(heads, ids)}
                    limit.reschedule(None)
                    _require_all(wanted, found)
                    return await work(session)

                output = await read(replica, checked)
        except ReplicaBehind:
            return await read(self._primary, work)
        except (OmsError, TimeoutError) as error:
            self._pause(error)
            return await read(self._primary, work)
        self._note_success()
        return output

    async def lag_seconds(self) -> float:
        """Return how late the replica is, by the heartbeats of workers. Raises ``Unavailable``."""
        ((newest,),) = await self._primary.fetch(_NEWEST_HEARTBEAT)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                replica = await self._connected()
                ((there,),) = await replica.fetch(_NEWEST_HEARTBEAT)
        except TimeoutError as error:
            raise Unavailable("the replica does not respond") from error
        decode = self.dialect.decode_optional_time
        at, at_replica = decode(newest), decode(there)
        if at is None:
            return 0.0
        if at_replica is None:
            raise Unavailable("the replica has no heartbeat of a worker")
        return max((at - at_replica).total_seconds(), 0.0)

    async def close(self) -> None:
        """Close the connections to the replica."""
        if self._replica is not None:
            await self._replica.close()

    async def _connected(self) -> Database:
        async with self._connecting:
            if self._replica is None:
                self._replica = await connect(self._url)
            return self._replica

    def _pause(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if not self._is_failing:
            logger.warning("replica_unavailable error=%s", type(error).__name__)
        self._is_failing = True

    def _note_success(self) -> None:
        if self._is_failing:
            logger.info("replica_available")
        self._is_failing = False


def _require_all(wanted: Mapping[int, int], found: Mapping[int, int]) -> None:
    """Raise ``ReplicaBehind`` if an account has fewer events than wanted."""
    if any(found.get(account_id, -1) < seq for account_id, seq in wanted.items()):
        raise ReplicaBehind
