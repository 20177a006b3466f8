"""Notional opened with an API key since a time, computed from its orders."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.value import value

ORDERS_PER_CALL_MAX = 100


def call_order_key(command_id: int, number: int) -> int:
    """Return the key of an order made by a ccxt call; negative, so distinct from command ids."""
    return -(command_id * ORDERS_PER_CALL_MAX + number)


@value
class OpeningOrder:
    """An order that may open or increase a position; ``price`` is its price for valuation."""

    #: The command that made it; for ccxt calls the ``call_order_key``.
    command_id: int
    symbol: str
    qty: Decimal
    filled_qty: Decimal
    price: Decimal | None
    is_open: bool


class KeyUsage(Protocol):
    """Reads orders by API key."""

    async def opening_orders(
        self, account_id: int, api_key_id: int, since: datetime
    ) -> Sequence[OpeningOrder]:
        """Return stored orders that the key sent to the account since then.

        Raises ``Unavailable``.
        """
        ...
