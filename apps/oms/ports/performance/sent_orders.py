"""Reads of orders with the API keys that sent them, to recognise an order that is sent twice."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.value import value


@value
class SentOrder:
    """An order; quantity and price are those of its command, before they were rounded."""

    #: Of the order, or of the command that called a ccxt method.
    id: int
    qty: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    created_at: datetime
    #: What is spent, where the call names that in place of a quantity.
    cost: Decimal | None = None
    is_call: bool = False


@value
class SentCall:
    """A call of a ccxt method that trades, as it was stored."""

    id: int
    payload: str
    created_at: datetime


@value
class CommandSender:
    """Who sent a command."""

    api_key_id: int
    #: Whether its request had an ``Idempotency-Key``.
    has_idempotency_key: bool


@value
class SentOrderQuery:
    """Entry orders of one API key, of one kind, since a time."""

    account_id: int
    api_key_id: int
    strategy_id: int
    symbol: str
    side: str
    order_type: str
    since: datetime


class SentOrderReads(Protocol):
    """Reads of stored rows; every method raises ``Unavailable``."""

    async def senders(self, command_ids: Collection[int]) -> Mapping[int, CommandSender]:
        """Return who sent these commands; unknown ones are left out."""
        ...

    async def orders(self, query: SentOrderQuery) -> Sequence[SentOrder]:
        """Return the stored orders that the gateway did not refuse."""
        ...

    async def calls(self, query: SentOrderQuery, before_id: int) -> Sequence[SentCall]:
        """Return calls of ccxt methods that trade and were not refused, with ids below one.

        Of the query only account, key, symbol and time count; a call may not trade the symbol.
        """
        ...
