"""Equities of the members of a group, from which shares by equity follow."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from oms.domain.errors import Conflict
from oms.services.performance.value_accounts import ValuedAccount


def member_equities(
    account_ids: Iterable[int], valued: Iterable[ValuedAccount]
) -> Mapping[int, Decimal]:
    """Return the equity of each account, all in one currency.

    Raises ``Conflict`` if one is unknown, or if they are in several currencies: the shares of the
    other accounts would be too large.
    """
    values = {each.account.id: each.value for each in valued}
    if len({each.currency for each in values.values()}) > 1:
        raise Conflict("the accounts of the group report equity in several currencies")
    known = {key: each.equity for key, each in values.items() if each.equity is not None}
    missing = [str(account_id) for account_id in account_ids if account_id not in known]
    if missing:
        raise Conflict(f"the equity of these accounts is not known: {', '.join(missing)}")
    return known
