"""Rows of orders, executions, positions and balances, and the updates that carry them.

They are immutable, so an update that a stream sends later still has the values of its time.
Quantities are in base currency, prices and values in quote currency.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oms.domain.money import ZERO, add, divide, subtract
from oms.domain.value import value
from oms.simulation.state.paper_order import Leg, PaperOrder, PaperTrade


class OrderState(StrEnum):
    """State of an order."""

    UNTRIGGERED = "untriggered"
    TRIGGERED = "triggered"
    NEW = "new"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    #: Canceled before it was triggered.
    DEACTIVATED = "deactivated"

    @property
    def is_open(self) -> bool:
        """Whether more may be executed."""
        return self in _OPEN


_OPEN = frozenset(
    {OrderState.UNTRIGGERED, OrderState.TRIGGERED, OrderState.NEW, OrderState.PARTLY_FILLED}
)


class OrderOrigin(StrEnum):
    """Who created an order."""

    USER = "user"
    #: Take profit or stop loss attached to another order.
    ATTACHED = "attached"
    #: Take profit, stop loss or trailing stop that was set on a position.
    TRADING_STOP = "trading_stop"
    LIQUIDATION = "liquidation"
    ADL = "adl"


class ExitKind(StrEnum):
    """Which kind of exit an order is; ``NONE`` for an ordinary order."""

    NONE = ""
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING = "trailing"


@value
class OrderRow:
    """One order."""

    #: The sequence number of the order in its account.
    number: int
    order_id: str
    #: The engine's order in its newest state.
    order: PaperOrder
    state: OrderState
    filled: Decimal = ZERO
    #: Σ quantity × price.
    value: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    #: The parameters of the API request that created it.
    params: Mapping[str, Any] = field(default_factory=dict)
    origin: OrderOrigin = OrderOrigin.USER
    exit: ExitKind = ExitKind.NONE
    #: Id of the order that it was attached to.
    parent: str = ""
    #: The engine's reason for its end.
    reason: str = ""
    created_at: datetime
    updated_at: datetime
    last_on_created: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """The quantity that may still be executed."""
        return subtract(self.order.qty, self.filled) if self.state.is_open else ZERO

    @property
    def average(self) -> Decimal | None:
        """Average price; ``None`` before the first fill."""
        return divide(self.value, self.filled) if self.filled else None


@value
class ExecutionRow:
    """One execution; ``kind`` is trade, funding, liquidation or adl."""

    number: int
    execution_id: str
    kind: str
    trade: PaperTrade
    #: Its order in the state after the execution; ``None`` for funding.
    order: OrderRow | None
    mark: Decimal | None
    rate: Decimal


@value
class PositionRow:
    """One leg of a contract; ``qty`` is signed and may be 0."""

    symbol: str
    leg: Leg
    qty: Decimal
    entry: Decimal | None
    mark: Decimal | None
    #: Absolute value at the mark price.
    notional: Decimal
    margin: Decimal
    maintenance: Decimal
    unrealised: Decimal
    realised: Decimal
    leverage: int
    liquidation: Decimal | None
    take_profit: Decimal | None
    stop_loss: Decimal | None
    trailing: Decimal | None
    created_at: datetime
    updated_at: datetime


@value
class CurrencyRow:
    """The balance of one currency."""

    currency: str
    free: Decimal
    total: Decimal
    #: Locked by spot orders, by contract orders, by positions.
    spot_locked: Decimal
    order_margin: Decimal
    position_margin: Decimal
    maintenance: Decimal
    unrealised: Decimal
    realised: Decimal

    @property
    def equity(self) -> Decimal:
        """The total including the unrealised profit."""
        return add(self.total, self.unrealised)


@value
class OrderUpdate:
    """A changed order."""

    row: OrderRow


@value
class ExecutionUpdate:
    """An execution, or a funding payment."""

    row: ExecutionRow


@value
class PositionUpdate:
    """A changed position."""

    row: PositionRow


@value
class WalletUpdate:
    """Changed balances."""

    coins: tuple[CurrencyRow, ...]


AccountUpdate = OrderUpdate | ExecutionUpdate | PositionUpdate | WalletUpdate
"""One update of an account, as its streams report it."""
