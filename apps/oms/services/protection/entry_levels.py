"""Check of the stop levels that an order carries, against the price of its entry."""

from datetime import datetime

from oms.domain.commands.command import SendOrder
from oms.domain.errors import Refused
from oms.domain.orders.order_validation import valuation_price
from oms.domain.protection.position_levels import has_levels, refuse_entry_levels
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.side import Side
from oms.services.account_state.state import AccountState


def check_entry_levels(
    state: AccountState, request: SendOrder, approved: ApprovedOrder | Refused, now: datetime
) -> ApprovedOrder | Refused:
    """Return the approved order, or why its levels would close the position at once.

    A limit order is judged at its limit, a triggered one at its trigger, a market order at the
    price at which its position could be closed.
    """
    if isinstance(approved, Refused) or approved.reduce_only or not has_levels(request):
        return approved
    quote = state.exchange.quote(request.symbol, now)
    market = None if quote is None else quote.bid if request.side is Side.BUY else quote.ask
    base = valuation_price(request, market)
    instrument = state.exchange.instruments()[request.symbol]
    return refuse_entry_levels(request, instrument, base) or approved
