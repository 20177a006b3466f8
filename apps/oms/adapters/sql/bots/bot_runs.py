"""What the runner writes of bots, under their leases: ``ports.runner.bots.BotRuns``.

The stream of account 0 has the events, with the account of the bot in the payload and its strategy
in the row: only a key that may read both gets them. Its lock is the last of each transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.bots import bot_rows
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.adapters.sql.registry.gateway_events import write_gateway_events
from oms.adapters.sql.rows import access
from oms.adapters.sql.rows import commands as command_rows
from oms.adapters.sql.signals import rows as signal_rows
from oms.domain.bots.bot import Bot, BotReport, BotStatus, DecisionResult
from oms.domain.bots.bot_events import decision_event, status_event
from oms.domain.bots.decision import BotEvent
from oms.domain.event import Event
from oms.ports.runner.bots import NewDecision
from oms.ports.runner.task_leases import TaskLease
from oms.wire.bots.bot_rows import decided_json
from oms.wire.json import dumps


class SqlBotRuns:
    """Reports, decisions and their outcomes."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def active(self) -> Sequence[Bot]:
        """Return the bots that need a runner, by id. Raises ``Unavailable``."""
        where = "b.desired_number <> b.reported_number OR b.desired_running = 1"
        text = f"{bot_rows.select_bots(self._dialect)} WHERE {where} ORDER BY b.id"
        rows = await self._database.fetch(text)
        bots = [bot_rows.bot_from_row(row, self._dialect) for row in rows]
        return [bot for bot in bots if bot.needs_runner]

    async def heartbeat(self, lease: TaskLease, bot_id: int) -> None:
        """Store a sign of life. Raises ``LeaseLost``, ``Unavailable``."""
        text = (
            f"UPDATE bots SET heartbeat_at = {self._dialect.now} WHERE id = {self._dialect.param}"
        )

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            await session.execute(text, (bot_id,))

        await self._database.commit(work)

    async def report(
        self,
        lease: TaskLease,
        bot: Bot,
        report: BotReport,
        at: datetime,
        events: Sequence[BotEvent] = (),
    ) -> None:
        """Store what the bot does. Raises ``LeaseLost``, ``Unavailable``."""
        published: list[Event] = []
        if (bot.report.status, bot.report.reason) != (report.status, report.reason):
            published.append(status_event(bot, report, at))
        first_id = await self._ids.allocate("event", len(published))

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            dialect = session.dialect
            assigned = ", ".join(f"{name} = {dialect.param}" for name in bot_rows.REPORT)
            beat = "" if report.status is BotStatus.STOPPED else f", heartbeat_at = {dialect.now}"
            await session.execute(
                f"UPDATE bots SET {assigned}{beat} WHERE id = {dialect.param}",
                (*bot_rows.report_values(report, dialect), bot.id),
            )
            await self._insert_events(session, events)
            await write_gateway_events(session, first_id, published, at)

        await self._database.commit(work)

    async def record(
        self,
        lease: TaskLease,
        bot: Bot,
        decided: Mapping[str, datetime],
        decisions: Sequence[NewDecision],
        at: datetime,
    ) -> None:
        """Store decisions with their signals. Raises ``LeaseLost``, ``Unavailable``."""
        first_id = await self._ids.allocate("event", len(decisions))
        events = [each.event for each in decisions]

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            dialect, param = session.dialect, session.dialect.param
            await session.execute(
                f"UPDATE bots SET decided_json = {param}, heartbeat_at = {dialect.now}"
                f" WHERE id = {param}",
                (dumps(decided_json(decided)), bot.id),
            )
            if not decisions:
                return
            await self._insert_events(session, events)
            await self._insert_signals(session, decisions)
            published = [decision_event(bot, event) for event in events]
            await write_gateway_events(session, first_id, published, at)

        await self._database.commit(work)

    async def last_actions(self, bot: Bot, since: datetime | None) -> Mapping[str, str]:
        """Return the last actions by symbol. Raises ``Unavailable``."""
        param = self._dialect.param
        of_symbol = f"bot_id = {param} AND symbol = {param}"
        text = (
            f"SELECT action, at FROM bot_events WHERE {of_symbol} AND bar ="
            f" (SELECT MAX(bar) FROM bot_events WHERE {of_symbol}) ORDER BY id DESC LIMIT 1"
        )
        actions: dict[str, str] = {}
        for symbol in bot.terms.symbols:
            rows = await self._database.fetch(text, (bot.id, symbol) * 2)
            if rows and (since is None or self._dialect.decode_time(rows[0][1]) >= since):
                actions[symbol] = rows[0][0]
        return actions

    async def undecided(self, bot_id: int) -> Sequence[BotEvent]:
        """Return the decisions whose signals may still be queued. Raises ``Unavailable``."""
        param = self._dialect.param
        text = f"{bot_rows.SELECT_EVENTS} WHERE e.result = {param} AND e.bot_id = {param}"
        rows = await self._database.fetch(text, (DecisionResult.SENT.value, bot_id))
        return [bot_rows.event_from_row(row, self._dialect) for row in rows]

    async def ended(self, bot_id: int) -> Sequence[BotEvent]:
        """Return decisions whose signals have ended. Raises ``Unavailable``."""
        param = self._dialect.param
        where = f"WHERE e.result = {param} AND e.bot_id = {param} AND s.status <> 'queued'"
        rows = await self._database.fetch(
            f"{bot_rows.SELECT_EVENTS} {where} ORDER BY e.id",
            (DecisionResult.SENT.value, bot_id),
        )
        return [bot_rows.event_from_row(row, self._dialect) for row in rows]

    async def record_outcomes(
        self, lease: TaskLease, bot: Bot, ended: Sequence[BotEvent], at: datetime
    ) -> None:
        """Store what became of decisions. Raises ``LeaseLost``, ``Unavailable``."""
        first_id = await self._ids.allocate("event", len(ended))

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            param = session.dialect.param
            text = (
                f"UPDATE bot_events SET result = {param}, code = {param}, message = {param}"
                f" WHERE id = {param}"
            )
            for event in ended:
                message = bot_rows.reason_text(event.message)
                await session.execute(text, (event.result, event.code, message, event.id))
            published = [decision_event(bot, event) for event in ended]
            await write_gateway_events(session, first_id, published, at)

        await self._database.commit(work)

    async def new_event_ids(self, count: int) -> int:
        """Return the first of new ids. Raises ``Unavailable``."""
        return await self._ids.allocate("bot_event", count)

    async def _insert_events(self, session: Session, events: Sequence[BotEvent]) -> None:
        if events:
            dialect = session.dialect
            await bot_rows.INSERT_EVENTS(
                session, [bot_rows.event_to_row(event, dialect) for event in events]
            )

    async def _insert_signals(self, session: Session, decisions: Sequence[NewDecision]) -> None:
        """Store the signals of decisions with their commands and audit rows."""
        dialect = session.dialect
        commands = [each.command for each in decisions if each.command is not None]
        signals = [each.signal for each in decisions if each.signal is not None]
        if not signals:
            return
        await command_rows.INSERT(
            session, [command_rows.command_to_row(command, dialect) for command in commands]
        )
        rows = [row for signal in signals for row in signal.rows]
        await signal_rows.INSERT(session, [signal_rows.signal_to_row(row, dialect) for row in rows])
        audits = [
            access.audit_to_row(each.audit_id, each.audit, 0, each.first.received_at, dialect)
            for each in signals
        ]
        await access.INSERT_AUDIT(session, audits)
