"""One request per operation of the OpenAPI document and per command, for own and foreign ids.

``access_table`` names, for each operation, its action and how the request names its account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kit.attack.access_table import (
    ACCOUNT_WIDE,
    COMMAND_ACTIONS,
    ON_SPARE_ACCOUNT,
    PUBLIC,
    ROWS,
)
from kit.attack.target import SYMBOL, AccountIds, AttackTarget, with_ids

UNKNOWN_ID = 2**40
UNKNOWN = AccountIds(**dict.fromkeys(AccountIds.__slots__, UNKNOWN_ID))

_UNKNOWN = "discrepancy deadman alert session override sink delivery signal source share_link bot"
_PATH_VALUES = {
    "func": "fetch_ticker",
    "exchange_id": "paper.binance",
    "view": "open_orders",
    "entity": "orders",
    "strategy_name": "rsi",
    "run_strategy_name": "rsi",
    "run_id": UNKNOWN_ID,
    **dict.fromkeys((f"{each}_id" for each in _UNKNOWN.split()), UNKNOWN_ID),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCase:
    """One request; ``of`` says whose ids it names: own, other (strategy), foreign, unknown."""

    name: str
    action: str
    reach: str
    of: str
    method: str
    target: str
    body: Any = None
    has_comment: bool = True
    is_restricted_refused: bool = False


def operation_cases(target: AttackTarget, document: Any) -> Iterator[AccessCase]:
    """Cases of all operations that need a credential, except commands."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            if name in PUBLIC or name == "send_commands":
                continue
            action, reach = ROWS[name]
            owners: tuple[str, ...] = ("own", "foreign", "unknown")
            if reach in ("none", "all"):
                owners = ("own",)
            elif reach in ("discrepancy", "deadman", "session", "bot"):
                owners = ("unknown",)
            elif reach in ("order", "position", "rows", "command"):
                owners += ("other",)
            for of in owners:
                yield _operation_case(target, (method, path), operation, (name, action, reach), of)


def _operation_case(
    target: AttackTarget,
    route: tuple[str, str],
    operation: Any,
    row: tuple[str, str, str],
    of: str,
) -> AccessCase:
    method, path = route
    name, action, reach = row
    ids = _ids(target, of)
    account_id = ids.account_id
    if of == "own" and name in ON_SPARE_ACCOUNT:
        account_id = target.spare_account_id
    order_id = ids.order_id
    key_id = target.foreign_key_id if of == "foreign" else target.spare_key_id
    rows_by_path = {"orders": order_id, "deals": ids.deal_id, "positions": ids.position_id}
    values: dict[str, Any] = {
        **_PATH_VALUES,
        "account_id": account_id,
        "order_id": order_id,
        "position_id": ids.position_id,
        "command_id": ids.command_id,
        "kill_id": ids.kill_id,
        "user_id": target.spare_user_id,
        "api_key_id": UNKNOWN_ID if of == "unknown" else key_id,
        "strategy_id": target.spare_strategy_id,
        "group_id": UNKNOWN_ID,
        "ids": rows_by_path.get(path.split("/")[2] if path.count("/") > 1 else "", 0),
    }
    filled = path.format_map(values)
    in_query = {p["name"] for p in map(_named, operation["parameters"]) if p.get("in") == "query"}
    given = {"account_ids": account_id, "since": "2020-01-01", "wait_ms": 0, "format": "json"}
    given |= {"scope": "account", "scope_id": account_id, "account_id": account_id}
    query = "&".join(f"{key}={value}" for key, value in given.items() if key in in_query)
    body = None
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        ids_of_body = {
            "account_id": account_id,
            "account_ids": [account_id],
            "order_ids": [order_id],
            "scope_id": account_id,
            "strategy_id": ids.strategy_id,
            "user_id": target.spare_user_id,
            "allow_new_positions": True,
            "date": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
            "row": {"id": order_id, "comment": "manual correction"},
        }
        body = with_ids(content["example"], ids_of_body)
        if name == "close_position":
            body = {"qty": "0.001", "comment": "because"}
        if name == "pull_kill_switch":
            body["drill"] = True
        if name == "check_risk":
            body["order"]["strategy_id"] = ids.strategy_id
        if name == "preview_commands":
            body["payload"]["strategy_id"] = ids.strategy_id
        if name == "set_oms_switch":
            body["enabled"] = True
    return AccessCase(
        name=name,
        action=action,
        reach=reach,
        of=of,
        method=method.upper(),
        target=f"{filled}?{query}" if query else filled,
        body=body,
        is_restricted_refused=name in ACCOUNT_WIDE,
    )


