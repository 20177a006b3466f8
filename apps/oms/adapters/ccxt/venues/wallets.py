"""Where a venue keeps the money of an account, and which figure of it is cash.

ccxt's totals contain unrealized profit at some venues and not at others: the cash of wallets that
are margin of contracts is read from the venue's own fields.
"""

from collections.abc import Callable, Mapping
from typing import Any

from oms.adapters.ccxt.parsing.decimals import to_decimal
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, subtract
from oms.domain.value import value

Cash = Mapping[str, Any]
"""Amounts by currency: exact numbers, or texts as the venue sends them."""


@value
class WalletLayout:
    """The wallets of a venue at which contracts are traded."""

    #: Reads the cash from ccxt's reply to ``fetch_balance`` of the wallet of a kind. ``None``: the
    #: reply is none of this layout. May raise ``LookupError``, ``TypeError``, ``ValueError``.
    parse_cash: Callable[[InstrumentKind, Mapping[str, Any]], Cash | None]
    #: Kinds with a wallet of their own; all others share one.
    separate_kinds: frozenset[InstrumentKind] = frozenset()


def parse_totals(response: Mapping[str, Any]) -> Cash:
    """Returns ccxt's totals less what is borrowed; a missing total stays ``None``.

    Raises ``KeyError``, ``ValueError``.
    """
    debts, cash = response.get("debt") or {}, dict[str, Any]()
    for currency, text in response["total"].items():
        total = to_decimal(text)
        debt = to_decimal(debts.get(currency)) or ZERO
        cash[currency] = None if total is None else subtract(total, debt)
    return cash
