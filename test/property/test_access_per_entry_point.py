"""Permissions over HTTP and WebSocket equal the documented table.

Random roles, flags, strategy lists, accounts and requests against the whole application on a real
store. No worker runs, so accepted commands stay queued.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.databases.sql import execute
from kit.gateway.in_process import InProcessGateway, now, open_gateway
from kit.http.asgi_websocket import connect_websocket
from kit.http.browser import Browser
from kit.http.permission_cases import (
    REFUSALS,
    AccountRows,
    KeyHolder,
    PermissionCase,
    expected_refusal,
    permission_cases,
)
from kit.http.permission_table import PERMISSION_FLAGS, ROLE_BY_LETTER, load_permission_rows
from kit.loop_runner import LoopRunner
from oms.api import ccxt_calls
from oms.api.routes import reconcile
from oms.config import Settings
from oms.domain.access import Grant
from oms.ports.admin.user_admin import AccountPermission
from oms.ports.audit_log import AuditContext

PERMISSION_ROWS = load_permission_rows()
EXAMPLES_HTTP, EXAMPLES_WS = 500, 300


@dataclass
class AccessFixture:
    """A gateway with a key for each role, an account with rows, and one without permissions."""

    runner: asyncio.Runner
    gateway: InProcessGateway
    dsn: str
    rows: AccountRows
    closed_account: int
    keys: dict[str, tuple[int, str]]
    #: A page for each role.
    browsers: dict[str, Browser] = field(default_factory=dict)

    def grant_role(self, holder: KeyHolder) -> str:
        """Set the permission of the role's key; returns the key."""
        key_id, key = self.keys[holder.role]
        self.runner.run(self._grant(key_id, holder))
        return key

    async def _grant(self, key_id: int, holder: KeyHolder) -> None:
        registry, user_admin = self.gateway.api_context.administer, self.gateway.store.user_admin
        if holder.flags is None:
            text = f"DELETE FROM api_key_account_permissions WHERE api_key_id = {key_id}"
            await asyncio.to_thread(execute, self.dsn, text)
        else:
            grant = Grant(
                **{flag: flag in holder.flags for flag in PERMISSION_FLAGS},
                restrict_to_strategies=holder.is_restricted,
                strategy_ids=holder.strategy_ids,
            )
            permission = AccountPermission(account_id=self.rows.account_id, grant=grant)
            await user_admin.set_permission(key_id, permission, _audit_context())
        registry.authenticate.forget()
        await self.gateway.store.leases.heartbeat("worker", "host", "{}")

    def over_http(self, key: str, case: PermissionCase) -> str | None:
        """Return the error code of the response, ``None`` if it succeeded."""
        response = self.runner.run(
            self.gateway.client(case.method, case.target, case.body, key=key, headers=case.headers)
        )
        assert response.status != 500, response.body
        return str(response.detail["code"]) if response.status >= 400 else None

    def in_browser(self, role: str, case: PermissionCase) -> str | None:
        """Return the error code of the response to a page with a confirmed session."""
        return self.runner.run(self._in_browser(role, case))

    async def _in_browser(self, role: str, case: PermissionCase) -> str | None:
        browser = await self._browser(role)
        comments = {"x_comment": case.headers.get("X-Comment")}
        response = await browser(case.method, case.target, case.body, **comments)
        return str(response.detail["code"]) if response.status >= 400 else None

    def over_ws_in_browser(self, role: str, case: PermissionCase) -> str | None:
        """Return the error code of a WebSocket request of such a page."""
        browser = self.runner.run(self._browser(role))
        return self.runner.run(self._over_ws("", case, browser.handshake()))

    async def _browser(self, role: str) -> Browser:
        """A page of the role, logged in by its key and confirmed; the last one if it still is."""
        browser = self.browsers.get(role)
        if browser is None:
            _, key = self.keys[role]
            self.browsers[role] = browser = Browser(self.gateway.client)
            await browser.start({"mode": "api_key", "api_key": key})
            answer = await browser("POST", "/auth/session/confirm", {"api_key": key})
            assert answer.status == 200, answer.body
        return browser

    def over_ws(self, key: str, case: PermissionCase) -> str | None:
        """Return the error code of a WebSocket request."""
        return self.runner.run(self._over_ws(key, case))

    async def _over_ws(
        self, key: str, case: PermissionCase, headers: dict[str, str] | None = None
    ) -> str | None:
        assert case.frame is not None
        namespace, action, payload = case.frame
        async with connect_websocket(self.gateway.app, key, headers=headers) as socket:
            response = await socket.request(action, payload, namespace)
        if response["ok"]:
            return None
        error = response["payload"].get("error") or response["payload"]
        return str(error.get("detail", error)["code"])


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessFixture]:
    """Provide one gateway per module; waits for the worker are disabled."""
    folder: Path = tmp_path_factory.mktemp("access")
    dsn = f"sqlite+aiosqlite:///{folder}/oms.sqlite3"
    with LoopRunner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "RECONCILE_WAIT_SECONDS", 0.0)
        patch.setattr(ccxt_calls, "READ_SECONDS", 0.0)
        patch.setattr(ccxt_calls, "TRADE_SECONDS", 0.0)
        stack = AsyncExitStack()
        runner.run(stack.__aenter__())
        opened = open_gateway(dsn, Settings.model_validate({"access_cache_seconds": 5}))
        gateway = runner.run(stack.enter_async_context(opened))
        yield runner.run(_create_fixture(runner, gateway, dsn))
        runner.run(stack.aclose())


