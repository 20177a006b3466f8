"""An open database with the implementations of all its ports."""

from datetime import datetime
from typing import NamedTuple, Self

from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.sql.archive.archives import SqlArchives
from oms.adapters.sql.bots.bot_runs import SqlBotRuns
from oms.adapters.sql.bots.bots import SqlBots
from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.replica_reads import ReplicaReads, ReportReads
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.leases import SqlLeases
from oms.adapters.sql.coordination.rate_budget import SqlRateBudget
from oms.adapters.sql.coordination.task_events import SqlTaskEvents
from oms.adapters.sql.coordination.task_leases import SqlTaskLeases
from oms.adapters.sql.ledger.ledger_store import SqlLedgerStore
from oms.adapters.sql.maintenance.backup import SqlBackup
from oms.adapters.sql.maintenance.migration_runner import read_version, supports_program
from oms.adapters.sql.market.candles import SqlCandles
from oms.adapters.sql.market.funding_rates import SqlFundingRates
from oms.adapters.sql.market.ingestions import SqlIngestions
from oms.adapters.sql.market.instruments import SqlInstruments
from oms.adapters.sql.notifications.deliveries import SqlDeliveries
from oms.adapters.sql.notifications.sinks import SqlSinks
from oms.adapters.sql.performance.account_money import SqlAccountMoney
from oms.adapters.sql.performance.booked_sums import CarriedSums
from oms.adapters.sql.performance.equity_snapshots import SqlEquitySnapshots
from oms.adapters.sql.performance.executions import SqlExecutions
from oms.adapters.sql.performance.market_marks import SqlMarketMarks
from oms.adapters.sql.performance.position_results import SqlPositionResults
from oms.adapters.sql.queue.command_queue import SqlCommandQueue
from oms.adapters.sql.queue.idempotent_responses import SqlIdempotentResponses
from oms.adapters.sql.reads.history import SqlHistoryReads
from oms.adapters.sql.reads.key_usage import SqlKeyUsage
from oms.adapters.sql.reads.metrics import SqlMetricsQuery
from oms.adapters.sql.reads.paper_prices import SqlPaperPrices
from oms.adapters.sql.reads.raw_payloads import SqlRawPayloads
from oms.adapters.sql.reads.recent_activity import SqlRecentActivity
from oms.adapters.sql.reads.reconcile_store import SqlReconcileStore
from oms.adapters.sql.reads.sent_orders import SqlSentOrders
from oms.adapters.sql.reads.verification_reads import SqlVerificationReads
from oms.adapters.sql.registry.account_admin import SqlAccountAdmin
from oms.adapters.sql.registry.account_groups import SqlAccountGroups
from oms.adapters.sql.registry.audit_log import SqlAuditLog
from oms.adapters.sql.registry.browser_sessions import SqlBrowserSessions
from oms.adapters.sql.registry.command_chain import SqlCommandChain
from oms.adapters.sql.registry.deadman_switches import SqlDeadmanStore
from oms.adapters.sql.registry.kill_switches import SqlKillSwitchStore
from oms.adapters.sql.registry.login_credentials import SqlLoginCredentials
from oms.adapters.sql.registry.registry import SqlRegistry
from oms.adapters.sql.registry.risk_policies import SqlRiskPolicyStore
from oms.adapters.sql.registry.sealed_credentials import SqlSealedCredentialsStore
from oms.adapters.sql.registry.session_overrides import SqlSessionOverrides
from oms.adapters.sql.registry.share_links import SqlShareLinks
from oms.adapters.sql.registry.strategies import SqlStrategies
from oms.adapters.sql.registry.user_admin import SqlUserAdmin
from oms.adapters.sql.registry.user_preferences import SqlUserPreferences
from oms.adapters.sql.research.backtest_queue import SqlBacktestQueue
from oms.adapters.sql.research.backtest_runs import SqlBacktests
from oms.adapters.sql.research.research_requests import SqlResearchRequests
from oms.adapters.sql.research.strategy_catalog import SqlStrategyCatalog
from oms.adapters.sql.research.strategy_versions import SqlStrategyVersions
from oms.adapters.sql.signals.signal_sources import SqlSignalSources
from oms.adapters.sql.signals.signals import SqlSignals
from oms.ports.admin.account_admin import AccountCheck
from oms.ports.clock import Clock


class VerifiedReads(NamedTuple):
    """Reads of ``oms verify``."""

    history: SqlHistoryReads
    queue: SqlCommandQueue
    verification: SqlVerificationReads


