"""``bracket`` of ``send_order``: its form, and what excludes it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.orders.bracket import EXIT_PARAMS, STOP_LOSS, TAKE_PROFIT
from oms.domain.protection.levels import SETTABLE
from oms.domain.side import Side
from oms.wire.request_body import Location, malformed_at

_LEVELS = ("stop_loss", "stop_gain", *SETTABLE)
_ALTERNATIVES = ((TAKE_PROFIT, "price"), (STOP_LOSS, "trigger_price"))


def read_bracket(fields: dict[str, Any], at: Location) -> None:
    """Replace ``bracket`` by its stored form, numbers as text. Raises ``Malformed``."""
    bracket = fields.get("bracket")
    if bracket is None:
        return
    here = (*at, "bracket")
    if not bracket:
        raise malformed_at(here, "take_profit, stop_loss or both are expected")
    for name, price in _ALTERNATIVES:
        sent = bracket.get(name)
        if sent is not None and (price in sent) is ("pct" in sent):
            raise malformed_at((*here, name), f"either {price} or pct is expected")
    _check_excluded(fields, at)
    _check_sides(fields, here)
    fields["bracket"] = {
        name: {key: decimal_text(number) for key, number in each.items()}
        for name, each in bracket.items()
    }


def _check_excluded(fields: Mapping[str, Any], at: Location) -> None:
    if name := next((each for each in _LEVELS if fields.get(each) is not None), None):
        raise malformed_at((*at, name), "a bracket sets the levels; give one of the two")
    if name := next((each for each in EXIT_PARAMS if each in fields.get("params", {})), None):
        raise malformed_at((*at, "params", name), "a bracket describes the exits; give one of both")
    if fields.get("reduce_only"):
        raise malformed_at((*at, "bracket"), "an order that only reduces has no exits")


def _check_sides(fields: Mapping[str, Any], here: Location) -> None:
    """Refuse exits on the wrong side of each other or of the limit price."""
    bracket, is_buy = fields["bracket"], fields["side"] is Side.BUY
    loss, gain = bracket.get(STOP_LOSS, {}), bracket.get(TAKE_PROFIT, {})
    for name, sent in ((STOP_LOSS, loss), (TAKE_PROFIT, gain)):
        if sent.get("pct", 0) >= 100 and (name == STOP_LOSS) is is_buy:
            raise malformed_at((*here, name, "pct"), "less than 100 percent is expected")
    prices: list[Decimal] = [
        each
        for each in (loss.get("trigger_price"), fields.get("price"), gain.get("price"))
        if each is not None
    ]
    ordered = sorted(set(prices), reverse=not is_buy)
    if prices != ordered:
        order = "below" if is_buy else "above"
        message = f"the stop loss lies {order} the price, and the price {order} the take profit"
        raise malformed_at(here, message, "invalid_stops")
    if "limit_price" in loss and "trigger_price" not in loss:
        raise malformed_at((*here, STOP_LOSS, "limit_price"), "it goes with trigger_price")
