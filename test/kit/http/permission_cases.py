"""Every kind of wish that a door may be asked, with what the table of the page is asked for it.

A wish is for an account; the row of the table it falls under, the strategies it touches and
whether it means "all" are told here by hand, not taken from the code.
"""

from dataclasses import dataclass
from typing import Any

from kit.http.permission_table import PermissionRow

REFUSALS = frozenset(
    {
        *("permission_denied", "admin_required", "admin_read_only"),
        *("strategy_permission_denied", "comment_required"),
    }
)
_TRADING = frozenset({"trade", "cancel", "close", "ccxt_trade", "ccxt_allowed", "automate"})


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Rows that stand in the account: orders and a position, of strategy 0 and of ``own``."""

    account_id: int
    free_order: int
    own_order: int
    own_position: int
    own: int


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key: the role of its user, and its flags on the account (``None``: no permit)."""

    role: str
    flags: frozenset[str] | None
    is_restricted: bool
    strategy_ids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionCase:
    """One wish; ``command`` is an envelope that both doors take."""

    action: str
    method: str = ""
    target: str = ""
    body: Any = None
    command: dict[str, Any] | None = None
    #: A frame of the WebSocket: namespace, action, payload.
    frame: tuple[str | None, str, dict[str, Any]] | None = None
    #: ``None``: no account is asked for.
    account_id: int | None = None
    strategies: tuple[int, ...] = ()
    is_bulk: bool = False
    #: Whether it concerns all of the account, whatever strategies there are.
    is_account_wide: bool = False
    has_comment: bool = False
    #: An order's id alone says which account: without a permit there is no such order.
    is_named_by_order: bool = False


def expected_refusal(
    ask: PermissionCase, line: PermissionRow, holder: KeyHolder, granted: int
) -> str | None:
    """The code of the refusal that the page's table leads to; ``None``: allowed."""
    if line.marks[holder.role] == "–":
        if ask.action in ("admin", "audit"):
            return "admin_required"
        is_trading = holder.role == "admin" and ask.action in _TRADING
        return "admin_read_only" if is_trading else "permission_denied"
    if ask.account_id is not None and holder.role != "admin":
        here = holder.flags is not None and ask.account_id == granted
        if ask.is_named_by_order and not here:
            return "order_not_found"
        flags = set(holder.flags or ()) if here else set()
        is_restricted = (
            holder.is_restricted and not ask.is_account_wide
        )  # that is told apart, below
        if not line.allows(holder.role, flags, is_restricted=is_restricted):
            return "permission_denied"
        if holder.is_restricted or holder.role == "robot":
            outside = set(ask.strategies) - holder.strategy_ids
            if outside or ask.is_account_wide or (ask.is_bulk and not holder.strategy_ids):
                return "strategy_permission_denied"
    if line.needs_comment(holder.role) and not ask.has_comment:
        return "comment_required"
    return None


def permission_cases(
    stock: AccountRows, account_id: int, comment: str | None
) -> list[PermissionCase]:
    """All wishes, for the account."""
    return [*_commands(stock, account_id, comment), *_others(stock, account_id, comment)]


def _commands(stock: AccountRows, account_id: int, comment: str | None) -> list[PermissionCase]:
    said = {} if comment is None else {"comment": comment}
    has_comment = bool(comment and comment.strip())
    order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    named = {stock.free_order: 0, stock.own_order: stock.own}
    found: list[PermissionCase] = []

    def add(action: str, word: str, payload: Any, *touched: int, is_bulk: bool = False) -> None:
        command = {"account_id": account_id, "command": word, "payload": payload}
        found.append(
            PermissionCase(
                action=action,
                method="POST",
                target="/oms/commands?wait_ms=0",
                body=command,
                command=command,
                frame=("position", "command", command | {"wait_ms": 0}),
                account_id=account_id,
                strategies=touched,
                is_bulk=is_bulk,
                has_comment=has_comment,
            )
        )

    for strategy_id in (0, stock.own):
        add("trade", "send_order", order | {"strategy_id": strategy_id} | said, strategy_id)
    for order_id, strategy_id in named.items():
        add("trade", "change_order", {"order_id": order_id, "new_qty": "0.02"}, strategy_id)
        add("cancel", "cancel_order", {"order_id": order_id} | said, strategy_id)
    add("cancel", "cancel_order", {"order_ids": list(named)} | said, *named.values())
    for word, action in (("cancel_all_orders", "cancel"), ("close_all", "close")):
        add(action, word, said, is_bulk=True)
        add(action, word, {"strategy_ids": [stock.own]} | said, stock.own)
    position = {"position_id": stock.own_position}
    add("trade", "position_change", position | {"oms_stop_loss": "1"}, stock.own)
    add("close", "close_position", position | said, stock.own)
    return found