async def _create_fixture(
    runner: asyncio.Runner, gateway: InProcessGateway, dsn: str
) -> AccessFixture:
    account_id, closed = gateway.account_id, await gateway.add_account()
    admin = gateway.api_context.administer
    own = await admin.strategies.create("taken", None, [account_id], _audit_context())
    gateway.start_worker()
    price = {"account_id": account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await gateway.client("POST", "/paper/price", price)).status == 200
    resting = {"order_type": "limit", "price": "40000"}
    unattributed = await gateway.order(**resting)
    attributed = await gateway.order(strategy_id=own, **resting)
    assert (await gateway.order(strategy_id=own)).status == 200
    positions = await gateway.client.get(f"/oms/positions/open?account_ids={account_id}")
    await gateway.stop_worker()
    rows = AccountRows(
        account_id,
        unattributed.json()["results"][0]["order_id"],
        attributed.json()["results"][0]["order_id"],
        positions["items"][0]["id"],
        own,
    )
    assert positions["items"][0]["strategy_id"] == own
    keys: dict[str, tuple[int, str]] = {}
    for role in ROLE_BY_LETTER.values():
        key = await gateway.add_key(f"the {role}", f"oms_key-of-the-{role}", role, grants={})
        user_keys = await admin.people.keys()
        keys[role] = (user_keys[-1].id, key)
    return AccessFixture(runner, gateway, dsn, rows, closed, keys)


def _audit_context() -> AuditContext:
    return AuditContext(actor="test", at=now())


holders = st.builds(
    KeyHolder,
    st.sampled_from((*ROLE_BY_LETTER.values(), "risk", "robot")),
    st.sampled_from((frozenset(PERMISSION_FLAGS), None))
    | st.frozensets(st.sampled_from(PERMISSION_FLAGS)),
    st.sampled_from((False, False, True)),
    st.frozensets(st.sampled_from((0, 1))),
)
comments = st.sampled_from((None, "", "  ", "because"))
picks = st.integers(min_value=0, max_value=63)
account_choices = st.sampled_from((True, True, True, False))


def _own(holder: KeyHolder, rows: AccountRows) -> KeyHolder:
    """Return the holder with ``own`` in place of strategy 1."""
    cases = frozenset(rows.own if strategy_id else 0 for strategy_id in holder.strategy_ids)
    return replace(holder, strategy_ids=cases)


