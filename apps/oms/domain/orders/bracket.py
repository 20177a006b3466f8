"""Brackets: a take profit and a stop loss that an order brings with it.

Where the exchange attaches exits to orders and all values are prices, they are sent with the order.
Otherwise they are stop levels of the position that the order opens or adds to.
"""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.commands.command import SendOrder
from oms.domain.errors import Refused
from oms.domain.money import parse_decimal
from oms.domain.value import evolve

TAKE_PROFIT, STOP_LOSS = "take_profit", "stop_loss"
EXIT_PARAMS = ("takeProfit", "stopLoss")
"""Parameters of an order that describe attached exits."""


def resolve_bracket(request: SendOrder, *, is_attachable: bool) -> SendOrder:
    """Return the request with its bracket as attached exits or as stop levels.

    It is returned unchanged if the bracket is possible in neither form (``refuse_bracket``).
    """
    bracket = request.bracket
    if bracket is None:
        return request
    gain, loss = _exit(bracket, TAKE_PROFIT), _exit(bracket, STOP_LOSS)
    if is_attachable and "pct" not in gain and "pct" not in loss:
        exits: dict[str, object] = {}
        if gain:
            exits["takeProfit"] = {"triggerPrice": gain["price"]}
        if loss:
            limit = {"price": loss["limit_price"]} if "limit_price" in loss else {}
            exits["stopLoss"] = {"triggerPrice": loss["trigger_price"], **limit}
        return evolve(request, bracket=None, params={**request.params, **exits})
    if "limit_price" in loss:
        return request
    return evolve(
        request,
        bracket=None,
        stop_gain=_decimal(gain, "price"),
        stop_gain_pct=_decimal(gain, "pct"),
        stop_loss=_decimal(loss, "trigger_price"),
        stop_loss_pct=_decimal(loss, "pct"),
    )


def refuse_bracket(request: SendOrder) -> Refused | None:
    """Refuse a bracket that ``resolve_bracket`` could not resolve."""
    if request.bracket is None:
        return None
    message = (
        "bracket.stop_loss.limit_price needs exits that the exchange attaches to orders, and"
        " prices in place of percentages; levels of a position close at the market"
    )
    return Refused(code="order_type_not_supported", reason="attached_tp_sl", message=message)


def _exit(bracket: Mapping[str, object], name: str) -> Mapping[str, str]:
    found = bracket.get(name)
    return found if isinstance(found, dict) else {}


def _decimal(exit: Mapping[str, str], name: str) -> Decimal | None:
    return parse_decimal(exit[name]) if name in exit else None
