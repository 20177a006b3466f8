"""What callers ask: JSON bodies become commands, or a list of what is wrong with them.

Numbers come from their text (``wire.json.loads``), never through a binary float. Unknown keys are
refused, except what clients in the field send: ``extra``, the ccxt spellings inside ``params``,
the idle keys of ``close_position``; null in an optional key means absent. Nothing is decided
here: whether a symbol exists or an order type is supported is the worker's matter.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from oms.domain.command import CcxtCall, Payload
from oms.domain.control import PaperDeposit, PaperPrice, PaperReset
from oms.domain.value import value
from oms.wire.bodies import ERRORS_TOLD_MAX, At, Error, Malformed, wrong_at
from oms.wire.fields import object_at, present, validated
from oms.wire.order_bodies import read_close, read_send
from oms.wire.row_bodies import (
    read_cancel,
    read_cancel_all,
    read_change,
    read_close_all,
    read_close_by,
    read_merge,
    read_position_change,
)
from oms.wire.shapes import CALL, DEPOSIT, ENVELOPE, PRICE, RESET

_READERS: Mapping[str, Callable[[Mapping[str, Any], At], Payload]] = {
    "send_order": read_send,
    "cancel_order": read_cancel,
    "cancel_all_orders": read_cancel_all,
    "change_order": read_change,
    "close_position": read_close,
    "close_all": read_close_all,
    "close_by": read_close_by,
    "merge_positions": read_merge,
    "position_change": read_position_change,
}
#: Commands that need their account told; that of the others is the row's.
_ACCOUNT_COMMANDS = frozenset({"send_order", "cancel_all_orders", "close_all"})


@value
class Wish:
    """One command of a body; ``account_id`` is ``None`` where the row names it."""

    payload: Payload
    account_id: int | None
    request_id: str | None = None

    @property
    def comment(self) -> str | None:
        """What the caller wrote beside it."""
        written = getattr(self.payload, "comment", None)
        return written if isinstance(written, str) else None


def read_commands(body: object, items_max: int) -> tuple[Wish, ...]:
    """The wishes of a body, in its order: one command, or a list of up to ``items_max``.

    Raises ``Malformed`` with the wrong places, the item's index in ``loc``; then no wish counts.
    """
    items = body if isinstance(body, list) else [body]
    if len(items) > items_max:
        raise wrong_at(("body",), f"at most {items_max} commands in one body", "too_long")
    wishes: list[Wish] = []
    errors: list[Error] = []
    for index, item in enumerate(items):
        try:
            wishes.append(_read_command(item, (index,)))
        except Malformed as wrong:
            errors.extend(wrong.errors)
            if len(errors) >= ERRORS_TOLD_MAX:
                break
    if errors:
        raise Malformed(errors)
    return tuple(wishes)


def read_paper_price(body: object) -> Wish:
    """A manual price: ``price``, or ``bid`` and ``ask``, or a ``book``; and, or only, a ``print``.

    Raises ``Malformed``.
    """
    fields = validated(PRICE, present(object_at(body, ("body",))), ())
    book, trade = fields.get("book"), fields.get("print", {})
    if book is None:
        bid, ask = (fields.get(side, fields.get("price")) for side in ("bid", "ask"))
        book = {}
    elif fields.keys() & {"price", "bid", "ask", "bid_qty", "ask_qty"}:
        raise wrong_at(("book",), "a book comes without price, bid and ask")
    else:
        bid, ask = book["bids"][0][0], book["asks"][0][0]
        _check_order(book)
    if (bid is None) is not (ask is None) or (bid is None and not trade):
        raise wrong_at(("price",), "give price, or bid and ask, or a book, or a print", "missing")
    if bid is not None and ask is not None and bid > ask:
        raise wrong_at(("bid",), "bid is above ask")
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
    return Wish(payload=payload, account_id=fields.get("account_id"))


def _check_order(book: Mapping[str, Any]) -> None:
    for side, sign in (("bids", -1), ("asks", 1)):
        prices = [sign * price for price, _ in book[side]]
        if any(first >= second for first, second in pairwise(prices)):
            raise wrong_at(("book", side), "the best level comes first, and no price twice")


def read_paper_deposit(account_id: int, body: object) -> Wish:
    """``{currency, amount, comment?}``; below zero takes money out. Raises ``Malformed``."""
    fields = validated(DEPOSIT, present(object_at(body, ("body",))), ())
    return Wish(payload=PaperDeposit(**fields), account_id=account_id)


def read_paper_reset(account_id: int, body: object) -> Wish:
    """``{comment?}``. Raises ``Malformed``."""
    fields = validated(RESET, present(object_at(body, ("body",))), ())
    return Wish(payload=PaperReset(**fields), account_id=account_id)


def read_call(func: str, body: object) -> CcxtCall:
    """``{args, kwargs}`` of a ccxt call, both optional. Raises ``Malformed``."""
    fields = validated(CALL, present(object_at(body, ("body",))), ())
    args = fields.get("args", [])
    if not isinstance(args, list):
        raise wrong_at(("args",), "a list is expected")
    return CcxtCall(func=func, args=tuple(args), kwargs=fields.get("kwargs", {}))


def _read_command(item: object, at: At) -> Wish:
    envelope = validated(ENVELOPE, present(object_at(item, at)), at)
    word = envelope["command"].lower()
    read = _READERS.get(word)
    if read is None:
        raise wrong_at((*at, "command"), f"one of {', '.join(_READERS)} is expected", "enum")
    account_id = envelope.get("account_id")
    if account_id is None and word in _ACCOUNT_COMMANDS:
        raise wrong_at((*at, "account_id"), f"{word} needs an account_id", "missing_account_id")
    return Wish(
        payload=read(envelope["payload"], (*at, "payload")),
        account_id=account_id,
        request_id=envelope.get("request_id"),
    )
