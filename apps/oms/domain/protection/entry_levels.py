"""How the stop levels of a position change by an entry and with its average price."""

from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.protection.level_prices import percent_prices
from oms.domain.protection.levels import NO_LEVELS, SETTABLE, rearmed
from oms.domain.protection.targets import priced_targets
from oms.domain.value import evolve

#: Levels whose prices follow from a base.
_IN_PERCENT = frozenset({"stop_loss_pct", "stop_gain_pct", "targets"})


def with_percent_levels(position: Position, instrument: Instrument) -> Position:
    """Return the position with the prices of levels in percent computed from its average price."""
    levels = position.levels
    if levels is None:
        return position
    base = levels.tp_sl_base_price or position.avg_price
    loss, gain = percent_prices(position.side, base, levels, instrument.tick)
    targets = priced_targets(position.side, base, levels.targets, instrument.tick)
    is_same = loss in (None, position.stop_loss) and gain in (None, position.stop_gain)
    if is_same and targets == levels.targets:
        return position
    return evolve(
        position,
        levels=evolve(levels, targets=targets),
        stop_loss=position.stop_loss if loss is None else loss,
        stop_gain=position.stop_gain if gain is None else gain,
    )


def with_entry_levels(position: Position, order: Order | None, instrument: Instrument) -> Position:
    """Return the position after an entry: levels of the order replace its own, absent ones stay."""
    if order is not None and (
        order.stop_loss is not None or order.stop_gain is not None or order.levels is not None
    ):
        position = _replaced_by(position, order)
    return position if position.levels is None else with_percent_levels(position, instrument)


def _replaced_by(position: Position, order: Order) -> Position:
    sent = {name: getattr(order.levels or NO_LEVELS, name) for name in SETTABLE}
    changes = {name: each for name, each in sent.items() if each is not None}
    if changes.keys() & _IN_PERCENT:
        changes.setdefault("tp_sl_base_price", None)
    if order.stop_loss is not None:
        changes["stop_loss_pct"] = None
    if order.stop_gain is not None:
        changes["stop_gain_pct"] = None
    if "stop_trailing_pct" in changes:
        changes["stop_trailing_amount"] = None
    elif "stop_trailing_amount" in changes:
        changes["stop_trailing_pct"] = None
    has_targets = "targets" in changes
    if has_targets:
        changes["stop_gain_pct"] = None
    elif order.stop_gain is not None or "stop_gain_pct" in changes:
        changes["targets"] = None
    before = position.levels or NO_LEVELS
    levels = evolve(before, **changes) if changes else before
    prices = {
        "stop_loss": position.stop_loss if order.stop_loss is None else order.stop_loss,
        "stop_gain": None
        if has_targets
        else position.stop_gain
        if order.stop_gain is None
        else order.stop_gain,
    }
    if levels == before and prices == {n: getattr(position, n) for n in prices}:
        return position
    is_plain = position.levels is None and levels == NO_LEVELS
    is_new = position.levels is None
    return evolve(
        position,
        **prices,
        levels=None if is_plain else levels if is_new else rearmed(levels),
    )
