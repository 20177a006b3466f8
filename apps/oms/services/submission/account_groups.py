"""Groups of accounts: who may change them, and the commands of one order for a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.access import Permission, Principal, Role, refuse
from oms.domain.account_group import AccountGroup, GroupMember, member_quantities
from oms.domain.commands.command import SendOrder
from oms.domain.errors import Forbidden, NotFound
from oms.domain.value import evolve
from oms.ports.admin.account_groups import AccountGroups
from oms.ports.audit_log import AuditContext
from oms.ports.registry import Registry
from oms.services.performance.portfolio import Portfolio
from oms.services.submission.group_equities import member_equities
from oms.wire.commands.command_requests import CommandRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGroupAdmin:
    """Groups of their owner; an admin has all. Every method raises ``Unavailable``."""

    store: AccountGroups
    registry: Registry
    portfolio: Portfolio

    async def visible(self, principal: Principal) -> Sequence[AccountGroup]:
        """Return the groups of the caller."""
        groups = await self.store.all()
        return [group for group in groups if _is_owner(principal, group)]

    async def group(self, principal: Principal, group_id: int) -> AccountGroup:
        """Return a group of the caller. Raises ``NotFound``."""
        for group in await self.visible(principal):
            if group.id == group_id:
                return group
        raise NotFound(f"there is no group {group_id}")

    async def create(
        self,
        principal: Principal,
        name: str,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> int:
        """Return the id of a new group. Raises ``Forbidden``, ``NotFound``, ``Conflict``."""
        await self._check_members(principal, members)
        return await self.store.create(name, principal.user_id, members, audit_context)

    async def replace(
        self,
        principal: Principal,
        group_id: int,
        name: str,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> None:
        """Replace name and members. Raises ``Forbidden``, ``NotFound``, ``Conflict``."""
        before = await self.group(principal, group_id)
        await self._check_members(principal, members)
        await self.store.replace(before, name, members, audit_context)

    async def delete(
        self, principal: Principal, group_id: int, audit_context: AuditContext
    ) -> None:
        """Delete a group. Raises ``NotFound``."""
        await self.store.delete(await self.group(principal, group_id), audit_context)

    async def commands(
        self, principal: Principal, group_id: int, request: CommandRequest
    ) -> Sequence[CommandRequest]:
        """Return one command per member, ascending by account; their quantities are not rounded.

        Raises ``NotFound``, ``Forbidden``, and ``Conflict`` if the group divides by equity and
        that of a member is unknown or in another currency.
        """
        group = await self.group(principal, group_id)
        order = request.payload
        assert isinstance(order, SendOrder), "the body was read as an order"
        equities = await self._equities(principal, group) if group.is_by_equity else {}
        quantities = member_quantities(group, order.qty, equities)
        return [
            evolve(
                request,
                account_id=account_id,
                payload=evolve(order, qty=quantities[account_id]),
                asked=order,
            )
            for account_id in sorted(quantities)
        ]

    async def _equities(self, principal: Principal, group: AccountGroup) -> Mapping[int, Decimal]:
        ids = [member.account_id for member in group.members]
        view = await self.portfolio(principal, ids)
        return member_equities(ids, view.accounts)

    async def _check_members(self, principal: Principal, members: Sequence[GroupMember]) -> None:
        ids = [member.account_id for member in members]
        known = {row.account.id for row in await self.registry.accounts(ids)}
        for account_id in ids:
            if account_id not in known:
                raise NotFound(f"account_id={account_id}", code="account_not_found")
            refused = refuse(principal, Permission.STRATEGY_CREATE, account_id)
            if refused is not None and principal.role is not Role.ADMIN:
                raise Forbidden(refused.message, code=refused.code)


def _is_owner(principal: Principal, group: AccountGroup) -> bool:
    return principal.role is Role.ADMIN or principal.user_id == group.owner_user_id
