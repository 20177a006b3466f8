"""What venues' own words say of an order's state, where ccxt's reading of them says too little.

A word that stands here wins over ccxt's; one that does not is no end of an order. A conditional
order whose trigger was met has ended: what it placed is an order of its own, with executions of
its own, so nothing was ever executed of the conditional one. Where it bears the same name, and the
name is ours, it is the same order to the ledger.
"""

from collections.abc import Callable, Mapping
from typing import Any

from oms.domain.value import value

Info = Mapping[str, Any]
#: ccxt's words.
OPEN, CLOSED, CANCELED, EXPIRED, REJECTED = "open", "closed", "canceled", "expired", "rejected"
TRIGGERED = "triggered"
"""Our word: it is over, and what it placed bears its name."""


@value
class VenueState:
    """``word`` is one of ccxt's, ``None`` for a strange one; ``raw`` is the venue's."""

    status: str | None
    raw: str | None
    #: An order that waits for its trigger, or did, under an id of its own.
    is_conditional: bool = False


def parse_state(info: Info, venue: str) -> VenueState | None:
    """What the venue's row says; ``None`` where ccxt's word is as good."""
    parser = _PARSERS.get(venue)
    return None if parser is None else parser(info)


def parse_side(row: Mapping[str, Any], venue: str) -> Any:
    """Whether it buys or sells.

    Where Bitget holds two legs, its word is that of the leg, and ``tradeSide`` tells what is done
    to it: closing a long is told as a purchase, which ccxt passes on.
    """
    info = row.get("info")
    if venue != "bitget" or not isinstance(info, Mapping):
        return row.get("side")
    if info.get("posMode") != "hedge_mode" or "tradeSide" not in info:
        return row.get("side")
    leg = str(info.get("side")).lower()
    closes = str(info["tradeSide"]).lower().startswith("close")
    return _OPPOSITE.get(leg) if closes else leg


_OPPOSITE: Mapping[str, str] = {"buy": "sell", "sell": "buy"}


def _invert(**words_by_status: tuple[str, ...]) -> dict[str, str]:
    return {word: unified for unified, words in words_by_status.items() for word in words}


_OKX = _invert(
    open=("live", "partially_filled", "partially_effective", "pause"),
    closed=("filled",),
    canceled=("canceled", "mmp_canceled", "effective", "order_placed"),
    rejected=("order_failed",),
)
_KRAKEN = _invert(
    open=("pending", "open", "new", "pending_new", "partially_filled"),
    closed=("closed", "filled"),
    canceled=("canceled",),
    expired=("expired",),
)
_GATE = _invert(
    open=("open", "_new", "_update"),
    closed=("filled", "closed"),
    canceled=(
        *("cancelled", "canceled", "ioc", "stp", "poc", "fok", "reduce_only", "reduce_out"),
        *("trader_not_enough", "depth_not_enough", "small", "position_closed"),
        *("liquidated", "liquidate_cancelled", "auto_deleveraged"),
    ),
    expired=("expired",),
    rejected=("failed",),
)
_GATE_STOPS = _GATE | _invert(canceled=("finish", "finished", "succeeded", "inactive"))
_BITGET = _invert(
    open=(
        *("new", "init", "live", "not_trigger"),
        *("partial_fill", "partially_fill", "partially_filled"),
    ),
    closed=("full_fill", "filled"),
    canceled=("cancel", "cancelled", "canceled", "triggered", "executed", "executing"),
    rejected=("fail_trigger", "fail_execute"),
)


_BINANCE_STOPS = _invert(
    open=("NEW", "TRIGGERING"),
    triggered=("TRIGGERED", "FINISHED"),
    canceled=("CANCELED",),
    expired=("EXPIRED",),
    rejected=("REJECTED",),
)


def _binance(info: Info) -> VenueState | None:
    """Conditional orders of contracts alone, as they are read and as a stream tells them."""
    raw = _get_text(info, "X" if "aid" in info else "algoStatus")
    if raw is None or not ("aid" in info or "algoId" in info):
        return None
    return VenueState(status=_BINANCE_STOPS.get(raw), raw=raw, is_conditional=True)


def _okx(info: Info) -> VenueState | None:
    raw = _get_text(info, "state")
    is_conditional = bool(info.get("algoId")) and "accFillSz" not in info
    if raw is None:
        return None
    return VenueState(status=_OKX.get(raw), raw=raw, is_conditional=is_conditional)


def _kraken(info: Info) -> VenueState | None:
    raw = _get_text(info, "status")
    return None if raw is None else VenueState(status=_KRAKEN.get(raw), raw=raw)


def _limiter(info: Info) -> VenueState | None:
    """Why an order ended says more than that it did."""
    is_conditional = "trigger" in info and ("put" in info or "initial" in info)
    raw = _get_text(info, "finish_as") or _get_text(info, "status")
    if raw is None:
        return None
    words = _GATE_STOPS if is_conditional else _GATE
    return VenueState(status=words.get(raw), raw=raw, is_conditional=is_conditional)


def _kucoin(info: Info) -> VenueState | None:
    """Flags tell; ccxt takes an order that was executed for cancelled: its ``stop`` is empty."""
    is_active = info.get("isActive", info.get("active"))
    is_conditional = bool(info.get("stop")) and info.get("stopTriggered") is not True
    if is_conditional and is_active is not False:
        return VenueState(status=OPEN, raw=_get_text(info, "status"), is_conditional=True)
    if not isinstance(is_active, bool):
        return None
    if is_active:
        return VenueState(status=OPEN, raw="active")
    is_canceled = info.get("cancelExist") is True
    word = CANCELED if is_canceled or is_conditional else CLOSED
    return VenueState(status=word, raw=word, is_conditional=is_conditional)


def _bitget(info: Info) -> VenueState | None:
    keys = ("planStatus", "status", "state", "orderStatus")
    raw = next((value for key in keys if (value := _get_text(info, key)) is not None), None)
    is_conditional = bool(info.get("planType")) and bool(info.get("triggerPrice"))
    if raw is None:
        return None
    return VenueState(status=_BITGET.get(raw), raw=raw, is_conditional=is_conditional)


def _get_text(info: Info, key: str) -> str | None:
    value = info.get(key)
    return None if value in (None, "") else str(value)


_PARSERS: Mapping[str, Callable[[Info], VenueState | None]] = {
    "binance": _binance,
    "okx": _okx,
    "kraken": _kraken,
    "gate": _limiter,
    "kucoin": _kucoin,
    "bitget": _bitget,
}
