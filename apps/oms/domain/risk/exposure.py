"""Exposure of an account: its positions and the entry orders that may still open or enlarge them.

The unfilled part of an open entry order is a *reservation*: it counts as if it were filled. The
judged entry itself is added once, and a change does not count the order that it replaces.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from oms.domain.account import PositionMode
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.order import Order, Side
from oms.domain.value import evolve, value


@value
class Entry:
    """The part of an order that may open or enlarge a position."""

    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    #: Limit price.
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: str | None = None
    strategy_id: int = 0
    #: The ticket that it enlarges; 0 leaves it to the position mode.
    position_id: int = 0
    new_position: bool = False
    #: Id of the order, or of the order that a change replaces; 0 of a new one.
    order_id: int = 0
    #: The signal that it is the opening order of.
    signal_id: int | None = None

    @property
    def rests(self) -> bool:
        """Return whether an order of this kind may rest at the exchange."""
        return self.order_type != "market" and self.time_in_force not in ("IOC", "FOK")


def entry_of(order: Order) -> Entry:
    """Return the reservation of an open entry order, or of what a change may make of it."""
    price, trigger_price = order.price, order.trigger_price
    if order.pending_change == "change" and order.risk is not None:
        price = _higher(price, order.risk.pending_price)
        trigger_price = _higher(trigger_price, order.risk.pending_trigger_price)
    return Entry(
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        qty=reserved_qty(order),
        price=price,
        trigger_price=trigger_price,
        time_in_force=order.time_in_force,
        strategy_id=order.strategy_id,
        position_id=order.position_id,
        new_position=order.new_position,
        order_id=order.id,
    )


def changed_entry(order: Order, qty: Decimal | None, price: Decimal | None) -> Entry:
    """Return the reservation of an order while a change of it is on its way.

    The larger quantity and the higher price count: either may be the order's.
    """
    left = order.remaining_qty if qty is None else subtract(qty, order.filled_qty)
    return evolve(
        entry_of(order), qty=max(reserved_qty(order), left), price=_higher(order.price, price)
    )


def reserved_qty(order: Order) -> Decimal:
    """Return what an open order may still execute, also by a change that is not answered yet."""
    left, risk = order.remaining_qty, order.risk
    if order.pending_change != "change" or risk is None or risk.pending_qty is None:
        return left
    return max(left, subtract(risk.pending_qty, order.filled_qty))


def _higher(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return max((each for each in (left, right) if each is not None), default=None)


def reservations(
    orders: Iterable[Order], pending: Sequence[Entry] = (), *, except_id: int = 0
) -> list[Entry]:
    """Return the reservations of open orders, and ``pending`` entries that have no order yet.

    A pending entry with the id of an order is what a change makes of it, and counts instead of it.
    """
    changing = {entry.order_id for entry in pending if entry.order_id}
    entries = [
        entry_of(order)
        for order in orders
        if not order.reduce_only and order.id != except_id and order.id not in changing
    ]
    return [*entries, *(e for e in pending if not e.order_id or e.order_id != except_id)]


def reducible_qty(
    mode: PositionMode,
    symbol: str,
    side: Side,
    strategy_id: int,
    positions: Iterable[Position],
    orders: Iterable[Order],
    pending: Sequence[Entry] = (),
) -> Decimal:
    """Return how much of an order of this side only reduces, beyond the open orders of that side.

    ``pending`` are as of ``reservations``. 0 in hedge accounts, where an order that names no
    opposite ticket opens.
    """
    if mode is PositionMode.HEDGE:
        return ZERO
    own_only = mode is PositionMode.STRATEGY_NETTING
    held = ZERO
    for position in positions:
        is_own = not own_only or position.strategy_id == strategy_id
        if position.symbol == symbol and position.side is not side and is_own:
            held = add(held, position.qty.copy_abs())
    if not held:
        return ZERO
    changing = {entry.order_id for entry in pending if entry.order_id}
    resting = [
        (o.symbol, o.side, o.strategy_id, reserved_qty(o)) for o in orders if o.id not in changing
    ]
    resting += [(e.symbol, e.side, e.strategy_id, e.qty) for e in pending]
    for order_symbol, order_side, owner, qty in resting:
        is_own = not own_only or owner == strategy_id
        if order_symbol == symbol and order_side is side and is_own:
            held = subtract(held, qty)
    return max(held, ZERO)


_NEW = -(1 << 63)
"""Ticket of an entry that has no order yet and opens one of its own; below all order ids."""


class PositionKey(NamedTuple):
    """One position of an account; in hedge accounts a ticket, or what will open one."""

    symbol: str
    strategy_id: int = 0
    #: Side of a hedge ticket that is not open yet.
    side: Side | None = None
    #: Ticket of a hedge account, or, negative, the order that opens one of its own.
    ticket_id: int = 0


_key_of_symbol = lru_cache(maxsize=4096)(PositionKey)
"""Return the key of a position of a netting account."""

_NOTHING = ZERO, ZERO

Quantities = Mapping[PositionKey, tuple[Decimal, Decimal]]
"""How large each position becomes if all buys are filled, and if all sales are."""


def totals_of(quantities: Quantities) -> Mapping[str, Decimal]:
    """Return the sum of the largest quantities of all positions, by symbol."""
    totals: dict[str, Decimal] = {}
    for key, (bought, sold) in quantities.items():
        symbol, largest = key.symbol, bought if bought >= sold else sold
        totals[symbol] = add(totals[symbol], largest) if symbol in totals else largest
    return totals


@value
class Exposure:
    """Positions and reservations, with the entry that is judged, in one position mode."""

    mode: PositionMode
    positions: Collection[Position]
    #: Entry orders that are open, without the judged entry.
    reserved: Sequence[Entry]
    #: The newest ticket of each symbol, strategy and side, once a hedge account needs it.
    _newest: dict[tuple[str, int, Side], int] = field(
        default_factory=dict, repr=False, compare=False
    )

    def of_strategy(self, strategy_id: int) -> "Exposure":
        """Return the part that belongs to a strategy."""
        return Exposure(
            mode=self.mode,
            positions=[p for p in self.positions if p.strategy_id == strategy_id],
            reserved=[e for e in self.reserved if e.strategy_id == strategy_id],
        )

    def open_keys(self) -> set[PositionKey]:
        """Return the positions that are open or that reservations would open."""
        keys = {self._key_of_position(position) for position in self.positions}
        return keys | {self.key_of(entry) for entry in self.reserved} if self.reserved else keys

    def key_of(self, entry: Entry) -> PositionKey:
        """Return the position that the entry opens or enlarges."""
        if self.mode is PositionMode.NETTING:
            return _key_of_symbol(entry.symbol)
        if self.mode is PositionMode.STRATEGY_NETTING:
            return PositionKey(entry.symbol, entry.strategy_id)
        if entry.position_id:
            return PositionKey(entry.symbol, ticket_id=entry.position_id)
        if entry.new_position:
            return PositionKey(entry.symbol, entry.strategy_id, entry.side, -entry.order_id or _NEW)
        # An entry without a ticket enlarges the newest one of its symbol, side and strategy.
        if not self._newest:
            for position in self.positions:
                kind = (position.symbol, position.strategy_id, position.side)
                self._newest[kind] = max(position.id, self._newest.get(kind, 0))
        newest = self._newest.get((entry.symbol, entry.strategy_id, entry.side))
        if newest is not None:
            return PositionKey(entry.symbol, ticket_id=newest)
        return PositionKey(entry.symbol, entry.strategy_id, entry.side)

    def _key_of_position(self, position: Position) -> PositionKey:
        if self.mode is PositionMode.NETTING:
            return _key_of_symbol(position.symbol)
        if self.mode is PositionMode.STRATEGY_NETTING:
            return PositionKey(position.symbol, position.strategy_id)
        return PositionKey(position.symbol, ticket_id=position.id)

    def quantities_with(self, entry: Entry, key: PositionKey) -> tuple[Quantities, bool]:
        """Return the quantities of all positions once the entry is filled, too.

        ``key`` is that of the entry, which opens in full: what its order closes has been taken off
        before. ``True`` if its position is open or reserved without it.
        """
        filled = self._filled()
        is_open = key in filled
        bought, sold = filled[key] if is_open else _NOTHING
        if entry.side is Side.BUY:
            filled[key] = add(bought if bought > 0 else ZERO, entry.qty), sold
        else:
            filled[key] = bought, subtract(sold if sold < 0 else ZERO, entry.qty)
        return {
            each: (buy.copy_abs(), sale.copy_abs()) for each, (buy, sale) in filled.items()
        }, is_open

    def quantities_by_position(self) -> Mapping[PositionKey, Decimal]:
        """Return the largest quantity of each position."""
        return {key: max(both) for key, both in _unsigned(self._filled()).items()}

    def quantities(self) -> Mapping[str, Decimal]:
        """Return the sum of the largest quantities of all positions, by symbol."""
        return totals_of(_unsigned(self._filled()))

    def _filled(self) -> dict[PositionKey, tuple[Decimal, Decimal]]:
        """Return per position its signed quantity with all buys, and with all sales.

        Both sides are never filled together against each other: either alone may come first.
        """
        filled: dict[PositionKey, tuple[Decimal, Decimal]] = {}
        for position in self.positions:
            key, qty = self._key_of_position(position), position.qty
            if key in filled:
                bought, sold = filled[key]
                filled[key] = add(bought, qty), add(sold, qty)
            else:
                filled[key] = qty, qty
        for entry in self.reserved:
            key = self.key_of(entry)
            bought, sold = filled.get(key, _NOTHING)
            if entry.side is Side.BUY:
                filled[key] = add(bought, entry.qty), sold
            else:
                filled[key] = bought, subtract(sold, entry.qty)
        return filled


def _unsigned(filled: Quantities) -> Quantities:
    return {key: (bought.copy_abs(), sold.copy_abs()) for key, (bought, sold) in filled.items()}


NO_EXPOSURE = Exposure(mode=PositionMode.NETTING, positions=(), reserved=())
"""That of an account without positions and orders."""