def _calls(account_id: int) -> list[PermissionCase]:
    """Trades through the ccxt gateway, by each of its ways in."""
    symbol = "BTC/USDT:USDT"
    wish = {"symbol": symbol, "side": "buy", "order_type": "market", "amount": "0.01"}
    bodies = {
        "create_order": {"args": [symbol, "market", "buy", 0.01]},
        "cancelAllOrders": {"kwargs": {"symbol": symbol}},
        "set_leverage": {"args": [5, symbol]},
        "close_all_positions": {},
    }
    targets = [(f"{account_id}/{func}", body) for func, body in bodies.items()]
    targets.append((f"core/{account_id}/create_order", wish))
    return [
        PermissionCase(
            action="ccxt_trade",
            method="POST",
            target=f"/ccxt/{target}?wait_ms=0",
            body=body,
            frame=(
                "ccxt",
                "call",
                {"account_id": account_id, "func": target.rpartition("/")[2], "kwargs": {}} | body,
            )
            if not target.startswith("core")
            else None,
            account_id=account_id,
            is_account_wide=True,
        )
        for target, body in targets
    ]


def _of_one_order(stock: AccountRows, account_id: int, comment: str | None) -> list[PermissionCase]:
    """An order asked for, and one settled; the order names its account, the comment is needed."""
    if account_id != stock.account_id or not (comment and comment.strip()):
        return []
    path = f"/oms/orders/{stock.own_order}"
    return [
        PermissionCase(
            action="reconcile",
            method="POST",
            target=f"{path}/refresh?wait_ms=0",
            account_id=account_id,
            strategies=(stock.own,),
            is_named_by_order=True,
        ),
        PermissionCase(
            action="reassign",
            method="POST",
            target=f"{path}/resolve?wait_ms=0",
            body={"action": "declare_not_placed", "comment": comment},
            account_id=account_id,
            strategies=(stock.own,),
            has_comment=True,
            is_named_by_order=True,
        ),
    ]


def _others(stock: AccountRows, account_id: int, comment: str | None) -> list[PermissionCase]:
    said = {} if comment is None else {"comment": comment}
    window = f"account_ids={account_id}&since=2026-01-01"
    found = [
        PermissionCase(
            action="read", method="GET", target=f"{target}?{window}", account_id=account_id
        )
        for target in (
            *("/oms/orders/open", "/oms/positions/open", "/oms/orders/history", "/oms/deals"),
            *("/oms/positions/history", "/oms/commands", "/oms/events"),
        )
    ]
    subscribe = (None, "subscribe", {"account_ids": [account_id]})
    ticker = {"account_id": account_id, "func": "fetch_ticker", "args": ["BTC/USDT:USDT"]}
    call = f"/ccxt/{account_id}/fetch_ticker?wait_ms=0"
    moved = {
        "account_ids": [account_id],
        "order_ids": [stock.free_order],
        "target_strategy_id": stock.own,
    }
    price = {"account_id": account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    return [
        *found,
        *_calls(account_id),
        PermissionCase(action="read", frame=subscribe, account_id=account_id),
        PermissionCase(
            action="market",
            method="POST",
            target=call,
            body={"args": ["BTC/USDT:USDT"]},
            frame=("ccxt", "call", ticker),
            account_id=account_id,
        ),
        PermissionCase(
            action="reassign",
            method="POST",
            target="/oms/reassign?wait_ms=0",
            body=moved | said,
            account_id=account_id,
            strategies=(0, stock.own),
            has_comment=bool(comment and comment.strip()),
        ),
        PermissionCase(
            action="paper",
            method="POST",
            target="/paper/price?wait_ms=0",
            body=price,
            account_id=account_id,
        ),
        PermissionCase(
            action="reconcile",
            method="POST",
            target="/oms/reconcile",
            body={"account_id": account_id},
            account_id=account_id,
        ),
        PermissionCase(
            action="read",
            method="GET",
            target=f"/oms/accounts/{account_id}/connection?wait_ms=1",
            account_id=account_id,
        ),
        PermissionCase(
            action="read",
            method="GET",
            target=f"/oms/accounts/{account_id}/capabilities",
            account_id=account_id,
        ),
        *_of_one_order(stock, account_id, comment),
        PermissionCase(
            action="strategy_create",
            method="POST",
            target="/strategies",
            body={"name": "taken", "account_ids": [account_id]},
            account_id=account_id,
        ),
        PermissionCase(action="self", method="GET", target="/user/profile"),
        PermissionCase(action="self", method="GET", target="/user/api-keys"),
        PermissionCase(action="read", method="GET", target="/strategies"),
        PermissionCase(action="read", method="GET", target="/oms/accounts"),
        PermissionCase(action="admin", method="GET", target="/admin/users"),
        PermissionCase(action="admin", method="GET", target="/admin/accounts"),
        PermissionCase(
            action="admin", method="POST", target="/admin/strategies", body={"name": "taken"}
        ),
        PermissionCase(
            action="admin", method="PATCH", target="/admin/users/999999", body={"role": "risk"}
        ),
        PermissionCase(action="audit", method="GET", target="/admin/audit"),
        PermissionCase(
            action="audit",
            method="GET",
            target=f"/admin/audit?account_ids={account_id}",
            account_id=account_id,
        ),
    ]
