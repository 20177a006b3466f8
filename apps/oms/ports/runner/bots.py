"""Bots: their administration by callers, and what the runner that holds their leases reports.

What the runner writes begins with an update of the lease's row under its token: a runner that was
paused and has lost the lease writes nothing, so no decision is recorded or sent twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.bots.bot import Bot, BotReport, BotTerms
from oms.domain.bots.decision import BotEvent
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import NewCommand
from oms.ports.runner.task_leases import TaskLease
from oms.ports.signals.stored_signals import NewSignal


@value
class BotEventQuery:
    """A page of the history of a bot, the newest first."""

    bot_id: int
    kind: str | None = None
    #: Only older ones than this id.
    before_id: int | None = None
    limit: int = 100


@value
class NewDecision:
    """A decision to record; with a signal it is queued with its command in one transaction."""

    event: BotEvent
    signal: NewSignal | None = None
    command: NewCommand | None = None


class BotStore(Protocol):
    """Administration of bots; every method raises ``Unavailable``."""

    async def create(self, terms: BotTerms, audit_context: AuditContext) -> Bot:
        """Store a bot, idle, with its audit row. Raises ``Conflict`` if the name is taken."""
        ...

    async def change(self, bot_id: int, terms: BotTerms, audit_context: AuditContext) -> Bot | None:
        """Replace the terms of a bot at rest, with its audit row; ``None`` if there is none.

        Raises ``Conflict`` if it is not at rest or the name is taken.
        """
        ...

    async def delete(self, bot_id: int, audit_context: AuditContext) -> bool:
        """Delete a bot at rest and its history, with an audit row; returns whether there was one.

        Raises ``Conflict`` if it is not at rest.
        """
        ...

    async def set_desired(
        self,
        bot_id: int,
        audit_context: AuditContext,
        *,
        is_running: bool,
        closes_positions: bool = False,
    ) -> Bot | None:
        """Store what is wanted of a bot, with its audit row; a repeat changes nothing.

        A stop that keeps positions replaces one that closes them only while no runner holds the
        lease of the bot.

        Returns the bot, ``None`` if there is none. Raises ``Conflict`` if another bot that is
        wanted to run trades the same positions.
        """
        ...

    async def restart(
        self, bot_id: int, terms: BotTerms, audit_context: AuditContext
    ) -> Bot | None:
        """Replace the terms and store that the bot is wanted to restart, with its audit row.

        A repeat changes nothing until the runner has reported the bot again. Returns the bot,
        ``None`` if there is none. Raises ``Conflict`` as ``set_desired`` does.
        """
        ...

    async def find(self, bot_id: int) -> Bot | None:
        """Return a bot."""
        ...

    async def all(self) -> Sequence[Bot]:
        """Return all bots, by id."""
        ...

    async def events(self, query: BotEventQuery) -> Sequence[BotEvent]:
        """Return rows of the history of a bot, the newest first."""
        ...

    async def last_decisions(self) -> Mapping[int, BotEvent]:
        """Return the last decision of each bot that has made one."""
        ...

    async def last_signals(self) -> Mapping[int, BotEvent]:
        """Return, by bot, the last decision that became a signal."""
        ...

    async def count_errors(self, since: datetime) -> Mapping[int, int]:
        """Return, by bot, its failures and its signals that failed or were blocked."""
        ...


class BotRuns(Protocol):
    """What the runner reads and writes; every method raises ``Unavailable``."""

    async def active(self) -> Sequence[Bot]:
        """Return the bots that need a runner, by id."""
        ...

    async def heartbeat(self, lease: TaskLease, bot_id: int) -> None:
        """Store a sign of life. Raises ``LeaseLost``."""
        ...

    async def report(
        self,
        lease: TaskLease,
        bot: Bot,
        report: BotReport,
        at: datetime,
        events: Sequence[BotEvent] = (),
    ) -> None:
        """Store what the bot does, rows of its history, and an event if its status changes.

        Raises ``LeaseLost``.
        """
        ...

    async def record(
        self,
        lease: TaskLease,
        bot: Bot,
        decided: Mapping[str, datetime],
        decisions: Sequence[NewDecision],
        at: datetime,
    ) -> None:
        """Store up to which candles was decided, and the decisions with their signals and events.

        All in one transaction. Raises ``LeaseLost``.
        """
        ...

    async def last_actions(self, bot: Bot, since: datetime | None) -> Mapping[str, str]:
        """Return the action of the last decision of a bot by symbol, of those since a time."""
        ...

    async def undecided(self, bot_id: int) -> Sequence[BotEvent]:
        """Return the decisions whose signals had not ended when they were last looked at."""
        ...

    async def ended(self, bot_id: int) -> Sequence[BotEvent]:
        """Return those of them whose signals have ended meanwhile, with their outcomes."""
        ...

    async def record_outcomes(
        self, lease: TaskLease, bot: Bot, ended: Sequence[BotEvent], at: datetime
    ) -> None:
        """Store what became of decisions, with their events. Raises ``LeaseLost``."""
        ...

    async def new_event_ids(self, count: int) -> int:
        """Return the first of ``count`` new ids of rows of the history."""
        ...
