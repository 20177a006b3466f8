"""Events of the paper exchange."""

from datetime import datetime
from decimal import Decimal

from oms.domain.value import value
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_order import Leg, PaperOrder, PaperTrade


@value
class Accepted:
    """An order was accepted."""

    order: PaperOrder


@value
class Filled:
    """An order was filled, entirely or partly."""

    trade: PaperTrade


@value
class Changed:
    """The price or total quantity of an order changed, by request or by the reduce-only limit."""

    order: PaperOrder


@value
class Canceled:
    """The rest of an order was canceled; ``reason`` is empty if that was requested."""

    order: PaperOrder
    reason: str = ""


@value
class Triggered:
    """A conditional order was triggered by ``price``."""

    order: PaperOrder
    price: Decimal


@value
class Expired:
    """An order expired."""

    order: PaperOrder


@value
class Rejected:
    """A request was rejected and changed nothing."""

    client_id: str
    code: str
    message: str


@value
class Deposited:
    """Money was deposited."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class Withdrawn:
    """Money was withdrawn; ``amount`` is positive."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class InsurancePaid:
    """The insurance fund paid the debt of an account after its liquidation."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class FundingPaid:
    """A position received ``amount`` (negative: paid) for the funding time ``at``.

    The id is made of symbol, leg and time, so one payment always has the same id.
    """

    funding_id: str
    symbol: str
    leg: Leg
    amount: Decimal
    currency: str
    rate: Decimal
    mark: Decimal
    at: datetime


@value
class LeverageSet:
    """The leverage of a contract was set."""

    symbol: str
    leverage: int


@value
class MarginModeSet:
    """The margin mode of a contract was set."""

    symbol: str
    mode: MarginMode


PaperOrderEvent = Accepted | Changed | Canceled | Triggered | Expired
"""Events about one order; they carry its new form."""

PaperAccountEvent = (
    Deposited | Withdrawn | InsurancePaid | FundingPaid | LeverageSet | MarginModeSet
)
"""Events about no order."""

PaperEvent = PaperOrderEvent | Filled | Rejected | PaperAccountEvent
