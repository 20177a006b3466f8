"""Administration of bots: ``ports.runner.bots.BotStore``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from oms.adapters.sql.bots import bot_rows
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.bots.bot import (
    BOTS_MAX,
    Bot,
    BotTerms,
    DecisionResult,
    DesiredRun,
    overlaps,
)
from oms.domain.bots.decision import BotEvent
from oms.domain.errors import Conflict
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.runner.bots import BotEventQuery
from oms.wire.bots.bot_rows import terms_json
from oms.wire.json import dumps

Result = TypeVar("Result")

#: Kinds of rows, and results of decisions, that are counted as errors.
_FAILURES = ("failure", "flatten")
_BAD_RESULTS = (DecisionResult.FAILED.value, DecisionResult.BLOCKED.value)


class SqlBots(AuditedWriter):
    """Bots and their history, as callers see them."""

    async def create(self, terms: BotTerms, audit_context: AuditContext) -> Bot:
        """Store a bot. Raises ``Conflict``, ``Unavailable``."""
        bot = Bot(
            id=await self._ids.allocate("bot"),
            terms=terms,
            created_at=audit_context.at,
            created_by=audit_context.actor,
            updated_at=audit_context.at,
        )

        async def work(session: Session) -> AuditedResult[Bot]:
            count = int((await session.fetch("SELECT COUNT(*) FROM bots"))[0][0])
            if count >= BOTS_MAX:
                raise Conflict(f"at most {BOTS_MAX} bots are allowed", reason="too_many")
            await bot_rows.INSERT(session, [bot_rows.bot_to_row(bot, session.dialect)])
            return bot, [_entry(audit_context, "bot_create", bot, after=terms)]

        return await self._write_named(work, audit_context)

    async def change(self, bot_id: int, terms: BotTerms, audit_context: AuditContext) -> Bot | None:
        """Replace the terms of a bot at rest. Raises ``Conflict``, ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[Bot | None]:
            before = await self._lock(session, bot_id)
            if before is None:
                return None, []
            _require_rest(before)
            after = evolve(before, terms=terms, updated_at=audit_context.at)
            await _write_terms(session, after, audit_context.at)
            entry = _entry(audit_context, "bot_change", after, before=before.terms, after=terms)
            return after, [entry]

        return await self._write_named(work, audit_context)

    async def delete(self, bot_id: int, audit_context: AuditContext) -> bool:
        """Delete a bot at rest and its history. Raises ``Conflict``, ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[bool]:
            bot = await self._lock(session, bot_id)
            if bot is None:
                return False, []
            _require_rest(bot)
            for text in ("DELETE FROM bots WHERE id = ", "DELETE FROM bot_events WHERE bot_id = "):
                await session.execute(text + session.dialect.param, (bot_id,))
            return True, [_entry(audit_context, "bot_delete", bot, before=bot.terms)]

        return await self._write_audited(work, audit_context.at)

    async def set_desired(
        self,
        bot_id: int,
        audit_context: AuditContext,
        *,
        is_running: bool,
        closes_positions: bool = False,
    ) -> Bot | None:
        """Store what is wanted of a bot. Raises ``Conflict``, ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[Bot | None]:
            bot = await self._lock(session, bot_id)
            if bot is None or not _changes(bot, is_running, closes_positions):
                return bot, []
            if is_running:
                await self._refuse_overlap(session, bot)
            desired = DesiredRun(
                number=bot.desired.number + 1,
                is_running=is_running,
                closes_positions=closes_positions,
                at=audit_context.at,
            )
            await _write_desired(session, bot_id, desired, audit_context.at)
            asked = {"positions": "flatten" if closes_positions else "keep"}
            action = "bot_start" if is_running else "bot_stop"
            entry = audit_context.entry(
                action,
                "bot",
                bot_id,
                after=dumps({} if is_running else asked),
                account_id=bot.terms.account_id,
            )
            return evolve(bot, desired=desired, desired_age=timedelta()), [entry]

        return await self._write_audited(work, audit_context.at)

    async def restart(
        self, bot_id: int, terms: BotTerms, audit_context: AuditContext
    ) -> Bot | None:
        """Restart a bot with these terms. Raises ``Conflict``, ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[Bot | None]:
            before = await self._lock(session, bot_id)
            if before is None:
                return None, []
            is_pending = before.desired.is_running and not before.is_reported
            if is_pending and before.terms == terms:
                return before, []
            desired = DesiredRun(
                number=before.desired.number + 1, is_running=True, at=audit_context.at
            )
            after = evolve(before, terms=terms, desired=desired, desired_age=timedelta())
            await self._refuse_overlap(session, after)
            await _write_terms(session, after, audit_context.at)
            await _write_desired(session, bot_id, desired, audit_context.at)
            entry = _entry(audit_context, "bot_restart", after, before=before.terms, after=terms)
            return evolve(after, updated_at=audit_context.at), [entry]

        return await self._write_audited(work, audit_context.at)

    async def find(self, bot_id: int) -> Bot | None:
        """Return a bot. Raises ``Unavailable``."""
        dialect = self._dialect
        text = f"{bot_rows.select_bots(dialect)} WHERE b.id = {dialect.param}"
        rows = await self._database.fetch(text, (bot_id,))
        return bot_rows.bot_from_row(rows[0], dialect) if rows else None

    async def all(self) -> Sequence[Bot]:
        """Return all bots, by id. Raises ``Unavailable``."""
        text = f"{bot_rows.select_bots(self._dialect)} ORDER BY b.id"
        rows = await self._database.fetch(text)
        return [bot_rows.bot_from_row(row, self._dialect) for row in rows]

    async def events(self, query: BotEventQuery) -> Sequence[BotEvent]:
        """Return rows of the history, the newest first. Raises ``Unavailable``."""
        param = self._dialect.param
        parts, values = [f"e.bot_id = {param}"], list[Any]([query.bot_id])
        for condition, wanted in (("e.kind =", query.kind), ("e.id <", query.before_id)):
            if wanted is not None:
                parts.append(f"{condition} {param}")
                values.append(wanted)
        text = (
            f"{bot_rows.SELECT_EVENTS} WHERE {' AND '.join(parts)} ORDER BY e.id DESC LIMIT {param}"
        )
        rows = await self._database.fetch(text, (*values, query.limit))
        return [bot_rows.event_from_row(row, self._dialect) for row in rows]

    async def last_decisions(self) -> Mapping[int, BotEvent]:
        """Return the last decision of each bot. Raises ``Unavailable``."""
        return await self._newest_events("n.kind = 'decision' ORDER BY n.id")

    async def last_signals(self) -> Mapping[int, BotEvent]:
        """Return the last decisions that became signals. Raises ``Unavailable``."""
        return await self._newest_events("n.signal_id IS NOT NULL ORDER BY n.signal_id")

    async def count_errors(self, since: datetime) -> Mapping[int, int]:
        """Return failures and signals that failed or were blocked. Raises ``Unavailable``."""
        dialect = self._dialect
        # Only decisions have a result, so no row is counted twice.
        failed = " UNION ALL ".join(
            f"SELECT bot_id FROM bot_events WHERE {condition} AND at >= {dialect.param}"
            for condition in (
                f"kind IN ({_names(_FAILURES)})",
                f"result IN ({_names(_BAD_RESULTS)})",
            )
        )
        text = f"SELECT f.bot_id, COUNT(*) FROM ({failed}) AS f GROUP BY f.bot_id"
        rows = await self._database.fetch(text, (dialect.encode_time(since),) * 2)
        return {int(row[0]): int(row[1]) for row in rows}

    async def _newest_events(self, condition: str) -> Mapping[int, BotEvent]:
        """Return the last event of each bot in the order of an index that begins with the bot."""
        newest = f"SELECT n.id FROM bot_events n WHERE n.bot_id = b.id AND {condition} DESC LIMIT 1"
        rows = await self._database.fetch(
            f"SELECT {bot_rows.EVENT_COLUMNS} FROM bots b JOIN bot_events e ON e.id = ({newest})"
            f" {bot_rows.JOIN_SIGNALS}"
        )
        found = [bot_rows.event_from_row(row, self._dialect) for row in rows]
        return {event.bot_id: event for event in found}

    async def _lock(self, session: Session, bot_id: int) -> Bot | None:
        dialect = session.dialect
        lock = f"SELECT id FROM bots WHERE id = {dialect.param}{dialect.for_update}"
        if not await session.fetch(lock, (bot_id,)):
            return None
        text = f"{bot_rows.select_bots(dialect)} WHERE b.id = {dialect.param}"
        rows = await session.fetch(text, (bot_id,))
        return bot_rows.bot_from_row(rows[0], dialect)

    async def _refuse_overlap(self, session: Session, bot: Bot) -> None:
        """Refuse to start a bot beside another one on the same positions."""
        dialect, param = session.dialect, session.dialect.param
        owner = (bot.terms.account_id, bot.terms.strategy_id)
        where = f"account_id = {param} AND strategy_id = {param}"
        await session.fetch(f"SELECT id FROM bots WHERE {where}{dialect.for_update}", owner)
        text = f"{bot_rows.select_bots(dialect)} WHERE b.account_id = {param}"
        rows = await session.fetch(f"{text} AND b.strategy_id = {param}", owner)
        for row in rows:
            other = bot_rows.bot_from_row(row, dialect)
            is_active = other.desired.is_running or not other.is_at_rest
            if other.id != bot.id and is_active and overlaps(bot.terms, other.terms):
                raise Conflict(
                    f"the bot {other.terms.name} trades the same strategy and symbol",
                    reason="bot_overlap",
                )

    async def _write_named(
        self,
        work: Callable[[Session], Awaitable[AuditedResult[Result]]],
        audit_context: AuditContext,
    ) -> Result:
        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey:
            raise Conflict("a bot of this name exists", reason="name") from None


async def _write_terms(session: Session, bot: Bot, at: datetime) -> None:
    dialect = session.dialect
    await session.execute(
        f"UPDATE bots SET {bot_rows.terms_assignments(dialect)},"
        f" updated_at = {dialect.param} WHERE id = {dialect.param}",
        (*bot_rows.terms_values(bot), dialect.encode_time(at), bot.id),
    )


async def _write_desired(session: Session, bot_id: int, desired: DesiredRun, at: datetime) -> None:
    dialect, param = session.dialect, session.dialect.param
    await session.execute(
        f"UPDATE bots SET desired_number = {param}, desired_running = {param},"
        f" desired_flatten = {param}, desired_at = {dialect.now}, updated_at = {param}"
        f" WHERE id = {param}",
        (
            *(desired.number, desired.is_running, desired.closes_positions),
            *(dialect.encode_time(at), bot_id),
        ),
    )


def _names(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _changes(bot: Bot, is_running: bool, closes_positions: bool) -> bool:
    """Return whether something else is wanted than before: also a start after an error."""
    if bot.desired.is_running is not is_running:
        return True
    if is_running:
        return bot.has_failed
    if closes_positions or bot.is_leased:
        return closes_positions and not bot.desired.closes_positions
    # No runner closes its positions: the caller may leave them open instead.
    return bot.closes_before_stop and not bot.is_reported


def _require_rest(bot: Bot) -> None:
    if not bot.is_at_rest:
        message = f"the bot is {bot.status.value}; it can be changed when it is stopped"
        raise Conflict(message, reason="bot_not_stopped")


def _entry(
    audit_context: AuditContext,
    action: str,
    bot: Bot,
    *,
    before: BotTerms | None = None,
    after: BotTerms | None = None,
) -> Any:
    return audit_context.entry(
        action,
        "bot",
        bot.id,
        before=None if before is None else dumps(terms_json(before)),
        after=None if after is None else dumps(terms_json(after)),
        account_id=bot.terms.account_id,
    )
