"""Requests of clients: JSON bodies to commands, or a list of errors.

Numbers are parsed from their text (``wire.json.loads``), never through a binary float. Unknown keys
are refused except those that existing clients send: ``extra``, ccxt names inside ``params``,
ignored keys of ``close_position``; null in an optional key means absent. Symbols and order types
are checked by the worker.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from oms.domain.commands.account_commands import PaperDeposit, PaperPrice, PaperReset
from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, CcxtCall, CommandPayload
from oms.domain.value import constructor, value
from oms.wire.commands.command_schemas import CALL, DEPOSIT, ENVELOPE, PRICE, RESET
from oms.wire.commands.modify_requests import (
    read_break_even,
    read_cancel_all_orders,
    read_cancel_order,
    read_change_order,
    read_close_all,
    read_close_by,
    read_merge_positions,
    read_position_change,
    read_reverse_position,
)
from oms.wire.commands.order_requests import read_close_position, read_send_oco, read_send_order
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import ERRORS_MAX, Location, Malformed, ValidationError, malformed_at
from oms.wire.steps import Steps, run_steps

_READERS: Mapping[str, Callable[[Mapping[str, Any], Location], CommandPayload]] = {
    "send_order": read_send_order,
    "send_oco": read_send_oco,
    "cancel_order": read_cancel_order,
    "cancel_all_orders": read_cancel_all_orders,
    "change_order": read_change_order,
    "close_position": read_close_position,
    "close_all": read_close_all,
    "close_by": read_close_by,
    "merge_positions": read_merge_positions,
    "position_change": read_position_change,
    "break_even": read_break_even,
    "reverse_position": read_reverse_position,
}
#: Commands that require an account id; for the others the row determines it.
_ACCOUNT_COMMANDS = frozenset({"send_order", "send_oco", "cancel_all_orders", "close_all"})


@value
class CommandRequest:
    """One command of a body; ``account_id`` is ``None`` if the row determines it."""

    payload: CommandPayload
    account_id: int | None
    request_id: str | None = None
    #: The header ``X-Comment`` of a request whose body has no comment.
    header_comment: str | None = None
    #: The order for a group of accounts that this one is a part of.
    asked: CommandPayload | None = None

    @property
    def comment(self) -> str | None:
        """Return the comment of the payload, else that of the header, if any."""
        comment = getattr(self.payload, "comment", None)
        return comment if isinstance(comment, str) else self.header_comment


_new_request = constructor(CommandRequest)


def read_commands(body: object, items_max: int) -> tuple[CommandRequest, ...]:
    """Parse a body: one command, or a list of up to ``items_max``, in order.

    Raises ``Malformed`` with the index of the item in ``loc``; then no command is accepted.
    """
    return run_steps(read_commands_steps(body, items_max))


def read_commands_steps(body: object, items_max: int) -> Steps[tuple[CommandRequest, ...]]:
    """Return the steps of ``read_commands``. Raises ``Malformed``."""
    items = body if isinstance(body, list) else [body]
    if len(items) > items_max:
        raise malformed_at(("body",), f"at most {items_max} commands in one body", "too_long")
    requests: list[CommandRequest] = []
    errors: list[ValidationError] = []
    for index, item in enumerate(items):
        try:
            requests.append(_read_command(item, (index,)))
        except Malformed as error:
            errors.extend(error.errors)
            if len(errors) >= ERRORS_MAX:
                break
        yield
    if errors:
        raise Malformed(errors)
    return tuple(requests)


def read_paper_price(body: object) -> CommandRequest:
    """Parse a manual price: ``price``, ``bid`` and ``ask``, or a ``book``; and/or a ``print``.

    Raises ``Malformed``.
    """
    fields = validate(PRICE, drop_nulls(require_object(body, ("body",))), ())
    book, trade = fields.get("book"), fields.get("print", {})
    if book is None:
        bid, ask = (fields.get(side, fields.get("price")) for side in ("bid", "ask"))
        book = {}
    elif fields.keys() & {"price", "bid", "ask", "bid_qty", "ask_qty"}:
        raise malformed_at(("book",), "a book comes without price, bid and ask")
    else:
        bid, ask = book["bids"][0][0], book["asks"][0][0]
        _check_order(book)
    if (bid is None) is not (ask is None) or (bid is None and not trade):
        raise malformed_at(
            ("price",), "give price, or bid and ask, or a book, or a print", "missing"
        )
    if bid is not None and ask is not None and bid > ask:
        raise malformed_at(("bid",), "bid is above ask")
    payload = PaperPrice(
        symbol=fields["symbol"],
        bid=bid,
        ask=ask,
        bid_qty=fields.get("bid_qty"),
        ask_qty=fields.get("ask_qty"),
        bids=tuple(book.get("bids", ())),
        asks=tuple(book.get("asks", ())),
        print_price=trade.get("price"),
        print_qty=trade.get("qty"),
        print_side=trade.get("side"),
    )
    return CommandRequest(payload=payload, account_id=fields.get("account_id"))


def _check_order(book: Mapping[str, Any]) -> None:
    for side, sign in (("bids", -1), ("asks", 1)):
        prices = [sign * price for price, _ in book[side]]
        if any(first >= second for first, second in pairwise(prices)):
            raise malformed_at(("book", side), "the best level comes first, and no price twice")


def read_paper_deposit(account_id: int, body: object) -> CommandRequest:
    """Parse ``{currency, amount, comment?}``; negative amounts withdraw. Raises ``Malformed``."""
    fields = validate(DEPOSIT, drop_nulls(require_object(body, ("body",))), ())
    return CommandRequest(payload=PaperDeposit(**fields), account_id=account_id)


def read_paper_reset(account_id: int, body: object) -> CommandRequest:
    """Parse ``{comment?}``. Raises ``Malformed``."""
    fields = validate(RESET, drop_nulls(require_object(body, ("body",))), ())
    return CommandRequest(payload=PaperReset(**fields), account_id=account_id)


def read_ccxt_call(func: str, body: object) -> CcxtCall:
    """Parse ``{args, kwargs}`` of a ccxt call, both optional. Raises ``Malformed``."""
    fields = validate(CALL, drop_nulls(require_object(body, ("body",))), ())
    args = fields.get("args", [])
    if not isinstance(args, list):
        raise malformed_at(("args",), "a list is expected")
    return CcxtCall(func=func, args=tuple(args), kwargs=fields.get("kwargs", {}))


def _read_command(item: object, at: Location) -> CommandRequest:
    envelope = validate(ENVELOPE, drop_nulls(require_object(item, at)), at)
    name = envelope["command"].lower()
    read = _READERS.get(name)
    if read is None:
        raise malformed_at((*at, "command"), f"one of {', '.join(_READERS)} is expected", "enum")
    account_id = envelope.get("account_id")
    if account_id is None and name in _ACCOUNT_COMMANDS:
        raise malformed_at((*at, "account_id"), f"{name} needs an account_id", "missing_account_id")
    request_id = envelope.get("request_id")
    if request_id is not None and request_id.startswith(OWN_REQUEST_ID_PREFIX):
        message = f"request ids that begin with {OWN_REQUEST_ID_PREFIX} are reserved"
        raise malformed_at((*at, "request_id"), message, "reserved")
    return _new_request(
        payload=read(envelope["payload"], (*at, "payload")),
        account_id=account_id,
        request_id=request_id,
    )
