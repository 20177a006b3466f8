"""What a key has opened since a moment, as the orders tell it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.value import value

ORDERS_PER_CALL_MAX = 100


def call_order_key(command_id: int, number: int) -> int:
    """The name of an order that a call of the gateway made: no command's id is below 0."""
    return -(command_id * ORDERS_PER_CALL_MAX + number)


@value
class OpeningOrder:
    """An order that may open or enlarge a position; ``price`` is what it is worth a unit."""

    #: The command that made it; of one made past the ledger its ``call_order``.
    command_id: int
    symbol: str
    qty: Decimal
    filled_qty: Decimal
    price: Decimal | None
    is_open: bool


class KeyUsage(Protocol):
    """Reads the orders of keys."""

    async def opening_orders(
        self, account_id: int, api_key_id: int, since: datetime
    ) -> Sequence[OpeningOrder]:
        """Stored orders that the key sent to the account since then. Raises ``Unavailable``."""
        ...
