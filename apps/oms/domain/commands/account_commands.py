"""What is wanted of an account itself, from outside: run by its one writer like any command.

They wait for their worker as long as it takes (``command.CONTROL``).
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.reconcile.position_comparison import Scope
from oms.domain.side import Side
from oms.domain.value import value


@value
class RiskSwitch:
    """Open or close an account, or one strategy on it, to what enlarges; or block the account."""

    #: ``active`` or ``blocked``, of the whole account; else ``None``.
    status: str | None = None
    #: Whether positions may be opened or enlarged; ``None`` where ``status`` is told.
    allow_new_positions: bool | None = None
    #: 0 is the whole account.
    strategy_id: int = 0
    comment: str | None = None


@value
class MutateItem:
    """One row to be set right; ``row`` holds the columns that were sent, as JSON values."""

    #: Its place in the caller's list.
    index: int
    #: ``insert``, ``update`` or ``delete``.
    op: str
    row: Mapping[str, object] = field(default_factory=dict)


@value
class AdminMutate:
    """Set rows of the ledger right: deals by correction deals, the rest where it may change."""

    #: ``orders``, ``positions`` or ``deals``.
    entity: str
    items: tuple[MutateItem, ...]
    comment: str | None = None


@value
class EnforceKillSwitch:
    """What follows from a kill switch on one account: tell, cancel entries, close positions."""

    kill_id: int
    scope: str
    scope_id: str
    mode: str
    #: Whether it was pulled; else it was released.
    on: bool = True
    cancel_entries: bool = False
    #: Close everything that the switch is about, again and again.
    flatten: bool = False
    comment: str | None = None


@value
class Reconcile:
    """Compare the account with the exchange and apply what was missed."""

    scope: Scope = Scope.SHORT
    #: Bounds of the scope ``period``.
    start: datetime | None = None
    end: datetime | None = None
    #: Symbols to read besides those that are known.
    symbols: tuple[str, ...] = ()


@value
class PaperPrice:
    """Set the price of a symbol on a paper account whose source for it is ``manual``."""

    symbol: str
    #: Best prices; ``None`` where nothing but a trade is told.
    bid: Decimal | None = None
    ask: Decimal | None = None
    #: Depth at either side; ``None`` is without limit.
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    #: The whole book, best levels first: prices with their depth.
    bids: tuple[tuple[Decimal, Decimal | None], ...] = ()
    asks: tuple[tuple[Decimal, Decimal | None], ...] = ()
    #: A trade of others, told after the prices; its side is the taker's.
    print_price: Decimal | None = None
    print_qty: Decimal | None = None
    print_side: Side | None = None


@value
class PaperDeposit:
    """Pay money into a paper account; a negative amount takes it out."""

    currency: str
    amount: Decimal
    comment: str | None = None


@value
class PaperReset:
    """Cancel everything, close everything at mark, and begin with the settings' balances."""

    comment: str | None = None


@value
class RefreshOrder:
    """Ask the exchange for one order now."""

    order_id: int


class Resolution(StrEnum):
    """What an operator says of an order whose answer was lost."""

    ADOPT = "adopt"
    DECLARE_NOT_PLACED = "declare_not_placed"


@value
class ResolveUnknownOrder:
    """Say what became of an order in doubt: it is one of the exchange's, or there is none."""

    order_id: int
    action: Resolution
    #: What the exchange calls the order that is adopted.
    exchange_order_id: str | None = None
    comment: str | None = None


@value
class ReadConnection:
    """Tell how the account's exchange is reached; a read that changes nothing."""
