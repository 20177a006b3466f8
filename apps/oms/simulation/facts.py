"""What the paper exchange says: facts in the order in which they happened, and a step's result."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal

from oms.domain.value import value
from oms.simulation.memory import Memory, PaperOrder, PaperTrade


@value
class Accepted:
    """An order has arrived."""

    order: PaperOrder


@value
class Filled:
    """An order was executed, wholly or in part."""

    trade: PaperTrade


@value
class Changed:
    """An order has another price or total quantity, wished or cut by reduce-only."""

    order: PaperOrder


@value
class Canceled:
    """What was left of an order will not be executed."""

    order: PaperOrder


@value
class Rejected:
    """A request was refused and nothing at all has changed."""

    client_id: str
    code: str
    message: str


@value
class Deposited:
    """Money has arrived."""

    currency: str
    amount: Decimal


Fact = Accepted | Filled | Changed | Canceled | Rejected | Deposited


@value
class Touched:
    """Which parts of memory a step replaced."""

    #: Open orders by id; ``None`` for one that was open before the step and is no longer.
    orders: Mapping[str, PaperOrder | None] = field(default_factory=dict)
    #: Symbols whose market was replaced.
    markets: frozenset[str] = frozenset()
    #: Whether balances, positions or counters were replaced.
    books: bool = False


@value
class Step:
    """The memory after an input, what was said, and what was replaced."""

    memory: Memory
    facts: tuple[Fact, ...]
    touched: Touched
