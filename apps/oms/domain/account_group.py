"""Groups of accounts: how the quantity of one order is divided among its members."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.money import ZERO, divide, multiply, total
from oms.domain.value import value


@value
class GroupMember:
    """An account of a group with exactly one of ratio and weight."""

    account_id: int
    #: Its quantity is that of the order times this.
    ratio: Decimal | None = None
    #: Its quantity is its share of the order by equity times this.
    equity_weight: Decimal | None = None


@value
class AccountGroup:
    """A named group of accounts; the members all have ratios, or all have weights."""

    id: int
    name: str
    owner_user_id: int
    members: tuple[GroupMember, ...]

    @property
    def is_by_equity(self) -> bool:
        """Return whether quantities are divided by equity."""
        return any(member.equity_weight is not None for member in self.members)


def member_quantities(
    group: AccountGroup, qty: Decimal, equities: Mapping[int, Decimal]
) -> Mapping[int, Decimal]:
    """Return the quantity of each account, not rounded yet.

    ``equities`` are those of all members, in one currency, if the group divides by equity. An
    account without equity above zero gets no quantity.
    """
    if not group.is_by_equity:
        return {each.account_id: multiply(qty, each.ratio or ZERO) for each in group.members}
    weighted = weighted_equities(group, equities)
    whole = total(weighted.values())
    if not whole:
        return dict.fromkeys(weighted, ZERO)
    return {
        account_id: divide(multiply(qty, equity), whole) for account_id, equity in weighted.items()
    }


def weighted_equities(
    group: AccountGroup, equities: Mapping[int, Decimal]
) -> Mapping[int, Decimal]:
    """Return equity times weight of each account, not below 0; their proportion is the shares."""
    return {
        each.account_id: multiply(max(equities[each.account_id], ZERO), each.equity_weight or ZERO)
        for each in group.members
    }
