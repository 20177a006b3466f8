"""One database, opened: every port that is kept in it."""

from datetime import datetime
from typing import Self

from oms.adapters.sql.account_desk import SqlAccountDesk
from oms.adapters.sql.audit_log import SqlAuditLog
from oms.adapters.sql.audit_reads import SqlAuditReads
from oms.adapters.sql.backup import SqlBackup
from oms.adapters.sql.credentials import SqlCredentials
from oms.adapters.sql.database import Database, connected
from oms.adapters.sql.figures import SqlFigures
from oms.adapters.sql.history import SqlHistory
from oms.adapters.sql.ids import SqlIdBlocks
from oms.adapters.sql.key_usage import SqlKeyUsage
from oms.adapters.sql.kills import SqlKills
from oms.adapters.sql.leases import SqlLeases
from oms.adapters.sql.ledger import SqlLedger
from oms.adapters.sql.migrate import version_of
from oms.adapters.sql.paper_prices import SqlPaperPrices
from oms.adapters.sql.people import SqlPeople
from oms.adapters.sql.queue import SqlQueue
from oms.adapters.sql.rate_chunks import SqlRateChunks
from oms.adapters.sql.raw import SqlRaw
from oms.adapters.sql.reconciliation import SqlReconciliations
from oms.adapters.sql.registry import SqlRegistry
from oms.adapters.sql.replies import SqlReplies
from oms.adapters.sql.sealed import SqlSealed
from oms.adapters.sql.strategies import SqlStrategies


class SqlStore:
    """The ports of one database; ``close`` it when done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.queue = SqlQueue(database)
        self.ledger = SqlLedger(database)
        self.history = SqlHistory(database)
        self.audit = SqlAuditReads(database)
        self.ids = SqlIdBlocks(database)
        self.registry = SqlRegistry(database, self.ids)
        self.account_desk = SqlAccountDesk(database, self.ids)
        self.people = SqlPeople(database, self.ids)
        self.credentials = SqlCredentials(database, self.ids)
        self.strategies = SqlStrategies(database, self.ids)
        self.audit_log = SqlAuditLog(database)
        self.leases = SqlLeases(database)
        self.kills = SqlKills(database, self.ids)
        self.key_usage = SqlKeyUsage(database)
        self.sealed = SqlSealed(database, self.ids)
        self.backup = SqlBackup(database, self.ids)
        self.rate_chunks = SqlRateChunks(database)
        self.raw = SqlRaw(database)
        self.replies = SqlReplies(database)
        self.figures = SqlFigures(database)
        self.paper_prices = SqlPaperPrices(database)
        self.reconciliations = SqlReconciliations(database)

    @classmethod
    async def open(cls, url: str) -> Self:
        """The store at ``url``. Raises ``Unavailable``, or ``ValueError`` for a strange URL."""
        return cls(await connected(url))

    @property
    def dialect(self) -> str:
        """``mysql`` or ``sqlite``."""
        return self._database.dialect.name

    async def ping(self) -> None:
        """Ask the database for an answer. Raises ``Unavailable``."""
        await self._database.rows("SELECT 1")

    async def now(self) -> datetime:
        """What the database's clock says. Raises ``Unavailable``."""
        dialect = self._database.dialect
        ((told,),) = await self._database.rows(f"SELECT {dialect.now}")
        return dialect.time_out(told)

    async def installation_tag(self) -> str:
        """Eight hex digits that name this installation to exchanges. Raises ``Unavailable``."""
        ((tag,),) = await self._database.rows("SELECT tag FROM installation")
        return str(tag)

    async def schema_version(self) -> str | None:
        """The last migration applied, ``None`` before the first. Raises ``Unavailable``."""
        return await version_of(self._database)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()
