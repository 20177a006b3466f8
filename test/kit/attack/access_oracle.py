"""What the documented permission table says about a request of a key; nothing of the product's.

Refusals in the order of the contract: credential, address, role, account, flags, strategies,
comment.
"""

from dataclasses import dataclass

from kit.attack.access_cases import AccessCase
from kit.http.permission_table import PermissionRow, load_permission_rows

PERMISSION_ROWS = load_permission_rows()
#: Codes by which a request is refused for lack of a permission.
REFUSALS = frozenset(
    {
        *("missing_api_key", "invalid_api_key", "ip_not_allowed", "permission_denied"),
        *("admin_required", "admin_read_only", "strategy_permission_denied", "comment_required"),
        *("ccxt_method_not_allowed",),
    }
)
_TRADING = frozenset({"trade", "cancel", "close", "ccxt_trade", "ccxt_allowed", "automate"})
_NOT_FOUND = {
    "order": frozenset({"order_not_found"}),
    "position": frozenset({"position_not_found"}),
    "command": frozenset({"command_not_found"}),
    "kill": frozenset({"not_found", "permission_denied"}),
    "key": frozenset({"not_found"}),
    "discrepancy": frozenset({"not_found"}),
    "deadman": frozenset({"not_found"}),
    "session": frozenset({"not_found"}),
    "bot": frozenset({"not_found"}),
}
#: Documented to conceal an account that may not be read.
_CONCEALING = frozenset({"get_reconcile_status"})
_ANY_NOT_FOUND = frozenset({"account_not_found", "order_not_found", "position_not_found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """A key: the role of its user, and its flags on the own account (``None``: no permission)."""

    name: str
    key: str
    role: str
    flags: frozenset[str] | None = None
    #: Whether it is restricted to the strategy of the own account's rows.
    is_restricted: bool = False
    #: The code by which every request of the key is refused, whatever it asks for.
    refused_with: str | None = None
    #: The client's address, as the proxy reports it.
    ip: str = "203.0.113.5"


def allowed_codes(case: AccessCase, holder: KeyHolder) -> frozenset[str] | None:
    """The codes of which one must be the answer; ``None``: permitted, none of ``REFUSALS``."""
    if holder.refused_with is not None:
        return frozenset({holder.refused_with})
    row = PERMISSION_ROWS[case.action]
    if row.marks[holder.role] == "–":
        is_readable = case.of == "own" and "can_read" in (holder.flags or ())
        not_found = frozenset() if is_readable else _NOT_FOUND.get(case.reach, frozenset())
        return not_found | {_role_refusal(case, holder)}
    codes = _account_refusals(case, holder, row)
    if codes is not None:
        return codes
    is_restricted = (holder.is_restricted or holder.role == "robot") and holder.role != "admin"
    if is_restricted and case.of == "other" and case.reach in ("order", "position", "command"):
        return _NOT_FOUND[case.reach] | {"strategy_permission_denied"}
    if is_restricted and case.is_restricted_refused:
        return frozenset({"strategy_permission_denied"})
    if row.needs_comment(holder.role) and not case.has_comment:
        return frozenset({"comment_required"})
    return None


def _role_refusal(case: AccessCase, holder: KeyHolder) -> str:
    if case.name == "get_metrics":
        return "permission_denied"
    if case.action in ("admin", "audit"):
        return "admin_required"
    is_trading = holder.role == "admin" and case.action in _TRADING
    return "admin_read_only" if is_trading else "permission_denied"


def _account_refusals(
    case: AccessCase, holder: KeyHolder, row: PermissionRow
) -> frozenset[str] | None:
    """The codes if the key may not do this on the account that the case names."""
    if case.reach in ("none", "rows"):
        return None
    if case.reach == "all":  # Only an admin has all accounts.
        return None if holder.role == "admin" else frozenset({"permission_denied"})
    if case.reach == "key":  # No case names one of the caller's own keys.
        return _NOT_FOUND["key"]
    if case.of == "unknown" and case.action != "audit":  # Rows remain of accounts that are gone.
        # Strategies of a restricted key are checked first: it learns nothing of the account.
        restricted = {"permission_denied"} if case.name == "create_bot" else set()
        return _NOT_FOUND.get(case.reach, _ANY_NOT_FOUND | restricted)
    if holder.role == "admin":
        return None
    has_access = case.of in ("own", "other") and holder.flags is not None
    if case.reach in _NOT_FOUND and not has_access:
        return _NOT_FOUND[case.reach]
    flags = set(holder.flags or ()) if has_access else set()
    is_restricted = holder.is_restricted and not case.is_restricted_refused  # checked later
    rows = (row, PERMISSION_ROWS["close"]) if case.name == "reverse_position" else (row,)
    if not all(each.allows(holder.role, flags, is_restricted=is_restricted) for each in rows):
        is_concealed = "can_read" not in flags
        other = _NOT_FOUND.get(case.reach, frozenset()) if is_concealed else frozenset()
        if case.name in _CONCEALING:
            other = frozenset({"account_not_found"})
        return other | {"permission_denied"}
    return None


def may_see(text: str, holder: KeyHolder, foreign: str, other_strategy: str) -> str | None:
    """Return the marker that the response text shows to a key that may not see it."""
    if holder.role == "admin":
        return None
    if foreign in text:
        return foreign
    if (holder.is_restricted or holder.role == "robot") and other_strategy in text:
        return other_strategy
    return None
