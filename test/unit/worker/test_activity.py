"""Counters of a worker: what it executed and what it committed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from kit.databases.store_rows import a_deal, a_position, an_order
from oms.domain.commands.command import SYSTEM_ACTOR
from oms.domain.ledger.deal import DealType
from oms.domain.orders.order_risk import OrderRisk, RiskStatus
from oms.domain.protection.levels import Levels, PendingClose, StopKind
from oms.ports.command_queue import CommandRow, NewCommand
from oms.ports.exchange import AttemptRow, ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch
from oms.worker.activity import WorkerActivity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def _batch(**rows: Any) -> AccountBatch:
    lease = Lease(account_id=1, token=1)
    return AccountBatch(lease=lease, head_before=0, head_after=0, **rows)


def _attempt(**changes: Any) -> AttemptRow:
    terms = {"order_id": 1, "attempt": 1, "kind": "place", "client_id": "c", "request": "{}"}
    return AttemptRow(**{**terms, "may_send_until": NOON, "created_at": NOON, **changes})


def test_what_is_committed_is_counted() -> None:
    activity = WorkerActivity()
    refused = OrderRisk(status=RiskStatus.BLOCKED, code="max_open_orders")
    passed = OrderRisk(status=RiskStatus.PASSED)
    pending = PendingClose(kind=StopKind.LOSS, command_id=7)
    position = a_position(1, 1, stop_loss=Decimal(90), levels=Levels(pending_close=pending))
    stop, other = (
        NewCommand(
            id=number,
            account_id=1,
            command_type="close_position",
            payload="{}",
            fingerprint="",
            actor=SYSTEM_ACTOR,
            created_at=NOON,
        )
        for number in (7, 8)
    )
    activity.note_commit(
        _batch(
            orders_new=(an_order(1, 1, risk=refused), an_order(2, 1, risk=passed), an_order(3, 1)),
            deals=(a_deal(1, 1), a_deal(2, 1, type=DealType.FUNDING)),
            positions_changed=(position,),
            follow_ups=(stop, other),
        )
    )
    activity.note_commit(_batch(positions_changed=(position,)))  # It changed in another way.

    fields = activity.status_fields()
    assert fields["deals"] == 1
    assert fields["risk_refusals"] == {"max_open_orders": 1}
    assert fields["stop_triggers"] == {"sl": 1}


def test_phases_of_orders_are_summed_and_never_shorter_than_nothing() -> None:
    activity = WorkerActivity()
    sends, cancels = (
        SimpleNamespace(command_type=name, created_at=NOON, held_until=None)
        for name in ("send_order", "cancel_order")
    )
    for row, waited in ((sends, 4 * MS), (sends, -MS)):
        activity.note_start(cast(CommandRow, row), NOON + waited)
    activity.note_start(cast(CommandRow, cancels), NOON + MS)
    attempts = (
        _attempt(),  # It was not sent yet.
        _attempt(sent_at=NOON + 2 * MS, acked_at=NOON + 12 * MS),
        _attempt(kind="cancel", sent_at=NOON, acked_at=NOON + MS),
    )
    activity.note_commit(_batch(exchange_state=ExchangeStateRows(attempts=attempts)))

    expected = {"queue": [2, 0.004], "send": [1, 0.002], "exchange": [1, 0.01]}
    assert activity.status_fields()["order_phases"] == expected