class SqlStore:
    """The stores of one database; must be closed."""

    def __init__(
        self,
        database: Database,
        check_account: AccountCheck,
        clock: Clock = SYSTEM_CLOCK,
        replica: ReplicaReads | None = None,
    ) -> None:
        self._database = database
        self._replica = replica
        self._add_reads(database, replica or database)
        self.queue = SqlCommandQueue(database)
        sums = CarriedSums()
        self.ledger = SqlLedgerStore(database, sums, clock)
        self.ids = SqlIdBlocks(database)
        self.registry = SqlRegistry(database, self.ids, check_account)
        self.account_admin = SqlAccountAdmin(database, self.ids, check_account)
        self.user_admin = SqlUserAdmin(database, self.ids)
        self.login_credentials = SqlLoginCredentials(database, self.ids)
        self.browser_sessions = SqlBrowserSessions(database, self.ids)
        self.user_preferences = SqlUserPreferences(database)
        self.account_groups = SqlAccountGroups(database, self.ids)
        self.strategies = SqlStrategies(database, self.ids)
        self.audit_log = SqlAuditLog(database)
        self.command_chain = SqlCommandChain(database)
        self.leases = SqlLeases(database)
        self.task_leases = SqlTaskLeases(database)
        self.task_events = SqlTaskEvents(database, self.ids)
        self.sinks = SqlSinks(database, self.ids)
        self.deliveries = SqlDeliveries(database, self.ids)
        self.kill_switches = SqlKillSwitchStore(database, self.ids)
        self.deadman_switches = SqlDeadmanStore(database, self.ids)
        self.risk_policies = SqlRiskPolicyStore(database, self.ids)
        self.share_links = SqlShareLinks(database, self.ids)
        self.session_overrides = SqlSessionOverrides(database, self.ids)
        self.key_usage = SqlKeyUsage(database)
        self.sealed_credentials = SqlSealedCredentialsStore(database, self.ids)
        self.backup = SqlBackup(database, self.ids)
        self.archives = SqlArchives(database, self.ids)
        self.rate_budget = SqlRateBudget(database)
        self.raw_payloads = SqlRawPayloads(database)
        self.idempotent_responses = SqlIdempotentResponses(database)
        self.metrics = SqlMetricsQuery(database)
        self.paper_prices = SqlPaperPrices(database)
        self.reconcile_store = SqlReconcileStore(database)
        self.account_money = SqlAccountMoney(database, sums)
        self.market_marks = SqlMarketMarks(database)
        self.signals = SqlSignals(database, self.ids)
        self.instruments = SqlInstruments(database, self.ids)
        self.candles = SqlCandles(database, self.ids)
        self.funding_rates = SqlFundingRates(database)
        self.ingestions = SqlIngestions(database, self.ids)
        self.strategy_versions = SqlStrategyVersions(database, self.ids)
        self.research_requests = SqlResearchRequests(database, self.ids)
        self.strategy_catalog = SqlStrategyCatalog(database)
        self.backtests = SqlBacktests(database, self.ids)
        self.backtest_queue = SqlBacktestQueue(database, self.ids)
        self.bots = SqlBots(database, self.ids)
        self.bot_runs = SqlBotRuns(database, self.ids)
        self.signal_sources = SqlSignalSources(database, self.ids)

    def _add_reads(self, database: Database, reports: ReportReads) -> None:
        """Add what only reads, at the database or where reports are read."""
        self.verification_reads = SqlVerificationReads(database)
        self.recent_activity = SqlRecentActivity(database)
        self.sent_orders = SqlSentOrders(database)
        self.history = SqlHistoryReads(database, reports)
        self.executions = SqlExecutions(reports)
        self.position_results = SqlPositionResults(reports)
        self.equity_snapshots = SqlEquitySnapshots(database, reports)

    def verified_reads(self) -> VerifiedReads:
        """Return the reads for verification, which leave out rows that cannot be decoded."""
        return VerifiedReads(
            SqlHistoryReads(self._database, skips_invalid=True),
            SqlCommandQueue(self._database, skips_invalid=True),
            SqlVerificationReads(self._database, skips_invalid=True),
        )

    @classmethod
    async def open(
        cls,
        url: str,
        check_account: AccountCheck,
        clock: Clock = SYSTEM_CLOCK,
        read_url: str | None = None,
    ) -> Self:
        """Open the store at ``url``; ``check_account`` validates accounts before they are stored.

        ``clock`` is the time of what the ledger commits. Reports are read at ``read_url``, a
        replica, which may be down.

        Raises ``Unavailable``, and ``ValueError`` for an unsupported URL.
        """
        database = await connect(url)
        replica = None if read_url is None else ReplicaReads(database, read_url)
        return cls(database, check_account, clock, replica)

    @property
    def dialect(self) -> str:
        """``mysql`` or ``sqlite``."""
        return self._database.dialect.name

    async def ping(self) -> None:
        """Execute a trivial statement. Raises ``Unavailable``."""
        await self._database.fetch("SELECT 1")

    async def now(self) -> datetime:
        """Return the time of the database clock. Raises ``Unavailable``."""
        dialect = self._database.dialect
        ((now,),) = await self._database.fetch(f"SELECT {dialect.now}")
        return dialect.decode_time(now)

    async def installation_tag(self) -> str:
        """Return the tag used in client order ids, 8 hex digits. Raises ``Unavailable``."""
        ((tag,),) = await self._database.fetch("SELECT tag FROM installation")
        return str(tag)

    async def replica_lag_seconds(self) -> float | None:
        """Return how late the replica is; ``None`` without one. Raises ``Unavailable``."""
        return None if self._replica is None else await self._replica.lag_seconds()

    async def schema_version(self) -> str | None:
        """Return the last applied migration, ``None`` before the first. Raises ``Unavailable``."""
        return await read_version(self._database)

    async def supports_program(self, version: str) -> bool:
        """Return whether a program that requires this schema version works on the database.

        Raises ``Unavailable``.
        """
        return await supports_program(self._database, version)

    async def close(self) -> None:
        """Close all connections."""
        if self._replica is not None:
            await self._replica.close()
        await self._database.close()
