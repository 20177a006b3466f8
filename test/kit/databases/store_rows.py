"""Rows for tests of a store: accounts, commands, and one filled order with all its rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import Actor, CommandResult, CommandStatus
from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order, OrderState, Side
from oms.ports.command_queue import NewCommand, Submission
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow
from oms.ports.registry import AuditEntry

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ACTOR = Actor(user_id=1, api_key_id=2, role="trader", ip="127.0.0.1")
AUDIT = AuditEntry(actor="test", action="make", entity="thing", entity_id="", request_id="r")


def seconds_after(seconds: float) -> datetime:
    """``NOON`` plus ``seconds``."""
    return NOON + timedelta(seconds=seconds)


async def an_account(
    store: SqlStore,
    label: str = "main",
    extra_config: str = "{}",
    *,
    risk_preset: str = "open",
    exchange_id: str = "paper.binance",
    environment: str = "paper",
) -> int:
    """Creates an account, on paper unless another environment is given; returns its id."""
    return await store.registry.create_account(
        exchange_id=exchange_id,
        label=label,
        position_mode="hedge",
        environment=environment,
        is_testnet=False,
        extra_config=extra_config,
        trader_name=None,
        now=NOON,
        audit=AUDIT,
        risk_preset=risk_preset,
    )


async def a_lease(
    store: SqlStore, account_id: int, owner: str = "w1", seconds: float = 60
) -> Lease:
    """Acquires the lease of an account; the account must be unleased."""
    (lease,) = await store.leases.acquire(owner, [account_id], seconds)
    return lease


def a_command(
    command_id: int,
    account_id: int,
    *,
    at: float = 0,
    request_id: str | None = None,
    fingerprint: str = "f" * 64,
    after: int | None = None,
    hold_until: datetime | None = None,
    payload: str = '{"symbol":"BTC/USDT"}',
) -> NewCommand:
    """A command created ``at`` seconds after ``NOON``."""
    return NewCommand(
        id=command_id,
        account_id=account_id,
        command_type="send_order",
        payload=payload,
        fingerprint=fingerprint,
        actor=ACTOR,
        created_at=seconds_after(at),
        request_id=request_id,
        after_command_id=after,
        hold_until=hold_until,
    )


async def enqueue(store: SqlStore, commands: Sequence[NewCommand]) -> None:
    """Stores commands, one submission each."""
    await store.queue.enqueue([Submission(commands=(command,)) for command in commands])


def an_order(order_id: int, account_id: int, **changes: object) -> Order:
    """A filled market order for 0.5 BTC."""
    values: dict[str, object] = {
        "command_id": order_id,
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "order_type": "market",
        "qty": Decimal("0.5"),
        "state": OrderState.FILLED,
        "client_order_id": f"C{order_id}",
        "exchange_order_id": f"X{order_id}",
        "filled_qty": Decimal("0.5"),
        "fill_value": Decimal("20000.05"),
        "fees": {"BTC": Decimal("0.0005")},
        "created_at": NOON,
        "updated_at": NOON,
        "submitted_at": NOON,
        "last_fill_at": NOON,
        "closed_at": NOON,
    }
    return Order(id=order_id, account_id=account_id, **(values | changes))  # type: ignore[arg-type]


def a_deal(deal_id: int, account_id: int, **changes: object) -> Deal:
    """The single execution of ``an_order``."""
    values: dict[str, object] = {
        "order_id": deal_id,
        "position_id": deal_id,
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "qty": Decimal("0.5"),
        "price": Decimal("40000.1"),
        "fee": Decimal("0.0005"),
        "fee_currency": "BTC",
        "profit": Decimal(0),
        "strategy_id": 0,
        "reason": "api",
        "exchange_trade_id": f"T{deal_id}",
        "exchange_order_id": f"X{deal_id}",
        "leg": 0,
        "entry": DealEntry.IN,
        "origin": "exchange_reply",
        "liquidity": "taker",
        "executed_at": NOON,
        "created_at": NOON,
    }
    return Deal(id=deal_id, account_id=account_id, **(values | changes))  # type: ignore[arg-type]


def a_position(position_id: int, account_id: int, **changes: object) -> Position:
    """The position that ``a_deal`` opened."""
    values: dict[str, object] = {
        "symbol": "BTC/USDT",
        "strategy_id": 0,
        "side": Side.BUY,
        "qty": Decimal("0.4995"),
        "cost": Fraction(19980049, 1000),
        "avg_price": Decimal("40000.1"),
        "identifier": position_id,
        "qty_opened": Decimal("0.4995"),
        "max_qty": Decimal("0.4995"),
        "fees": {"BTC": Decimal("0.0005")},
        "version": 1,
        "opened_at": NOON,
        "updated_at": NOON,
    }
    return Position(
        id=position_id,
        account_id=account_id,
        **(values | changes),  # type: ignore[arg-type]
    )


def an_event(event_id: int, account_id: int, seq: int, seq_to: int | None = None) -> EventRow:
    """One outbox row with the events ``seq..seq_to``."""
    return EventRow(
        id=event_id,
        account_id=account_id,
        seq=seq,
        seq_to=seq_to or seq,
        strategy_id=0,
        namespace="position",
        event_type="order_updated",
        payload='{"order":"é \\"quoted\\" 100%"}',
    )


def a_fill(lease: Lease, number: int, seq: int) -> AccountBatch:
    """The batch of one executed command: an order, a deal, a position, an event, a result."""
    account_id = lease.account_id
    return AccountBatch(
        lease=lease,
        head_before=seq - 1,
        head_after=seq,
        orders_new=(an_order(number, account_id),),
        deals=(a_deal(number, account_id),),
        positions_new=(a_position(number, account_id),),
        results={number: CommandResult(status=CommandStatus.DONE, order_id=number)},
        events=(an_event(number, account_id, seq),),
    )
