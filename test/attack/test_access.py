"""Every operation and command with keys of every role and restriction, for own and foreign ids.

Expected answers follow from the documented permission table. Foreign data is marked, and no
response to a key without access may contain a mark.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.attack.access_cases import (
    COMMAND_ACTIONS,
    PUBLIC,
    ROWS,
    AccessCase,
    ccxt_trade_cases,
    command_cases,
    operation_cases,
)
from kit.attack.access_oracle import (
    PERMISSION_ROWS,
    REFUSALS,
    KeyHolder,
    allowed_codes,
    may_see,
)
from kit.attack.keep_alive_client import Answer
from kit.attack.report import ProgramCounts
from kit.attack.target import FOREIGN, OTHER_STRATEGY, AttackTarget
from kit.http.permission_table import PERMISSION_FLAGS

ALL = frozenset(PERMISSION_FLAGS)
FLAGS_BY_NAME = {
    "reads": frozenset({"can_read"}),
    "trades blindly": ALL - {"can_read"},
    "closes": frozenset({"can_read", "can_close_position"}),
    "trades": frozenset({"can_read", "can_trade"}),
    "manages risk": frozenset({"can_read", "can_risk_manage"}),
    "switches": frozenset({"can_read", "can_risk_manage", "can_block_new_positions"}),
    "blocks": frozenset({"can_read", "can_risk_manage", "can_block_account"}),
}
#: Requests of which other fields are checked before the comment; a preview needs none.
CHECKED_FIRST = frozenset({"release_kill_switch", "reassign_orders", "close_by", "merge_positions"})
#: Requests that change no stored state but the caller's token or session, and preferences.
WITHOUT_COMMENT = frozenset(
    {
        *("log_out", "clear_cache", "set_preferences"),
        *("change_session_key", "touch_session", "confirm_session"),
    }
)


@pytest.fixture(scope="module")
def document(target: AttackTarget) -> Any:
    """The served OpenAPI document."""
    return target.client.send("GET", "/openapi.json").body


@pytest.fixture(scope="module")
def cases(target: AttackTarget, document: Any) -> list[AccessCase]:
    """All requests."""
    return [
        *operation_cases(target, document),
        *command_cases(target),
        *ccxt_trade_cases(target),
    ]


@pytest.fixture(scope="module")
def holders(target: AttackTarget) -> list[KeyHolder]:
    """Keys of every role with all flags, traders with some, and a restricted one."""
    made = [
        KeyHolder(name="admin", key=target.gateway.admin_api_key, role="admin"),
        _holder(target, "no account", "trader", None),
        _holder(target, "restricted", "trader", ALL, is_restricted=True),
        _holder(target, "restricted risk", "risk", ALL, is_restricted=True),
    ]
    for role in ("trader", "portfolio_manager", "robot", "risk", "readonly"):
        made.append(_holder(target, f"all {role}", role, ALL, is_restricted=role == "robot"))
    for name, flags in FLAGS_BY_NAME.items():
        for role in ("trader", "risk"):
            made.append(_holder(target, f"{name} {role}", role, flags))
    return made


@pytest.fixture(scope="module")
def refused_holders(target: AttackTarget) -> list[KeyHolder]:
    """Keys that are refused whatever they ask for."""
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    networks = {"ip_allowlist": ["198.51.100.0/24", "127.0.0.1", "2001:db8::/32"]}
    disabled = _holder(target, "disabled", "trader", ALL, refused_with="invalid_api_key")
    left = _holder(target, "left", "admin", None, refused_with="invalid_api_key")
    expired = _holder(
        target,
        "expired",
        "trader",
        ALL,
        refused_with="invalid_api_key",
        restrictions={"expires_at": past},
    )
    elsewhere = _holder(
        target, "elsewhere", "trader", ALL, refused_with="ip_not_allowed", restrictions=networks
    )
    for row in target.admin("GET", "/admin/users-api-keys")["items"]:
        if row["user_name"] == "disabled":
            path = f"/admin/api-keys/{row['api_key_id']}"
            target.admin("PATCH", path, {"status": "disabled"})
        if row["user_name"] == "left":
            target.admin("PATCH", f"/admin/users/{row['user_id']}", {"status": "disabled"})
    unknown = KeyHolder(
        name="unknown", key="oms_" + "x" * 43, role="admin", refused_with="invalid_api_key"
    )
    forged = [replace(elsewhere, ip=ip) for ip in ("127.0.0.1, 203.0.113.5", "unknown")]
    return [disabled, left, expired, elsewhere, unknown, *forged]


def test_every_operation_and_command_has_a_case(document: Any, cases: list[AccessCase]) -> None:
    served = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert served - PUBLIC - {"send_commands"} == set(ROWS)
    assert {case.name for case in cases} >= set(ROWS) | set(COMMAND_ACTIONS)
    schema = document["components"]["schemas"]
    commands = {name.removesuffix("Payload") for name in schema if name.endswith("Payload")}
    assert len(commands) == len(COMMAND_ACTIONS), commands


def test_access(
    target: AttackTarget,
    cases: list[AccessCase],
    holders: list[KeyHolder],
    counts: ProgramCounts,
    chosen: random.Random,
    size: int,
) -> None:
    probes = [(holder, case) for holder in holders for case in cases]
    chosen.shuffle(probes)
    for holder, case in probes[: 3 * size]:
        _probe(target, holder, case, counts)


def test_refused_keys(
    target: AttackTarget,
    cases: list[AccessCase],
    refused_holders: list[KeyHolder],
    counts: ProgramCounts,
    chosen: random.Random,
    size: int,
) -> None:
    probes = [(holder, case) for holder in refused_holders for case in cases]
    chosen.shuffle(probes)
    for holder, case in probes[:size]:
        _probe(target, holder, case, counts)


def test_missing_comments(
    target: AttackTarget,
    cases: list[AccessCase],
    holders: list[KeyHolder],
    counts: ProgramCounts,
) -> None:
    for holder in holders:
        for case in cases:
            needs = PERMISSION_ROWS[case.action].needs_comment(holder.role)
            if case.method == "GET" or case.name in WITHOUT_COMMENT:
                continue
            if not needs or case.of != "own" or allowed_codes(case, holder) is not None:
                continue
            if case.name in CHECKED_FIRST:
                continue
            _probe(target, holder, _without_comment(case), counts)


def test_addresses_of_a_key(target: AttackTarget, counts: ProgramCounts) -> None:
    holder = _holder(
        target, "own network", "trader", ALL, restrictions={"ip_allowlist": ["198.51.100.0/24"]}
    )
    for forwarded in ("198.51.100.7", "127.0.0.1, 198.51.100.7:443", "x, ::ffff:198.51.100.9"):
        answer = _send(target, replace(holder, ip=forwarded), "GET", "/user/profile")
        counts.probes += 1
        counts.count(answer.status, answer.code)
        counts.expect(answer.status == 200, f"{forwarded}: {answer}")


def _probe(
    target: AttackTarget, holder: KeyHolder, case: AccessCase, counts: ProgramCounts
) -> None:
    answer = _send(
        target, holder, case.method, case.target, case.body, has_comment=case.has_comment
    )
    code = _code(answer, case)
    counts.probes += 1
    counts.count(answer.status, code)
    expected = allowed_codes(case, holder)
    holds = code not in REFUSALS if expected is None else code in expected
    where = f"{holder.name}: {case.name} of {case.of} ({case.method} {case.target})"
    counts.expect(
        holds, f"{where}: expected {sorted(expected or {'permitted'})}, got {answer.status} {code}"
    )
    mark = may_see(answer.text, holder, FOREIGN, OTHER_STRATEGY)
    counts.expect(mark is None, f"{where}: the response shows {mark}")


def _code(answer: Answer, case: AccessCase) -> str | None:
    """The error code, also that of the only item of a batch."""
    if answer.status >= 400 or case.name == "get_metrics":
        return answer.code
    results = answer.body.get("results") if isinstance(answer.body, dict) else None
    if results and isinstance(results[0], dict) and isinstance(results[0].get("error"), dict):
        return str(results[0]["error"]["code"])
    return None


def _send(
    target: AttackTarget,
    holder: KeyHolder,
    method: str,
    path: str,
    body: object = None,
    *,
    has_comment: bool = True,
) -> Answer:
    headers = [("x-forwarded-for", holder.ip)]
    if has_comment:
        headers.append(("x-comment", "because"))
    return target.client.send(method, path, key=holder.key, body=body, headers=headers)


def _without_comment(case: AccessCase) -> AccessCase:
    body = dict(case.body or {})
    if "payload" in body:
        body["payload"] = {k: v for k, v in body["payload"].items() if k != "comment"}
    body.pop("comment", None)
    return replace(case, body=body, has_comment=False)


def _holder(
    target: AttackTarget,
    name: str,
    role: str,
    flags: frozenset[str] | None,
    *,
    is_restricted: bool = False,
    refused_with: str | None = None,
    **more: object,
) -> KeyHolder:
    permissions = []
    for account_id in (target.own.account_id, target.spare_account_id) if flags else ():
        permission: dict[str, Any] = {"account_id": account_id}
        permission |= {flag: flag in (flags or ()) for flag in PERMISSION_FLAGS}
        if is_restricted:
            permission |= {"restrict_to_strategies": True, "strategy_ids": [target.own.strategy_id]}
        permissions.append(permission)
    _, _, key = target.add_user(name, role, permissions, **more)
    return KeyHolder(
        name=name,
        key=key,
        role=role,
        flags=flags,
        is_restricted=is_restricted,
        refused_with=refused_with,
    )
