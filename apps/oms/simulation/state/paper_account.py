"""Balances and positions at the paper exchange."""

from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add
from oms.domain.value import value
from oms.simulation.state.paper_order import Leg

PositionKey = tuple[str, Leg]
"""Symbol and leg."""


@value
class Balance:
    """Amounts of one currency; ``used`` is locked by orders and margins.

    ``free`` falls below zero by losses on contracts and where spot shorts are allowed.
    """

    free: Decimal = ZERO
    used: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Returns free and used together."""
        return add(self.free, self.used)


@value
class PaperPosition:
    """An open contract position: signed quantity, signed cost, and the margin it locks.

    The cost is Σ quantity × price, or − Σ quantity ÷ price on inverse contracts. A cross position
    locks the initial margin of its cost, an isolated one the margin assigned to it.
    """

    symbol: str
    leg: Leg
    qty: Decimal
    cost: Decimal
    margin: Decimal
    #: Time up to which funding is settled; ``None`` pays no funding.
    funded_at: datetime | None = None
