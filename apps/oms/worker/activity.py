"""What a worker did since its start, counted for its heartbeat: deals, refusals, stops, times."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.commands.command import COMMAND_TYPES, SendOrder
from oms.domain.ledger.deal import DealType
from oms.domain.orders.order_risk import RiskStatus
from oms.ports.command_queue import CommandRow
from oms.ports.ledger_store import AccountBatch

_SEND_ORDER = COMMAND_TYPES[SendOrder]


@dataclass(slots=True)
class PhaseTimes:
    """How many orders went through a phase, and for how long in all."""

    count: int = 0
    seconds: float = 0.0

    def note(self, duration: timedelta) -> None:
        """Count one order; clocks of two hosts may differ, and no phase is shorter than nothing."""
        self.count += 1
        self.seconds += max(duration.total_seconds(), 0.0)


@dataclass(slots=True)
class WorkerActivity:
    """Counters of one worker process."""

    deals: int = 0
    #: Orders that limits refused, by reason.
    risk_refusals: Counter[str] = field(default_factory=Counter)
    #: Closes that stop levels caused, by kind of the level.
    stop_triggers: Counter[str] = field(default_factory=Counter)
    #: From the stored command to its execution, from there to the request, and to its response.
    queue: PhaseTimes = field(default_factory=PhaseTimes)
    send: PhaseTimes = field(default_factory=PhaseTimes)
    exchange: PhaseTimes = field(default_factory=PhaseTimes)

    def note_start(self, row: CommandRow, now: datetime) -> None:
        """Count the wait of a command that is executed now, if it sends an order."""
        if row.command_type == _SEND_ORDER:
            self.queue.note(now - (row.held_until or row.created_at))

    def note_commit(self, batch: AccountBatch) -> None:
        """Count what a committed transaction wrote."""
        self.deals += sum(deal.type is DealType.TRADE for deal in batch.deals)
        for order in batch.orders_new:
            if order.risk is not None and order.risk.status is RiskStatus.BLOCKED:
                self.risk_refusals[order.risk.code or ""] += 1
        if batch.follow_ups:
            self._note_stops(batch)
        if batch.exchange_state is not None:
            for attempt in batch.exchange_state.attempts:
                if attempt.kind == "place" and attempt.sent_at and attempt.acked_at:
                    self.send.note(attempt.sent_at - attempt.created_at)
                    self.exchange.note(attempt.acked_at - attempt.sent_at)

    def status_fields(self) -> Mapping[str, object]:
        """Return the fields of the heartbeat."""
        phases = {"queue": self.queue, "send": self.send, "exchange": self.exchange}
        return {
            "deals": self.deals,
            "risk_refusals": dict(self.risk_refusals),
            "stop_triggers": dict(self.stop_triggers),
            "order_phases": {
                name: [times.count, round(times.seconds, 6)] for name, times in phases.items()
            },
        }

    def _note_stops(self, batch: AccountBatch) -> None:
        closes = {
            levels.pending_close.command_id: levels.pending_close.kind
            for position in (*batch.positions_new, *batch.positions_changed)
            if (levels := position.levels) is not None and levels.pending_close is not None
        }
        for command in batch.follow_ups:
            if command.id in closes:
                self.stop_triggers[closes[command.id].value] += 1
