"""Parses ccxt's balances into totals by currency."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.parsing.fields import get_decimal, malformed_response


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