def _named(parameter: Any) -> Any:
    """A parameter, or an empty one for a reference to a common header."""
    return parameter if "name" in parameter else {"name": ""}


def command_cases(target: AttackTarget) -> Iterator[AccessCase]:
    """Every command on own, foreign and unknown ids, with and without the account's id."""
    for of in ("own", "other", "foreign", "unknown"):
        ids = _ids(target, of)
        for command, action in COMMAND_ACTIONS.items():
            is_bulk = command in ("cancel_all_orders", "close_all")
            if of == "other" and is_bulk:
                continue
            account_id = target.spare_account_id if is_bulk and of == "own" else ids.account_id
            second = target.own.position_id if of == "other" else UNKNOWN_ID + 1
            payload = _payload(command, ids, second) | {"comment": "because"}
            if command == "change_order":
                del payload["comment"]
            envelope = {"account_id": account_id, "command": command, "payload": payload}
            yield _command_case(command, action, "account", of, envelope)
            if command in ("cancel_order", "change_order"):
                del envelope["account_id"]
                yield _command_case(command, action, "order", of, envelope)


def ccxt_trade_cases(target: AttackTarget) -> Iterator[AccessCase]:
    """A trade of each route of the ccxt gateway."""
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "amount": "0.01"}
    args = {"args": [SYMBOL, "market", "buy", 0.01]}
    for of in ("own", "foreign", "unknown"):
        account_id = _ids(target, of).account_id
        item = {"account_id": account_id, "func": "cancel_all_orders", "args": [SYMBOL]}
        for route, body in (
            (f"{account_id}/createOrder", args),
            (f"{account_id}/create_order", args),
            (f"core/{account_id}/create_order", order),
            ("commands", [item]),
        ):
            yield AccessCase(
                name="ccxt trade",
                action="ccxt_trade",
                reach="account",
                of=of,
                method="POST",
                target=f"/ccxt/{route}?wait_ms=0",
                body=body,
                is_restricted_refused=True,
            )


def _command_case(
    command: str, action: str, reach: str, of: str, envelope: dict[str, Any]
) -> AccessCase:
    return AccessCase(
        name=command,
        action=action,
        reach=reach,
        of=of,
        method="POST",
        target="/oms/commands?wait_ms=0",
        body=dict(envelope),
        is_restricted_refused=of == "other",
    )


def _payload(command: str, ids: AccountIds, second: int) -> dict[str, Any]:
    order_id, strategy_id = ids.order_id, ids.strategy_id
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    payloads: dict[str, dict[str, Any]] = {
        "send_order": order | {"strategy_id": strategy_id},
        "change_order": {"order_id": order_id, "new_qty": "0.02"},
        "position_change": {"position_id": ids.position_id},
        "break_even": {"position_id": ids.position_id},
        "reverse_position": {"position_id": ids.position_id},
        "cancel_order": {"order_id": order_id},
        "cancel_all_orders": {},
        "close_position": {"position_id": ids.position_id, "qty": "0.001"},
        "close_all": {},
        "close_by": {"position_id_a": ids.position_id, "position_id_b": second},
        "merge_positions": {"source_position_id": ids.position_id, "target_position_id": second},
    }
    return payloads[command]


def _ids(target: AttackTarget, of: str) -> AccountIds:
    return {"own": target.own, "other": target.other, "foreign": target.foreign}.get(of, UNKNOWN)
