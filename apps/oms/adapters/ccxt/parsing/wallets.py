"""Parses ccxt's balances into the cash of a wallet."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_decimal, malformed_response
from oms.adapters.ccxt.venues.wallets import WalletLayout, parse_totals
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add, round_to_scale
from oms.domain.performance.balances import Balance


def parse_wallet(
    response: Any, kind: InstrumentKind, layout: WalletLayout | None
) -> dict[str, Balance] | None:
    """Returns a wallet by currency; ``None`` for an incomplete reply or one that is not understood.

    Without a layout the totals count, less borrowed coins. Raises ``ReadFailed`` for a malformed
    reply.
    """
    if not isinstance(response, Mapping):
        raise malformed_response("balances")
    try:
        cash = parse_totals(response) if layout is None else layout.parse_cash(kind, response)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise malformed_response("balances without totals") from None
    if cash is None:
        return None
    wallet: dict[str, Balance] = {}
    for currency in cash:
        total = get_decimal(cash, currency)
        if total is None:
            return None
        wallet[currency] = Balance(
            total=round_to_scale(total),
            free=_part(response, "free", currency),
            used=_part(response, "used", currency),
        )
    return wallet or None


def add_wallets(wallets: Iterable[Mapping[str, Balance]]) -> dict[str, Balance]:
    """Returns the sums by currency; a part that one wallet does not report is unknown.

    Currencies of which there is nothing are left out, but for one of an empty wallet.
    """
    sums: dict[str, Balance] = {}
    for wallet in wallets:
        for currency, each in wallet.items():
            before = sums.get(currency, Balance(total=ZERO, free=ZERO, used=ZERO))
            sums[currency] = Balance(
                total=add(before.total, each.total),
                free=_sum(before.free, each.free),
                used=_sum(before.used, each.used),
            )
    held = {currency: each for currency, each in sums.items() if each.total or each.used}
    return held or {currency: sums[currency] for currency in sorted(sums)[:1]}


def _part(response: Mapping[str, Any], name: str, currency: str) -> Decimal | None:
    """Returns what is free or used; where ccxt computed it wrongly, it is unknown."""
    amounts = response.get(name)
    try:
        part = get_decimal(amounts, currency) if isinstance(amounts, Mapping) else None
    except ReadFailed:
        return None
    return None if part is None else round_to_scale(part)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else add(one, other)
