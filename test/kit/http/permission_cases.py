"""One request of every kind per entry point, with its row in the documented permission table.

The action, the strategies a request touches and whether it concerns all of them are listed here,
not taken from the code.
"""

from dataclasses import dataclass, field
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
    """Rows of the account: orders of strategy 0 and ``own``, and a position of ``own``."""

    account_id: int
    free_order: int
    own_order: int
    own_position: int
    own: int


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key: the role of its user, and its flags on the account (``None``: no grant)."""

    role: str
    flags: frozenset[str] | None
    is_restricted: bool
    strategy_ids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionCase:
    """One request; ``command`` is an envelope for HTTP and WebSocket."""

    action: str
    method: str = ""
    target: str = ""
    body: Any = None
    command: dict[str, Any] | None = None
    #: A frame of the WebSocket: namespace, action, payload.
    frame: tuple[str | None, str, dict[str, Any]] | None = None
    #: ``None``: the request concerns no account.
    account_id: int | None = None
    strategies: tuple[int, ...] = ()
    is_bulk: bool = False
    #: Whether it concerns the whole account, regardless of strategies.
    is_account_wide: bool = False
    has_comment: bool = False
    #: Headers of the HTTP request: the comment of one whose body has none.
    headers: dict[str, str] = field(default_factory=dict)
    #: The account follows from an order id: without a grant the order does not exist.
    is_named_by_order: bool = False


def expected_refusal(
    case: PermissionCase, row: PermissionRow, holder: KeyHolder, granted: int
) -> str | None:
    """The refusal code that follows from the documented table; ``None``: allowed."""
    if row.marks[holder.role] == "–":
        if case.action in ("admin", "audit"):
            return "admin_required"
        is_trading = holder.role == "admin" and case.action in _TRADING
        return "admin_read_only" if is_trading else "permission_denied"
    if case.account_id is not None and holder.role != "admin":
        has_account = holder.flags is not None and case.account_id == granted
        if case.is_named_by_order and not has_account:
            return "order_not_found"
        flags = set(holder.flags or ()) if has_account else set()
        is_restricted = holder.is_restricted and not case.is_account_wide  # checked below
        if not row.allows(holder.role, flags, is_restricted=is_restricted):
            return "permission_denied"
        if holder.is_restricted or holder.role == "robot":
            foreign_strategies = set(case.strategies) - holder.strategy_ids
            if (
                foreign_strategies
                or case.is_account_wide
                or (case.is_bulk and not holder.strategy_ids)
            ):
                return "strategy_permission_denied"
    is_change = case.method != "GET"
    if row.needs_comment(holder.role) and is_change and not case.has_comment:
        return "comment_required"
    return None


def permission_cases(
    stock: AccountRows, account_id: int, comment: str | None
) -> list[PermissionCase]:
    """All requests for the account."""
    return [*_command_cases(stock, account_id, comment), *_other_cases(stock, account_id, comment)]


def _command_cases(
    stock: AccountRows, account_id: int, comment: str | None
) -> list[PermissionCase]:
    comment_field = {} if comment is None else {"comment": comment}
    has_comment = bool(comment and comment.strip())
    order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    orders = {stock.free_order: 0, stock.own_order: stock.own}
    cases: list[PermissionCase] = []

    def add(
        action: str, command_type: str, payload: Any, *strategies: int, is_bulk: bool = False
    ) -> None:
        command = {"account_id": account_id, "command": command_type, "payload": payload}
        cases.append(
            PermissionCase(
                action=action,
                method="POST",
                target="/oms/commands?wait_ms=0",
                body=command,
                command=command,
                frame=("position", "command", command | {"wait_ms": 0}),
                account_id=account_id,
                strategies=strategies,
                is_bulk=is_bulk,
                has_comment=has_comment,
            )
        )

    for strategy_id in (0, stock.own):
        add(
            "trade", "send_order", order | {"strategy_id": strategy_id} | comment_field, strategy_id
        )
    # An order of strategy 0 that reduces a position of ``own``.
    into_position = {"side": "sell", "position_id": stock.own_position, "strategy_id": 0}
    add("trade", "send_order", order | into_position | comment_field, 0, stock.own)
    for order_id, strategy_id in orders.items():
        add("trade", "change_order", {"order_id": order_id, "new_qty": "0.02"}, strategy_id)
        add("cancel", "cancel_order", {"order_id": order_id} | comment_field, strategy_id)
    add("cancel", "cancel_order", {"order_ids": list(orders)} | comment_field, *orders.values())
    for command_type, action in (("cancel_all_orders", "cancel"), ("close_all", "close")):
        add(action, command_type, comment_field, is_bulk=True)
        add(action, command_type, {"strategy_ids": [stock.own]} | comment_field, stock.own)
    position = {"position_id": stock.own_position}
    add("trade", "position_change", position | {"oms_stop_loss": "1"}, stock.own)
    add("close", "close_position", position | comment_field, stock.own)
    return cases


def _ccxt_cases(account_id: int) -> list[PermissionCase]:
    """Trades through the ccxt gateway, by each of its routes."""
    symbol = "BTC/USDT:USDT"
    order = {"symbol": symbol, "side": "buy", "order_type": "market", "amount": "0.01"}
    bodies = {
        "create_order": {"args": [symbol, "market", "buy", 0.01]},
        "cancelAllOrders": {"kwargs": {"symbol": symbol}},
        "set_leverage": {"args": [5, symbol]},
        "close_all_positions": {},
    }
    targets = [(f"{account_id}/{func}", body) for func, body in bodies.items()]
    targets.append((f"core/{account_id}/create_order", order))
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


def _order_cases(stock: AccountRows, account_id: int, comment: str | None) -> list[PermissionCase]:
    """An order refresh and an order resolution; both need the account's own order and a comment."""
    if account_id != stock.account_id or not (comment and comment.strip()):
        return []
    path = f"/oms/orders/{stock.own_order}"
    return [
        PermissionCase(
            action="reconcile",
            method="POST",
            target=f"{path}/refresh?wait_ms=0",
            headers={"X-Comment": comment},
            has_comment=True,
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


def _other_cases(stock: AccountRows, account_id: int, comment: str | None) -> list[PermissionCase]:
    comment_field = {} if comment is None else {"comment": comment}
    window = f"account_ids={account_id}&since=2026-01-01"
    cases = [
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
    reassignment = {
        "account_ids": [account_id],
        "order_ids": [stock.free_order],
        "target_strategy_id": stock.own,
    }
    price = {"account_id": account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    return [
        *cases,
        *_ccxt_cases(account_id),
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
            action="market",
            method="POST",
            target=f"/ccxt/{account_id}/fetch_open_orders?wait_ms=0",
            body={},
            frame=("ccxt", "call", {"account_id": account_id, "func": "fetchMyTrades"}),
            account_id=account_id,
            is_account_wide=True,
        ),
        PermissionCase(
            action="reassign",
            method="POST",
            target="/oms/reassign?wait_ms=0",
            body=reassignment | comment_field,
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
            headers={} if comment is None else {"X-Comment": comment},
            has_comment=bool(comment and comment.strip()),
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
        *_order_cases(stock, account_id, comment),
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
            is_account_wide=True,
        ),
    ]
