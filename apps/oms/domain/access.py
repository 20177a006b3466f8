"""Who may do what: one pure function over one table, asked at the door and again by the worker.

``allowed = role cell ∧ flags of (key, account) ∧ strategy rule``; whether user and key are active,
unexpired and well addressed is the authenticator's part, the account's state the admission's.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from oms.domain.errors import Refused
from oms.domain.value import value


class Role(StrEnum):
    """What a user is here for. An unknown word in the database counts as readonly."""

    ADMIN = "admin"
    TRADER = "trader"
    PORTFOLIO_MANAGER = "portfolio_manager"
    ROBOT = "robot"
    RISK = "risk"
    READONLY = "readonly"

    @classmethod
    def read(cls, word: str) -> "Role":
        """The role that ``word`` names."""
        return cls(word) if word in cls.__members__.values() else cls.READONLY


class Permission(StrEnum):
    """The kinds of things one may do with an account."""

    READ = "read"
    MARKET = "market"
    TRADE = "trade"
    CANCEL = "cancel"
    CLOSE = "close"
    REASSIGN = "reassign"
    PAPER = "paper"
    ADMIN = "admin"


@value
class Grant:
    """The flags of one key on one account."""

    can_read: bool = True
    can_trade: bool = False
    can_close_position: bool = False
    can_risk_manage: bool = False
    can_block_new_positions: bool = False
    can_block_account: bool = False
    restrict_to_strategies: bool = False
    strategy_ids: frozenset[int] = frozenset()


@value
class Principal:
    """Who is at the door, with all that the key may touch."""

    user_id: int
    user_name: str
    api_key_id: int
    role: Role
    grants: Mapping[int, Grant] = field(default_factory=dict)

    def grant(self, account_id: int) -> Grant | None:
        """The key's flags on the account."""
        return self.grants.get(account_id)


_TRADERS = frozenset({Role.TRADER, Role.PORTFOLIO_MANAGER, Role.ROBOT})
_EVERYONE = frozenset(Role)
ROLES: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        Permission.READ: _EVERYONE,
        Permission.MARKET: _EVERYONE,
        Permission.TRADE: _TRADERS,
        Permission.CANCEL: _TRADERS | {Role.RISK},
        Permission.CLOSE: _TRADERS | {Role.RISK},
        Permission.REASSIGN: frozenset(
            {Role.ADMIN, Role.TRADER, Role.PORTFOLIO_MANAGER, Role.RISK}
        ),
        Permission.PAPER: _TRADERS | {Role.ADMIN},
        Permission.ADMIN: frozenset({Role.ADMIN}),
    }
)


def refuse_role(principal: Principal, permission: Permission) -> Refused | None:
    """Refuse what the role may never do, whatever the account."""
    if principal.role in ROLES[permission]:
        return None
    if permission is Permission.ADMIN:
        return _denied("admin_required", "this needs the role admin")
    if principal.role is Role.ADMIN:
        return _denied("admin_read_only", "an admin does not trade; use a trader's key")
    word = principal.role.value
    return _denied("permission_denied", f"role {word} may not {permission.value}")


def refuse_account(principal: Principal, permission: Permission, account_id: int) -> Refused | None:
    """Refuse what the key's flags on the account do not allow."""
    if principal.role is Role.ADMIN:
        return None
    grant = principal.grant(account_id)
    if grant is not None and grant.can_read and _flagged(principal.role, grant, permission):
        return None
    return _denied("permission_denied", f"account_id={account_id}")


def allowed_strategies(principal: Principal, account_id: int) -> frozenset[int] | None:
    """The key's allow-list on the account; ``None``: every strategy is open to it."""
    grant = principal.grant(account_id)
    if principal.role is Role.ADMIN or grant is None:
        return None
    is_restricted = grant.restrict_to_strategies or principal.role is Role.ROBOT
    return grant.strategy_ids if is_restricted else None


def refuse_strategy(
    principal: Principal, account_id: int, strategy_ids: tuple[int, ...]
) -> Refused | None:
    """Refuse strategies outside the key's allow-list; a robot is always restricted."""
    allowed = allowed_strategies(principal, account_id)
    if allowed is None:
        return None
    outside = [s for s in strategy_ids if s not in allowed]
    if not outside:
        return None
    return _denied(
        "strategy_permission_denied", f"account_id={account_id} strategy_id={outside[0]}"
    )


def refuse(
    principal: Principal,
    permission: Permission,
    account_id: int,
    strategy_ids: tuple[int, ...] = (),
) -> Refused | None:
    """The whole decision, in its order: role, flags, strategies."""
    return (
        refuse_role(principal, permission)
        or refuse_account(principal, permission, account_id)
        or refuse_strategy(principal, account_id, strategy_ids)
    )


def _flagged(role: Role, grant: Grant, permission: Permission) -> bool:
    match permission:
        case Permission.READ | Permission.MARKET:
            return True
        case Permission.TRADE | Permission.PAPER:
            return grant.can_trade
        case Permission.CANCEL:
            return grant.can_risk_manage if role is Role.RISK else grant.can_trade
        case Permission.CLOSE:
            return grant.can_close_position
        case Permission.REASSIGN:
            return grant.can_trade or grant.can_risk_manage
        case Permission.ADMIN:
            return False


def _denied(code: str, message: str) -> Refused:
    return Refused(code=code, message=message)
