"""What the venue remembers and tells: orders, executions, positions, wallets, at one moment.

All of it is frozen, so what was handed to a stream says later what it said when it happened.
Quantities in base, prices and values in quote. It knows no dialect.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oms.domain.money import ZERO, add, divide, subtract
from oms.domain.value import value
from oms.simulation.state.exchange_state import Leg, PaperOrder, PaperTrade


class OrderState(StrEnum):
    """Where an order stands."""

    UNTRIGGERED = "untriggered"
    TRIGGERED = "triggered"
    NEW = "new"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    #: Canceled while it still waited for its trigger.
    DEACTIVATED = "deactivated"

    @property
    def is_open(self) -> bool:
        """Whether more may be executed."""
        return self in _OPEN


_OPEN = frozenset(
    {OrderState.UNTRIGGERED, OrderState.TRIGGERED, OrderState.NEW, OrderState.PARTLY_FILLED}
)


class OrderOrigin(StrEnum):
    """Who made an order."""

    USER = "user"
    #: Take profit or stop loss that came with another order.
    ATTACHED = "attached"
    #: Take profit, stop loss or trailing stop that was set on a position.
    TRADING_STOP = "trading_stop"
    LIQUIDATION = "liquidation"
    ADL = "adl"


class ExitKind(StrEnum):
    """Which way out of a position an order is; an ordinary one is none."""

    NONE = ""
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING = "trailing"


@value
class OrderRow:
    """One order."""

    #: Counts the orders of an account, the rejected ones too.
    number: int
    order_id: str
    #: As the engine told it last.
    order: PaperOrder
    state: OrderState
    filled: Decimal = ZERO
    #: Σ quantity × price.
    value: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    #: What the sender asked for, in the words of the dialect.
    wish: Mapping[str, Any] = field(default_factory=dict)
    origin: OrderOrigin = OrderOrigin.USER
    exit: ExitKind = ExitKind.NONE
    #: Order id of the order it was attached to.
    parent: str = ""
    #: Why it ended, in the engine's words.
    reason: str = ""
    created_at: datetime
    updated_at: datetime
    last_on_created: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """What may still be executed."""
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
    #: Its order as it stood after the execution; ``None`` for funding.
    order: OrderRow | None
    mark: Decimal | None
    rate: Decimal


@value
class PositionRow:
    """One leg of a contract; ``qty`` is signed, 0 when flat."""

    symbol: str
    leg: Leg
    qty: Decimal
    entry: Decimal | None
    mark: Decimal | None
    #: Value at the mark.
    worth: Decimal
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
    """One currency of a wallet."""

    currency: str
    free: Decimal
    total: Decimal
    #: Held by spot orders, by contract orders, by positions.
    spot_locked: Decimal
    order_margin: Decimal
    position_margin: Decimal
    maintenance: Decimal
    unrealised: Decimal
    realised: Decimal

    @property
    def equity(self) -> Decimal:
        """With what the open positions would bring."""
        return add(self.total, self.unrealised)


@value
class OrderUpdate:
    """An order is so now."""

    row: OrderRow


@value
class ExecutionUpdate:
    """An order was executed, or funding was paid."""

    row: ExecutionRow


@value
class PositionUpdate:
    """A position is so now."""

    row: PositionRow


@value
class WalletUpdate:
    """The currencies are so now."""

    coins: tuple[CurrencyRow, ...]


AccountUpdate = OrderUpdate | ExecutionUpdate | PositionUpdate | WalletUpdate
"""What an account hears."""