def test_there_is_a_request_for_every_action(access: AccessFixture) -> None:
    actions = {case.action for case in permission_cases(access.rows, access.rows.account_id, None)}
    later = {"ccxt_allowed", "risk_switch", "risk_block", "kill_on", "kill_off"}
    assert actions == set(PERMISSION_ROWS) - later - {"automate", "research"}


def test_every_request_of_every_role(access: AccessFixture) -> None:
    codes: set[str | None] = set()
    for role, flags in product(ROLE_BY_LETTER.values(), (frozenset(PERMISSION_FLAGS), None)):
        holder = KeyHolder(role, flags, role == "trader", frozenset({0}))
        key = access.grant_role(holder)
        for comment in (None, "because"):
            for case in permission_cases(access.rows, access.rows.account_id, comment):
                expected = expected_refusal(
                    case, PERMISSION_ROWS[case.action], holder, access.rows.account_id
                )
                codes.add(expected)
                if case.target:
                    _check_refusal(access.over_http(key, case), expected, case)
                if case.frame is not None:
                    _check_refusal(access.over_ws(key, case), expected, case)
    assert codes == REFUSALS | {None, "order_not_found"}


def test_a_browser_session_gets_the_answers_of_its_key(access: AccessFixture) -> None:
    codes: set[str | None] = set()
    for role, flags in product(ROLE_BY_LETTER.values(), (frozenset(PERMISSION_FLAGS), None)):
        holder = KeyHolder(role, flags, role == "trader", frozenset({0}))
        access.grant_role(holder)
        for case in permission_cases(access.rows, access.rows.account_id, "because"):
            expected = expected_refusal(
                case, PERMISSION_ROWS[case.action], holder, access.rows.account_id
            )
            codes.add(expected)
            if case.target:
                _check_refusal(access.in_browser(role, case), expected, case)
            if case.frame is not None:
                _check_refusal(access.over_ws_in_browser(role, case), expected, case)
    assert codes == (REFUSALS | {None, "order_not_found"}) - {"comment_required"}


def test_http(access: AccessFixture) -> None:
    codes: Counter[str | None] = Counter()

    @settings(max_examples=EXAMPLES_HTTP, deadline=None)
    @given(holders, comments, picks, account_choices)
    def check(holder: KeyHolder, comment: str | None, pick: int, is_open: bool) -> None:
        holder = _own(holder, access.rows)
        account_id = access.rows.account_id if is_open else access.closed_account
        cases = [case for case in permission_cases(access.rows, account_id, comment) if case.target]
        case = cases[pick % len(cases)]
        expected = expected_refusal(
            case, PERMISSION_ROWS[case.action], holder, access.rows.account_id
        )
        _check_refusal(access.over_http(access.grant_role(holder), case), expected, case)
        codes[expected] += 1

    check()
    assert sum(codes.values()) >= EXAMPLES_HTTP
    assert None in codes and len(codes) > 3


def test_websocket(access: AccessFixture) -> None:
    codes: Counter[str | None] = Counter()

    @settings(max_examples=EXAMPLES_WS, deadline=None)
    @given(holders, comments, picks, account_choices)
    def check(holder: KeyHolder, comment: str | None, pick: int, is_open: bool) -> None:
        holder = _own(holder, access.rows)
        account_id = access.rows.account_id if is_open else access.closed_account
        cases = [
            case
            for case in permission_cases(access.rows, account_id, comment)
            if case.frame is not None
        ]
        case = cases[pick % len(cases)]
        expected = expected_refusal(
            case, PERMISSION_ROWS[case.action], holder, access.rows.account_id
        )
        _check_refusal(access.over_ws(access.grant_role(holder), case), expected, case)
        codes[expected] += 1

    check()
    assert sum(codes.values()) >= EXAMPLES_WS
    assert None in codes and len(codes) > 3


def _check_refusal(actual: str | None, expected: str | None, case: PermissionCase) -> None:
    if expected is None:
        assert actual not in REFUSALS, (actual, case)
    else:
        assert actual == expected, (actual, expected, case)
