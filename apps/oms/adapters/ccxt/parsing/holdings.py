"""Parses ccxt's position rows and balances."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import (
    get_decimal,
    get_text,
    malformed_response,
    require_decimal,
)
from oms.adapters.ccxt.sync.raw_row_buffer import NOT_TRADED
from oms.domain.instrument import Instrument
from oms.domain.money import multiply
from oms.domain.reconcile.position_comparison import HoldingKey
from oms.domain.side import Side

_SIDES = {"long": Side.BUY, "short": Side.SELL}
#: Where a venue reports the leg itself; ccxt leaves it out of some rows.
_LEG_KEY = "positionSide"
#: Where venues report the average entry, as text.
_AVERAGE_KEYS = ("entryPrice", "avgPrice", "avgPx")


def parse_position(
    row: Mapping[str, Any], instruments: Mapping[str, Instrument]
) -> tuple[HoldingKey, Decimal] | None:
    """Returns what ``row`` holds; ``None`` for a flat position.

    Raises ``ReadFailed`` for an incomplete row, or for a symbol that is not traded here.
    """
    if row.get("contracts") is not None and not require_decimal(row, "contracts"):
        return None
    instrument = instruments.get(str(row.get("symbol")))
    if instrument is None:
        raise malformed_response(NOT_TRADED)
    qty = multiply(abs(require_decimal(row, "contracts", ("size",))), instrument.amount_unit)
    if not qty:
        return None
    info = row.get("info")
    info_side = get_text(info, _LEG_KEY) if isinstance(info, Mapping) else None
    leg = _SIDES.get(str(row.get("side") or info_side or "").lower())
    if leg is None:
        raise malformed_response("a position without a side")
    key = (instrument.symbol, leg if row.get("hedged") is True else None)
    return key, qty if leg is Side.BUY else -qty


def parse_average(row: Mapping[str, Any]) -> Decimal | None:
    """Returns the average entry price of a position row; ``None`` if it has none."""
    try:
        average = get_decimal(row, "entryPrice", _AVERAGE_KEYS)
    except ReadFailed:
        return None
    return average if average and average > 0 else None


def parse_balances(response: Any) -> dict[str, Decimal] | None:
    """Returns the totals by currency; ``None`` for an incomplete or empty reply.

    A currency that is left out has none: an incomplete reply would look like losses. Raises
    ``ReadFailed`` for a malformed reply.
    """
    totals = response.get("total") if isinstance(response, Mapping) else None
    if not isinstance(totals, Mapping):
        raise malformed_response("balances without totals")
    parsed: dict[str, Decimal] = {}
    for currency in totals:
        amount = get_decimal(totals, currency)
        if amount is None:
            return None
        parsed[str(currency)] = amount
    return parsed or None
