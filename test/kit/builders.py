"""Builders of domain values: each has valid defaults that keyword arguments override."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oms.domain.ids import IdKind
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.orders.execution_report import (
    Charge,
    ChargeKind,
    Execution,
    ExecutionReport,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.order import Order, Side
from oms.domain.risk.policy import Limit, PolicyScope
from oms.domain.risk.policy_keys import PolicyValue

NOON = datetime(2026, 2, 25, 12, 0, tzinfo=UTC)


class SequentialIds:
    """An id source that counts from 1, with one counter for all kinds."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self, kind: IdKind) -> int:
        return next(self._numbers)


def an_instrument(**changes: Any) -> Instrument:
    """BTC/USDT:USDT, linear, tick 0.1, step 0.001."""
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "kind": InstrumentKind.LINEAR,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "tick": Decimal("0.1"),
        "step": Decimal("0.001"),
        "min_notional": Decimal(100),
    }
    return Instrument(**(values | changes))


def a_spot_instrument(**changes: Any) -> Instrument:
    """BTC/USDT spot, tick 0.01, step 0.00001."""
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "kind": InstrumentKind.SPOT,
        "tick": Decimal("0.01"),
        "step": Decimal("0.00001"),
        "min_notional": Decimal(5),
    }
    return an_instrument(**(values | changes))


def an_order(**changes: Any) -> Order:
    """A market buy of 1, pending submission."""
    values: dict[str, Any] = {
        "id": 1,
        "account_id": 1,
        "command_id": 1,
        "symbol": "BTC/USDT:USDT",
        "side": Side.BUY,
        "order_type": "market",
        "qty": Decimal(1),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Order(**(values | changes))


def a_limit(
    key: str, setting: PolicyValue, scope: PolicyScope = PolicyScope.ACCOUNT, scope_id: int = 3
) -> Limit:
    """A limit of account 3, set at ``NOON``."""
    return Limit(
        key=key, setting=setting, scope=scope, scope_id=scope_id, set_by="ann", set_at=NOON
    )


def a_report(kind: ReportKind, **changes: Any) -> ExecutionReport:
    """A report about order 1, received by stream at ``NOON``."""
    values: dict[str, Any] = {
        "kind": kind,
        "order_id": 1,
        "source": ReportSource.STREAM,
        "received_at": NOON,
    }
    return ExecutionReport(**(values | changes))


def a_fill(qty: str | Decimal, price: str | Decimal, **changes: Any) -> ExecutionReport:
    """An execution report with trade id ``trade``, charged ``fee`` in ``fee_currency``."""
    trade = changes.pop("trade", "t1")
    fee = changes.pop("fee", None)
    execution = Execution(
        exchange_trade_id=str(trade),
        qty=Decimal(qty),
        price=Decimal(price),
        executed_at=NOON,
        fee=None if fee is None else Decimal(fee),
        fee_currency=changes.pop("fee_currency", "USDT"),
        maker=changes.pop("maker", None),
    )
    return a_report(ReportKind.EXECUTION, execution=execution, **changes)


def a_late_fee(
    symbol: str, trade: str, amount: str | Decimal, currency: str, at: datetime
) -> Charge:
    """A fee that the exchange reports separately from its trade; positive is paid."""
    return Charge(
        kind=ChargeKind.COMMISSION,
        charge_id=trade,
        amount=-Decimal(amount),
        currency=currency,
        symbol=symbol,
        executed_at=at,
        source=ReportSource.RECONCILE,
        received_at=at,
    )


def a_funding(
    symbol: str,
    name: str,
    amount: str | Decimal,
    at: datetime,
    side: Side | None = None,
    *,
    currency: str = "USDT",
) -> Charge:
    """A funding payment that was due ``at``; positive is received."""
    return Charge(
        kind=ChargeKind.FUNDING,
        charge_id=name,
        amount=Decimal(amount),
        currency=currency,
        symbol=symbol,
        side=side,
        executed_at=at,
        source=ReportSource.RECONCILE,
        received_at=at,
    )
