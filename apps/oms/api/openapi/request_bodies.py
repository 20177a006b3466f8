"""Request bodies: schemas generated from the validators, and examples.

Added to the generated schemas are aliases of keys, and null for optional keys.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from oms.api.openapi.operation import Body
from oms.api.openapi.schema import (
    NULL,
    Schema,
    any_of,
    array_of,
    enum_of,
    object_of,
    ref,
    without_titles,
)
from oms.wire.admin import admin_schemas as people
from oms.wire.commands import (
    command_schemas,
    kill_switch_requests,
    resolve_request,
    risk_flag_requests,
)
from oms.wire.commands.modify_requests import STOP_ALIASES
from oms.wire.commands.order_requests import CLOSE_ALIASES, IGNORED_ON_CLOSE, SEND_ALIASES

DEFINITIONS = "#/components/schemas/{model}"


class Shape(Protocol):
    """A validator with a JSON Schema."""

    def json_schema(self, *, ref_template: str) -> dict[str, Any]:
        """Return the schema, with referenced ones under ``$defs``."""
        ...


COMMANDS: Mapping[str, tuple[Shape, Mapping[str, str]]] = {
    "send_order": (command_schemas.SEND, SEND_ALIASES),
    "cancel_order": (command_schemas.CANCEL, {}),
    "cancel_all_orders": (command_schemas.BULK_SCOPE, {}),
    "change_order": (command_schemas.CHANGE, {}),
    "close_position": (command_schemas.CLOSE, CLOSE_ALIASES),
    "close_all": (command_schemas.BULK_SCOPE, {}),
    "close_by": (command_schemas.CLOSE_BY, {}),
    "merge_positions": (command_schemas.MERGE, STOP_ALIASES),
    "position_change": (command_schemas.POSITION_CHANGE, STOP_ALIASES),
}
"""The payload of each command, with the other names of its keys."""

BODIES: Mapping[str, Shape] = {
    "Login": people.LOGIN,
    "ProfileChange": people.PROFILE,
    "PasswordChange": people.PASSWORD,
    "KeyRequest": people.NEW_KEY,
    "KeyChange": people.KEY_CHANGE,
    "PermissionRequest": people.PERMIT,
    "UserRequest": people.NEW_USER,
    "UserChange": people.USER_CHANGE,
    "StrategyRequest": people.STRATEGY,
    "StrategyChange": people.STRATEGY_CHANGE,
    "AccountRequest": people.ACCOUNT,
    "AccountChange": people.ACCOUNT_CHANGE,
    "Reassign": command_schemas.REASSIGN,
    "Decide": command_schemas.DECIDE,
    "Reconcile": command_schemas.RECONCILE,
    "PaperPrice": command_schemas.PRICE,
    "PaperDeposit": command_schemas.DEPOSIT,
    "PaperReset": command_schemas.RESET,
    "Call": command_schemas.CALL,
    "Allow": risk_flag_requests.ALLOW,
    "StrategyAllow": risk_flag_requests.STRATEGY_ALLOW,
    "AccountStatus": risk_flag_requests.STATUS,
    "OrderResolution": resolve_request.RESOLVE,
    "KillPull": kill_switch_requests.PULL,
    "KillRelease": kill_switch_requests.RELEASE,
}
"""Bodies by the name they have in the document."""

EXAMPLES: Mapping[str, object] = {
    "Login": {"user_name": "ada", "password": "correct horse battery staple"},
    "ProfileChange": {"user_name": "ada"},
    "PasswordChange": {
        "current_password": "correct horse battery staple",
        "new_password": "seventeen quiet rivers",
    },
    "KeyRequest": {"label": "laptop", "restrictions": {"ip_allowlist": ["10.0.0.0/8"]}},
    "KeyChange": {"status": "active", "label": "laptop"},
    "PermissionRequest": {"account_id": 1, "can_trade": True, "can_close_position": True},
    "UserRequest": {"user_name": "grace", "role": "trader", "label": "first key"},
    "UserChange": {"role": "readonly"},
    "StrategyRequest": {"name": "mean reversion", "account_ids": [1]},
    "StrategyChange": {"status": "disabled"},
    "AccountRequest": {"exchange_id": "paper.binance", "label": "practice", "is_testnet": False},
    "AccountChange": {"label": "practice, second"},
    "Reassign": {"account_id": 1, "order_ids": [1], "preview": True},
    "Decide": {"comment": "the exchange is right"},
    "Reconcile": {"account_id": 1, "scope": "short"},
    "PaperPrice": {"account_id": 1, "symbol": "BTC/USDT:USDT", "bid": "49999", "ask": "50001"},
    "PaperDeposit": {"currency": "USDT", "amount": "1000"},
    "PaperReset": {"comment": "a fresh start"},
    "Call": {"args": ["BTC/USDT:USDT"], "kwargs": {}},
    "CoreCall": {"symbol": "BTC/USDT:USDT"},
    "Calls": [{"account_id": 1, "func": "fetch_ticker", "args": ["BTC/USDT:USDT"]}],
    "UserKeyRequest": {"user_id": 2, "label": "laptop"},
    "Mutations": [{"op": "update", "row": {"id": 1, "comment": "manual correction"}}],
    "Allow": {"allow_new_positions": False, "comment": "maintenance"},
    "StrategyAllow": {"strategy_id": 1, "allow_new_positions": True, "comment": "tested"},
    "OrderResolution": {"action": "declare_not_placed", "comment": "support says so"},
    "KillPull": {"scope": "account", "scope_id": 1, "mode": "reduce_only", "comment": "fat finger"},
    "KillRelease": {"comment": "the incident is over", "confirm": "account 1"},
    "AccountStatus": {"status": "active", "comment": "the incident is over"},
}
_ORDER = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
_COMMAND = {"account_id": 1, "command": "send_order", "payload": _ORDER}
_MORE: Mapping[str, Mapping[str, Schema]] = {
    "Reassign": {
        "account_id": {"type": "integer", "minimum": 1},
        "account_ids": {"type": ["string", "array"], "items": {"type": "integer"}},
        **{name: {"type": "string", "format": "date"} for name in ("start_date", "end_date")},
        **{name: {"type": "integer"} for name in ("page", "page_size")},
    },
}
"""Keys of a body that are read apart from its shape."""

_CORE_TEXTS: Mapping[str, Schema] = {
    name: {"type": "string"} for name in ("id", "symbol", "side", "order_type", "type")
}
_CORE_NUMBERS: Mapping[str, Schema] = {
    name: {"type": ["string", "number"]} for name in ("amount", "price", "since", "limit")
}
"""Keyword arguments of the core methods; which of them one takes follows from the method."""


def body(name: str, *, required: bool = True) -> Body:
    """The body of that name."""
    return Body(schema=ref(name), example=EXAMPLES[name], required=required)


def commands_body() -> Body:
    """One command, or a list of up to a thousand."""
    many = array_of(ref("CommandRequest")) | {"maxItems": 1000}
    return Body(schema=any_of(ref("CommandRequest"), many), example=_COMMAND)


def body_schemas() -> dict[str, Schema]:
    """All shapes of bodies, and what they refer to, by name."""
    found: dict[str, Schema] = {}
    for name, shape in BODIES.items():
        found |= _generated(name, shape, _MORE.get(name, {}))
    commands = []
    for word, (shape, aliases) in COMMANDS.items():
        name = "".join(part.title() for part in word.split("_")) + "Payload"
        found |= _generated(name, shape, {}, aliases)
        commands.append(_command(word, name))
    _add_tolerated(found)
    found["UserKeyRequest"] = found["KeyRequest"] | {"required": ["user_id"]}
    found["CoreCall"] = object_of(
        {}, {**_CORE_TEXTS, **_CORE_NUMBERS, "params": {"type": "object"}}
    )
    found["Calls"] = _calls()
    found["Mutations"] = array_of(
        object_of({"op": enum_of("insert", "update", "delete"), "row": {"type": "object"}})
    )
    found["CommandRequest"] = any_of(*commands)
    return found


def _generated(
    name: str, shape: Shape, more: Mapping[str, Schema], aliases: Mapping[str, str] | None = None
) -> dict[str, Schema]:
    schema: Schema = without_titles(shape.json_schema(ref_template=DEFINITIONS))
    found: dict[str, Schema] = schema.pop("$defs", {})
    keys: dict[str, Schema] = schema["properties"] | dict(more)
    needed: list[str] = schema.get("required", [])
    for alias, key in (aliases or {}).items():
        keys[alias] = keys[key]
    aliased = {key: [alias for alias, of in (aliases or {}).items() if of == key] for key in needed}
    plain = [key for key in needed if not aliased[key]]
    schema["required"] = plain
    if len(plain) < len(needed):
        spellings = [[key, *aliased[key]] for key in needed if aliased[key]]
        schema["allOf"] = [
            {"anyOf": [{"required": [name]} for name in names]} for names in spellings
        ]
    schema["properties"] = {
        key: value if key in needed else any_of(value, NULL) for key, value in keys.items()
    }
    return {**found, name: schema}


def _command(word: str, payload: str) -> Schema:
    envelope = command_schemas.ENVELOPE.json_schema()["properties"]
    command = object_of(
        {"command": {"type": "string", "const": word}, "payload": ref(payload)},
        {name: any_of(envelope[name], NULL) for name in ("account_id", "request_id")},
    )
    return without_titles(command | {"additionalProperties": False})  # type: ignore[no-any-return]


def _calls() -> Schema:
    one = object_of(
        {"account_id": {"type": "integer", "minimum": 1}, "func": {"type": "string"}},
        {"args": {"type": "array"}, "kwargs": {"type": "object"}},
    )
    return any_of(one, array_of(one))


def _add_tolerated(found: Mapping[str, Schema]) -> None:
    """Keys that old clients send: merged into ``params``, or without effect."""
    send, close = found["SendOrderPayload"], found["ClosePositionPayload"]
    send["properties"]["extra"] = {"type": ["object", "null"]}
    close["properties"] |= {name: {} for name in IGNORED_ON_CLOSE}
