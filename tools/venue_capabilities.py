"""Capabilities of venues that ccxt does not declare, or declares wrongly.

``make venues`` adds them to ccxt's declarations. A venue without a row here is untested.
"""

from collections.abc import Mapping
from typing import Any

NATIVE, REPLACE, EMULATED = "native", "replace", "emulated"
UNIFIED, RAW, NONE = "unified", "raw", "none"
SPOT, LINEAR = "spot", "linear"

Row = dict[str, Any]


def _trades(
    page: int | None, span_days: int | None, back_days: int | None, *, by_symbol: bool = False
) -> Row:
    return {
        "page": page,
        "span_days": span_days,
        "back_days": back_days,
        "symbol_required": by_symbol,
    }


def _row(
    edit: str | tuple[str, str],
    attached: tuple[str, ...],
    hedge: str,
    spot: Row | None,
    linear: Row | None,
    *,
    cancel_all_after: bool = False,
    look_up: str = "scan",
) -> Row:
    """``edit`` applies to both kinds, or to spot and linear; ``attached`` lists kinds."""
    edits = (edit, edit) if isinstance(edit, str) else edit
    trades = {kind: rows for kind, rows in ((SPOT, spot), (LINEAR, linear)) if rows is not None}
    return {
        "edit": dict(zip((SPOT, LINEAR), edits, strict=True)),
        "attached_tp_sl": list(attached),
        "hedge": hedge,
        "cancel_all_after": cancel_all_after,
        "trades": trades,
        "look_up": look_up,
    }


_BOTH = (SPOT, LINEAR)
_BYBIT = _trades(100, 7, 730)
_OKX = _trades(100, 10_000, 90)
_DERIBIT = _trades(100, 100_000, 100_000, by_symbol=True)
_COINBASE = _trades(3000, 10_000, None)
_BITFINEX = _trades(2500, 100_000, None)

TABLE: Mapping[str, Row] = {
    "bybit": _row(
        NATIVE, _BOTH, UNIFIED, _BYBIT, _BYBIT, cancel_all_after=True, look_up="orderLinkId"
    ),
    "binance": _row(
        (REPLACE, NATIVE),
        (),
        UNIFIED,
        _trades(1000, 1, None, by_symbol=True),
        _trades(1000, 7, None, by_symbol=True),
        look_up="origClientOrderId",
    ),
    "okx": _row(NATIVE, _BOTH, RAW, _OKX, _OKX, cancel_all_after=True, look_up="clOrdId"),
    "kraken": _row(NATIVE, (), NONE, _trades(None, None, None), None, cancel_all_after=True),
    "krakenfutures": _row(
        NATIVE, (), NONE, None, _trades(None, 100_000, None), cancel_all_after=True
    ),
    "kucoin": _row(
        (REPLACE, EMULATED),
        (LINEAR,),
        RAW,
        _trades(None, 7, None, by_symbol=True),
        _trades(1000, 7, None),
        look_up="clientOrderId",
    ),
    "bitget": _row(
        REPLACE,
        _BOTH,
        UNIFIED,
        _trades(100, 90, None, by_symbol=True),
        _trades(100, 7, None, by_symbol=True),
        look_up="clientOrderId",
    ),
    "gate": _row(NATIVE, (), RAW, _trades(1000, 30, None), _trades(1000, None, None)),
    "mexc": _row(
        EMULATED,
        (),
        UNIFIED,
        _trades(100, None, 30, by_symbol=True),
        _trades(100, 90, 90, by_symbol=True),
        look_up="clientOrderId",
    ),
    "htx": _row(
        EMULATED,
        (),
        UNIFIED,
        _trades(500, 2, 120, by_symbol=True),
        _trades(500, 2, 120, by_symbol=True),
        cancel_all_after=True,
        look_up="clientOrderId",
    ),
    "hyperliquid": _row(
        REPLACE,
        (SPOT,),
        NONE,
        _trades(2000, None, None, by_symbol=True),
        _trades(2000, None, None, by_symbol=True),
        cancel_all_after=True,
        look_up="clientOrderId",
    ),
    "bingx": _row(
        REPLACE,
        (LINEAR,),
        UNIFIED,
        _trades(1000, 1, 1, by_symbol=True),
        _trades(512, 30, 30, by_symbol=True),
        cancel_all_after=True,
    ),
    "deribit": _row(NATIVE, (), NONE, _DERIBIT, _DERIBIT),
    "coinbase": _row(NATIVE, (), NONE, _COINBASE, _COINBASE),
    "bitfinex": _row(NATIVE, (), NONE, _BITFINEX, _BITFINEX),
}
