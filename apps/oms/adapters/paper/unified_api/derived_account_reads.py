"""Account reads derived from others: parts of the balance, single rows, filtered lists.

What ccxt's base class derives from another method's result is derived here in the same way.
"""

from collections.abc import Awaitable, Callable, Mapping

from oms.adapters.paper.unified_api import contract_structures
from oms.adapters.paper.unified_api.account_reads import AccountReads
from oms.adapters.paper.unified_api.structures import Structure
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind


async def fetch_free_balance(reads: AccountReads, params: object = None) -> object:
    """Returns free amounts by currency."""
    return (await reads.fetch_balance())["free"]


async def fetch_used_balance(reads: AccountReads, params: object = None) -> object:
    """Returns locked amounts by currency."""
    return (await reads.fetch_balance())["used"]


async def fetch_total_balance(reads: AccountReads, params: object = None) -> object:
    """Returns total amounts by currency."""
    return (await reads.fetch_balance())["total"]


async def fetch_partial_balance(reads: AccountReads, part: object, params: object = None) -> object:
    """Returns one part of the balance: ``free``, ``used``, ``total`` or a currency."""
    balance = await reads.fetch_balance()
    return balance.get(part) if isinstance(part, str) else None


async def fetch_accounts(reads: AccountReads, params: object = None) -> list[Structure]:
    """Returns the one account."""
    return [{"id": str(reads.account_id), "type": "unified", "code": None, "info": {}}]


async def fetch_position(reads: AccountReads, symbol: object, params: object = None) -> object:
    """Returns the position of a symbol, or ``None``; of two legs the long one."""
    found = await reads.fetch_positions([symbol])
    return found[0] if found else None


async def fetch_positions_for_symbol(
    reads: AccountReads, symbol: object, params: object = None
) -> list[Structure]:
    """Returns both legs of a symbol."""
    return await reads.fetch_positions([symbol])


async def fetch_positions_risk(
    reads: AccountReads, symbols: object = None, params: object = None
) -> list[Structure]:
    """Returns the positions, which include their risk."""
    return await reads.fetch_positions(symbols)


async def fetch_order_status(
    reads: AccountReads, id: object, symbol: object = None, params: object = None
) -> object:
    """Returns the status of one order."""
    return (await reads.fetch_order(id, symbol))["status"]


async def fetch_open_order(
    reads: AccountReads, id: object, symbol: object = None, params: object = None
) -> Structure:
    """Returns one order, which must be open."""
    return await _in_status(reads, id, symbol, frozenset({"open"}))


async def fetch_closed_order(
    reads: AccountReads, id: object, symbol: object = None, params: object = None
) -> Structure:
    """Returns one order, which must be finished."""
    finished = frozenset({"closed", "canceled", "expired", "rejected"})
    return await _in_status(reads, id, symbol, finished)


async def fetch_order_with_client_order_id(
    reads: AccountReads,
    clientOrderId: object,
    symbol: object = None,
    params: object = None,
) -> Structure:
    """Returns an open order by its client order id."""
    for order in await reads.fetch_open_orders(symbol):
        if order["clientOrderId"] == clientOrderId:
            return order
    raise Invalid(f"no order {clientOrderId!r} is open", code="order_not_found")


async def fetch_canceled_and_closed_orders(
    reads: AccountReads,
    symbol: object = None,
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[Structure]:
    """Returns finished orders, the oldest first."""
    orders = await reads.fetch_orders(symbol, since, limit)
    return [order for order in orders if order["status"] != "open"]


async def fetch_order_trades(
    reads: AccountReads,
    id: object,
    symbol: object = None,
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[Structure]:
    """Returns executions of one order, the oldest first."""
    trades = await reads.fetch_my_trades(symbol, since)
    found = [trade for trade in trades if trade["order"] == id]
    count = limit if isinstance(limit, int) and not isinstance(limit, bool) else None
    return found if count is None or count < 1 else found[-count:]


async def fetch_leverage(reads: AccountReads, symbol: object, params: object = None) -> Structure:
    """Returns the leverage of a contract."""
    return contract_structures.leverage(reads.state, reads.settings, _instrument(reads, symbol))


async def fetch_leverages(
    reads: AccountReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns the leverage of these contracts, or of all."""
    return {
        each.symbol: contract_structures.leverage(reads.state, reads.settings, each)
        for each in _contracts(reads, symbols)
    }


async def fetch_margin_mode(
    reads: AccountReads, symbol: object, params: object = None
) -> Structure:
    """Returns the margin mode of a contract."""
    return contract_structures.margin_mode(reads.state, reads.settings, _instrument(reads, symbol))


async def fetch_margin_modes(
    reads: AccountReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns the margin mode of these contracts, or of all."""
    return {
        each.symbol: contract_structures.margin_mode(reads.state, reads.settings, each)
        for each in _contracts(reads, symbols)
    }


async def fetch_position_mode(
    reads: AccountReads, symbol: object = None, params: object = None
) -> Structure:
    """Returns whether contracts have two legs."""
    return {"info": {}, "hedged": reads.settings.hedge}


async def fetch_trading_fee(
    reads: AccountReads, symbol: object, params: object = None
) -> Structure:
    """Returns maker and taker rate of a symbol."""
    return contract_structures.trading_fee(reads.settings, _instrument(reads, symbol))


async def fetch_trading_fees(reads: AccountReads, params: object = None) -> Structure:
    """Returns maker and taker rates of all symbols."""
    return {
        symbol: contract_structures.trading_fee(reads.settings, instrument)
        for symbol, instrument in sorted(reads.settings.instruments.items())
    }


async def _in_status(
    reads: AccountReads, id: object, symbol: object, statuses: frozenset[str]
) -> Structure:
    order = await reads.fetch_order(id, symbol)
    if order["status"] not in statuses:
        message = f"order {id!r} is {order['status']}"
        raise Invalid(message, code="order_not_found")
    return order


def _instrument(reads: AccountReads, symbol: object) -> Instrument:
    return reads.settings.instruments[reads.symbol(symbol)]


def _contracts(reads: AccountReads, symbols: object) -> list[Instrument]:
    if symbols is None:
        instruments = [
            reads.settings.instruments[name] for name in sorted(reads.settings.instruments)
        ]
    elif isinstance(symbols, list):
        instruments = [_instrument(reads, symbol) for symbol in symbols]
    else:
        raise Invalid("symbols: a list is expected")
    return [each for each in instruments if each.kind is not InstrumentKind.SPOT]


FUNCTIONS: Mapping[str, Callable[..., Awaitable[object]]] = {
    name: function for name, function in globals().items() if name.startswith("fetch_")
}
"""Methods by their ccxt names; the first argument is ``AccountReads``."""
