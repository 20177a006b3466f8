"""What an account waits for: answers of its exchange, reconcile passes, rounds, signals, calls."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from oms.domain.commands.account_commands import EnforceKillSwitch, Reconcile
from oms.domain.commands.command import Command, CommandResult
from oms.domain.errors import Refused
from oms.domain.risk.exposure import Entry
from oms.domain.signals.plan import Opening
from oms.domain.signals.signal import ExecuteSignal, SignalStatus
from oms.domain.value import value


@value
class OwnCancel:
    """The cancels that the gateway itself sent of an order, and when it sends the next one."""

    due: datetime
    #: How many were sent, by this owner of the account.
    sent: int = 0


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


class SignalStage(StrEnum):
    """What a signal waits for; the stages follow in this order, and any may be left out."""

    #: The signals before it.
    QUEUED = "queued"
    #: Cancels of working entry orders.
    CANCELING = "canceling"
    #: Orders that close positions.
    CLOSING = "closing"
    #: The order that opens exposure.
    OPENING = "opening"


@value
class LegFailure:
    """Why a leg of a signal ended without its effect."""

    status: SignalStatus
    refused: Refused
    #: The reason with values and limits.
    text: str


@dataclass(slots=True, kw_only=True, eq=False)
class PendingSignal:
    """A running ``signal`` (``services.signals.expand_signal``)."""

    command: Command
    stage: SignalStage = SignalStage.QUEUED
    stage_began_at: datetime | None = None
    #: Commands of all legs so far, and those that were not executed yet.
    command_ids: list[int] = field(default_factory=list)
    waiting_ids: set[int] = field(default_factory=set)
    #: Orders of all legs so far, and those that the stage waits for.
    order_ids: list[int] = field(default_factory=list)
    stage_order_ids: list[int] = field(default_factory=list)
    #: What is opened after the reductions, or why that cannot be.
    opening: Opening | None = None
    blocked: str | None = None
    #: Whether a leg was executed.
    has_executed: bool = False
    failure: LegFailure | None = None

    @property
    def signal(self) -> ExecuteSignal:
        """The payload of the command."""
        assert isinstance(self.command.payload, ExecuteSignal)
        return self.command.payload
