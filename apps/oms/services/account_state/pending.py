"""What an account waits for: answers of its exchange, reconcile passes, rounds, slow calls."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.commands.account_commands import EnforceKillSwitch, Reconcile
from oms.domain.commands.command import Command, CommandResult
from oms.domain.errors import Refused
from oms.domain.risk.exposure import Entry


@dataclass(slots=True, kw_only=True)
class PendingCommand:
    """A command that waits for the exchange's response (``services.commands.pending_commands``)."""

    command: Command
    #: The requested action per order id: ``place``, ``change`` or ``cancel``.
    actions: dict[int, str]
    #: The result so far.
    result: CommandResult
    #: Orders for which the action failed, with the reason.
    refused: dict[int, Refused] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PendingReconcile:
    """A running reconcile pass that reads from ``since`` on, and the command that requested it."""

    command: Command | None
    payload: Reconcile
    since: datetime
    #: Number of its request at the exchange: a snapshot that began before does not answer it.
    request: int


@dataclass(slots=True, kw_only=True, eq=False)
class PendingFlatten:
    """A running kill switch command that closes positions in rounds."""

    command: Command
    #: Entry orders that the command cancels.
    entry_order_ids: set[int]
    #: Positions that were in scope.
    position_ids: set[int]
    #: Orders that the command sent to close positions.
    closing_order_ids: set[int] = field(default_factory=set)
    started_at: datetime | None = None
    last_round_at: datetime | None = None

    @property
    def payload(self) -> EnforceKillSwitch:
        """The payload of the command."""
        assert isinstance(self.command.payload, EnforceKillSwitch)
        return self.command.payload


@dataclass(slots=True, kw_only=True, eq=False)
class PendingReverse:
    """A running ``reverse_position``: its close, and its opening order once that is placed."""

    command: Command
    close_order_id: int
    open_order_id: int | None = None

    @property
    def order_ids(self) -> tuple[int, ...]:
        """The orders so far, the close first."""
        opened = () if self.open_order_id is None else (self.open_order_id,)
        return (self.close_order_id, *opened)


@dataclass(slots=True, kw_only=True, eq=False)
class PendingCall:
    """A slow gateway call at an exchange; it starts after its command is committed."""

    command: Command
    make: Callable[[], Coroutine[Any, Any, CommandResult]]
    #: What it may add to the account's exposure, where a risk policy applies.
    entries: tuple[Entry, ...] = ()
    is_sent: bool = False
    task: "asyncio.Task[CommandResult] | None" = None
