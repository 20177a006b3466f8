"""Authorization: pure checks over one role table, used by the API and again by the worker.

``allowed = role table ∧ flags of (key, account) ∧ strategy allow-list``. The authenticator checks
that user and key are active and unexpired and that the address is allowed; admission checks the
state of the account.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import MappingProxyType
from typing import TypeVar

from oms.domain.browser_session import BrowserSession
from oms.domain.errors import Refused
from oms.domain.value import value

Limit = TypeVar("Limit", datetime, Decimal)


class Role(StrEnum):
    """Role of a user. An unknown value in the database counts as ``readonly``."""

    ADMIN = "admin"
    TRADER = "trader"
    PORTFOLIO_MANAGER = "portfolio_manager"
    ROBOT = "robot"
    RISK = "risk"
    READONLY = "readonly"

    @classmethod
    def parse(cls, name: str) -> "Role":
        """Return the role named ``name``, ``READONLY`` if there is none."""
        return cls(name) if name in cls.__members__.values() else cls.READONLY


class Permission(StrEnum):
    """Kinds of actions: the rows of the role table."""

    SELF = "self"
    READ = "read"
    MARKET = "market"
    TRADE = "trade"
    CANCEL = "cancel"
    CLOSE = "close"
    CCXT_TRADE = "ccxt_trade"
    CCXT_ALLOWED = "ccxt_allowed"
    RECONCILE = "reconcile"
    REASSIGN = "reassign"
    STRATEGY_CREATE = "strategy_create"
    RISK_SWITCH = "risk_switch"
    RISK_BLOCK = "risk_block"
    KILL_ON = "kill_on"
    KILL_OFF = "kill_off"
    AUTOMATE = "automate"
    RESEARCH = "research"
    PAPER = "paper"
    ADMIN = "admin"
    AUDIT = "audit"


class RoleAccess(Enum):
    """Entry of the role table for one role and one action."""

    NO = "–"
    YES = "✓"
    #: Allowed; a change requires a non-empty comment.
    COMMENT = "c"


@value
class Grant:
    """Flags of one key on one account."""

    can_read: bool = True
    can_trade: bool = False
    can_close_position: bool = False
    can_risk_manage: bool = False
    can_block_new_positions: bool = False
    can_block_account: bool = False
    restrict_to_strategies: bool = False
    strategy_ids: frozenset[int] = frozenset()


#: Flags of a user's template; those of a new key follow from them.
TEMPLATE_FLAGS = ("can_read", "can_trade", "can_risk_manage")


def template_grant(*, can_read: bool, can_trade: bool, can_risk_manage: bool) -> Grant:
    """Return the grant of a new key from its user's template.

    Trading includes closing, and risk management includes blocking.
    """
    return Grant(
        can_read=can_read,
        can_trade=can_trade,
        can_close_position=can_trade,
        can_risk_manage=can_risk_manage,
        can_block_new_positions=can_risk_manage,
        can_block_account=can_risk_manage,
    )


@value
class Restrictions:
    """Limits of a key that apply on top of its grants; none by default."""

    expires_at: datetime | None = None
    #: Networks the key may be used from; empty: any.
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    max_order_notional: Decimal | None = None
    max_day_notional: Decimal | None = None


UNRESTRICTED = Restrictions()


@value
class Principal:
    """The authenticated caller and what its key grants."""

    user_id: int
    user_name: str
    api_key_id: int
    role: Role
    grants: Mapping[int, Grant] = field(default_factory=dict)
    restrictions: Restrictions = UNRESTRICTED
    #: Login token that was presented instead of the key.
    token_id: int | None = None
    #: When the presented credential expires: the token or the key.
    expires_at: datetime | None = None
    #: The browser session that was presented instead of the key.
    session: BrowserSession | None = None

    def grant(self, account_id: int) -> Grant | None:
        """Return the flags of the key on the account, ``None`` without a grant."""
        return self.grants.get(account_id)


#: One row per action; columns: admin, trader, portfolio_manager, robot, risk, readonly.
_TABLE = """
self             ✓ ✓ ✓ ✓ c ✓
read             ✓ ✓ ✓ ✓ ✓ ✓
market           ✓ ✓ ✓ ✓ ✓ ✓
trade            – ✓ ✓ ✓ – –
cancel           – ✓ ✓ ✓ c –
close            – ✓ ✓ ✓ c –
ccxt_trade       – ✓ ✓ – – –
ccxt_allowed     – ✓ ✓ – – –
reconcile        ✓ ✓ ✓ ✓ c –
reassign         ✓ ✓ ✓ – c –
strategy_create  ✓ ✓ ✓ – – –
risk_switch      c c c – c –
risk_block       c c c – c –
kill_on          c c c – c –
kill_off         c – – – c –
automate         – ✓ ✓ ✓ – –
research         ✓ ✓ ✓ ✓ – –
paper            ✓ ✓ ✓ ✓ – –
admin            ✓ – – – – –
audit            ✓ – – – ✓ –
"""


def _cells() -> dict[tuple[Permission, Role], RoleAccess]:
    cells: dict[tuple[Permission, Role], RoleAccess] = {}
    for line in _TABLE.strip().splitlines():
        name, *signs = line.split()
        for role, sign in zip(Role, signs, strict=True):
            cells[Permission(name), role] = RoleAccess(sign)
    return cells


MATRIX: Mapping[tuple[Permission, Role], RoleAccess] = MappingProxyType(_cells())
ROLES: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        permission: frozenset(r for r in Role if MATRIX[permission, r] is not RoleAccess.NO)
        for permission in Permission
    }
)
#: Actions that an admin may not perform: admins do not trade.
_TRADING = frozenset(
    {
        Permission.TRADE,
        Permission.CANCEL,
        Permission.CLOSE,
        Permission.CCXT_TRADE,
        Permission.CCXT_ALLOWED,
        Permission.AUTOMATE,
    }
)
_ADMINISTRATION = frozenset({Permission.ADMIN, Permission.AUDIT})
#: Actions that concern all strategies of an account.
_ACCOUNT_WIDE = frozenset({Permission.CCXT_TRADE, Permission.CCXT_ALLOWED, Permission.AUDIT})


def refuse_role(principal: Principal, permission: Permission) -> Refused | None:
    """Refuse an action that the role may not perform on any account."""
    if principal.role in ROLES[permission]:
        return None
    if permission in _ADMINISTRATION:
        return _refused("admin_required", "the role admin is required")
    if principal.role is Role.ADMIN and permission in _TRADING:
        return _refused("admin_read_only", "an admin does not trade; use a trader's key")
    name = principal.role.value
    return _refused("permission_denied", f"role {name} may not {permission.value}")


def refuse_account(principal: Principal, permission: Permission, account_id: int) -> Refused | None:
    """Refuse an action that the flags of the key on the account do not allow."""
    if principal.role is Role.ADMIN:
        return None
    grant = principal.grants.get(account_id)
    if grant is not None and grant.can_read and _has_flags(principal.role, grant, permission):
        return None
    return _refused("permission_denied", f"account_id={account_id}")


def refuse_missing_comment(
    principal: Principal, permission: Permission, comment: str | None
) -> Refused | None:
    """Refuse a change without a comment if the table requires one."""
    if MATRIX[permission, principal.role] is not RoleAccess.COMMENT:
        return None
    if comment is not None and comment.strip():
        return None
    name = principal.role.value
    return _refused("comment_required", f"the role {name} requires a comment for this")


def allowed_strategies(principal: Principal, account_id: int) -> frozenset[int] | None:
    """Return the strategy allow-list of the key on the account; ``None``: all strategies."""
    grant = principal.grants.get(account_id)
    if principal.role is Role.ADMIN or grant is None:
        return None
    return grant.strategy_ids if _is_restricted(principal.role, grant) else None


def refuse_strategy(
    principal: Principal, account_id: int, strategy_ids: tuple[int, ...]
) -> Refused | None:
    """Refuse strategies outside the allow-list of the key; a robot is always restricted."""
    allowed = allowed_strategies(principal, account_id)
    if allowed is None:
        return None
    outside = [s for s in strategy_ids if s not in allowed]
    if not outside:
        return None
    return _refused(
        "strategy_permission_denied", f"account_id={account_id} strategy_id={outside[0]}"
    )


def refuse_account_wide(
    principal: Principal, permission: Permission, account_id: int
) -> Refused | None:
    """Refuse account-wide actions to a key that is restricted to strategies.

    The audit log is one of them: its rows of an account belong to no strategy.
    """
    if permission not in _ACCOUNT_WIDE:
        return None
    if allowed_strategies(principal, account_id) is None:
        return None
    text = f"account_id={account_id} is restricted to the strategies of this key"
    return _refused("strategy_permission_denied", text)


def refuse(
    principal: Principal,
    permission: Permission,
    account_id: int,
    strategy_ids: tuple[int, ...] = (),
) -> Refused | None:
    """Run all checks in order: role, account flags, account-wide actions, strategies."""
    return (
        refuse_role(principal, permission)
        or refuse_account(principal, permission, account_id)
        or refuse_account_wide(principal, permission, account_id)
        or refuse_strategy(principal, account_id, strategy_ids)
    )


def refuse_ip(restrictions: Restrictions, ip: str) -> Refused | None:
    """Refuse a key that is used from an address outside its networks."""
    if not restrictions.networks:
        return None
    try:
        address = ip_address(ip)
    except ValueError:
        address = None
    if address is not None:
        plain = getattr(address, "ipv4_mapped", None) or address
        if any(plain in network for network in restrictions.networks):
            return None
    return _refused("ip_not_allowed", "the API key may not be used from this address")


def is_tighter(new: Restrictions, current: Restrictions) -> bool:
    """Return whether ``new`` permits nothing beyond ``current``."""
    return (
        _is_at_most(new.expires_at, current.expires_at)
        and _is_at_most(new.max_order_notional, current.max_order_notional)
        and _is_at_most(new.max_day_notional, current.max_day_notional)
        and (not current.networks or _is_inside(new.networks, current.networks))
    )


def _is_inside(
    new: tuple[IPv4Network | IPv6Network, ...], current: tuple[IPv4Network | IPv6Network, ...]
) -> bool:
    return bool(new) and all(any(_contains(old, new) for old in current) for new in new)


def _contains(outer: IPv4Network | IPv6Network, inner: IPv4Network | IPv6Network) -> bool:
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def _is_at_most(new: Limit | None, current: Limit | None) -> bool:
    return current is None or (new is not None and new <= current)


def _is_restricted(role: Role, grant: Grant) -> bool:
    return grant.restrict_to_strategies or role is Role.ROBOT


def _has_flags(role: Role, grant: Grant, permission: Permission) -> bool:
    """Return whether the flags allow the action; ``can_read`` has been checked before."""
    match permission:
        case Permission.TRADE | Permission.PAPER | Permission.AUTOMATE:
            return grant.can_trade
        case Permission.CCXT_TRADE | Permission.CCXT_ALLOWED | Permission.STRATEGY_CREATE:
            return grant.can_trade
        case Permission.CANCEL:
            return grant.can_risk_manage if role is Role.RISK else grant.can_trade
        case Permission.CLOSE:
            return grant.can_close_position
        case Permission.REASSIGN | Permission.KILL_ON:
            return grant.can_trade or grant.can_risk_manage
        case Permission.RISK_SWITCH:
            return grant.can_risk_manage and grant.can_block_new_positions
        case Permission.RISK_BLOCK:
            return grant.can_risk_manage and grant.can_block_account
        case Permission.KILL_OFF:
            return grant.can_risk_manage
        case Permission.READ | Permission.MARKET | Permission.RECONCILE | Permission.AUDIT:
            return True
        case Permission.SELF | Permission.RESEARCH | Permission.ADMIN:
            return True  # not bound to an account


def _refused(code: str, message: str) -> Refused:
    return Refused(code=code, message=message)
