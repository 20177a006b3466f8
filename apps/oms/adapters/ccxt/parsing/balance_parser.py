"""Totals of an account's currencies, as ccxt tells them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.parsing.fields import get_decimal, malformed_response


def parse_balances(response: Any) -> dict[str, Decimal] | None:
    """The totals by currency; ``None`` for an answer with a hole in it, or with nothing.

    A coin that is left out is one of which there is none: an answer that says not enough would look
    like losses. Raises ``ReadFailed`` for what is no answer about balances.
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
