"""What a key may do over HTTP and over WebSocket is exactly what the page's table says.

Random roles, flags, lists of strategies, accounts and wishes, against the whole application over a
real store; nobody carries commands out, so what is let in only waits.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.databases.sql import execute
from kit.gateway.in_process import InProcessGateway, now, open_gateway
from kit.http.asgi_websocket import connect_websocket
from kit.http.permission_cases import (
    REFUSALS,
    AccountRows,
    KeyHolder,
    PermissionCase,
    expected_refusal,
    permission_cases,
)
from kit.http.permission_table import ROLE_BY_LETTER, load_permission_rows
from oms.api import ccxt_calls
from oms.api.routes import reconcile
from oms.config import Settings
from oms.domain.access import Grant
from oms.ports.audit_log import AuditContext
from oms.ports.user_admin import AccountPermission

LINES = load_permission_rows()
FLAGS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)
EXAMPLES_HTTP, EXAMPLES_WS = 500, 300


@dataclass
class House:
    """An office with a key for each role, an account with rows, and one that no key may touch."""

    runner: asyncio.Runner
    gateway: InProcessGateway
    dsn: str
    stock: AccountRows
    closed_account: int
    keys: dict[str, tuple[int, str]]

    def let(self, holder: KeyHolder) -> str:
        """Give the role's key these rights; its text."""
        key_id, key = self.keys[holder.role]
        self.runner.run(self._let(key_id, holder))
        return key

    async def _let(self, key_id: int, holder: KeyHolder) -> None:
        registry, people = self.gateway.api_context.administer, self.gateway.store.user_admin
        if holder.flags is None:
            text = f"DELETE FROM api_key_account_permissions WHERE api_key_id = {key_id}"
            await asyncio.to_thread(execute, self.dsn, text)
        else:
            grant = Grant(
                **{flag: flag in holder.flags for flag in FLAGS},
                restrict_to_strategies=holder.is_restricted,
                strategy_ids=holder.strategy_ids,
            )
            permit = AccountPermission(account_id=self.stock.account_id, grant=grant)
            await people.set_permission(key_id, permit, _hand())
        registry.authenticate.forget()
        await self.gateway.store.leases.heartbeat("nobody", "here", "{}")

    def over_http(self, key: str, ask: PermissionCase) -> str | None:
        """The code of the answer, ``None`` where it has none."""
        answer = self.runner.run(self.gateway.client(ask.method, ask.target, ask.body, key=key))
        assert answer.status != 500, answer.body
        return str(answer.detail["code"]) if answer.status >= 400 else None

    def over_ws(self, key: str, ask: PermissionCase) -> str | None:
        """The same, by a frame."""
        return self.runner.run(self._over_ws(key, ask))

    async def _over_ws(self, key: str, ask: PermissionCase) -> str | None:
        assert ask.frame is not None
        namespace, action, payload = ask.frame
        async with connect_websocket(self.gateway.app, key) as socket:
            told = await socket.request(action, payload, namespace)
        if told["ok"]:
            return None
        error = told["payload"].get("error") or told["payload"]
        return str(error.get("detail", error)["code"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One office for the module; what would wait for a worker does not."""
    folder: Path = tmp_path_factory.mktemp("doors")
    dsn = f"sqlite+aiosqlite:///{folder}/oms.sqlite3"
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "RECONCILE_WAIT_SECONDS", 0.0)
        patch.setattr(ccxt_calls, "READ_SECONDS", 0.0)
        patch.setattr(ccxt_calls, "TRADE_SECONDS", 0.0)
        stack = AsyncExitStack()
        runner.run(stack.__aenter__())
        made = open_gateway(dsn, Settings.model_validate({"access_cache_seconds": 5}))
        gateway = runner.run(stack.enter_async_context(made))
        yield runner.run(_furnished(runner, gateway, dsn))
        runner.run(stack.aclose())


async def _furnished(runner: asyncio.Runner, gateway: InProcessGateway, dsn: str) -> House:
    account_id, closed = gateway.account_id, await gateway.add_account()
    admin = gateway.api_context.administer
    own = await admin.strategies.create("taken", None, [account_id], _hand())
    gateway.start_worker()
    price = {"account_id": account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await gateway.client("POST", "/paper/price", price)).status == 200
    resting = {"order_type": "limit", "price": "40000"}
    free = await gateway.order(**resting)
    mine = await gateway.order(strategy_id=own, **resting)
    assert (await gateway.order(strategy_id=own)).status == 200
    positions = await gateway.client.get(f"/oms/positions/open?account_ids={account_id}")
    await gateway.stop_worker()
    stock = AccountRows(
        account_id,
        free.json()["results"][0]["order_id"],
        mine.json()["results"][0]["order_id"],
        positions["items"][0]["id"],
        own,
    )
    assert positions["items"][0]["strategy_id"] == own
    keys: dict[str, tuple[int, str]] = {}
    for role in ROLE_BY_LETTER.values():
        key = await gateway.add_key(f"the {role}", f"oms_key-of-the-{role}", role, grants={})
        listed = await admin.people.keys()
        keys[role] = (listed[-1].id, key)
    return House(runner, gateway, dsn, stock, closed, keys)


def _hand() -> AuditContext:
    return AuditContext(actor="test", at=now())


holders = st.builds(
    KeyHolder,
    st.sampled_from((*ROLE_BY_LETTER.values(), "risk", "robot")),
    st.sampled_from((frozenset(FLAGS), None)) | st.frozensets(st.sampled_from(FLAGS)),
    st.sampled_from((False, False, True)),
    st.frozensets(st.sampled_from((0, 1))),
)
comments = st.sampled_from((None, "", "  ", "because"))
picks = st.integers(min_value=0, max_value=63)
places = st.sampled_from((True, True, True, False))


def _own(holder: KeyHolder, stock: AccountRows) -> KeyHolder:
    """The holder whose list names strategy 0 and ``own``, where it named 0 and 1."""
    listed = frozenset(stock.own if strategy_id else 0 for strategy_id in holder.strategy_ids)
    return replace(holder, strategy_ids=listed)


def test_there_is_a_wish_for_every_action_that_a_door_takes(house: House) -> None:
    actions = {ask.action for ask in permission_cases(house.stock, house.stock.account_id, None)}
    later = {"ccxt_allowed", "risk_switch", "risk_block", "kill_on", "kill_off"}
    assert actions == set(LINES) - later - {"automate", "research"}


def test_every_wish_of_every_role(house: House) -> None:
    codes: set[str | None] = set()
    for role, flags in product(ROLE_BY_LETTER.values(), (frozenset(FLAGS), None)):
        holder = KeyHolder(role, flags, role == "trader", frozenset({0}))
        key = house.let(holder)
        for comment in (None, "because"):
            for ask in permission_cases(house.stock, house.stock.account_id, comment):
                wanted = expected_refusal(ask, LINES[ask.action], holder, house.stock.account_id)
                codes.add(wanted)
                if ask.target:
                    _judge(house.over_http(key, ask), wanted, ask)
                if ask.frame is not None:
                    _judge(house.over_ws(key, ask), wanted, ask)
    assert codes == REFUSALS | {None, "order_not_found"}


def test_http(house: House) -> None:
    codes: Counter[str | None] = Counter()

    @settings(max_examples=EXAMPLES_HTTP, deadline=None)
    @given(holders, comments, picks, places)
    def check(holder: KeyHolder, comment: str | None, pick: int, is_open: bool) -> None:
        holder = _own(holder, house.stock)
        account_id = house.stock.account_id if is_open else house.closed_account
        listed = [ask for ask in permission_cases(house.stock, account_id, comment) if ask.target]
        ask = listed[pick % len(listed)]
        wanted = expected_refusal(ask, LINES[ask.action], holder, house.stock.account_id)
        _judge(house.over_http(house.let(holder), ask), wanted, ask)
        codes[wanted] += 1

    check()
    assert sum(codes.values()) >= EXAMPLES_HTTP
    assert None in codes and len(codes) > 3


def test_websocket(house: House) -> None:
    codes: Counter[str | None] = Counter()

    @settings(max_examples=EXAMPLES_WS, deadline=None)
    @given(holders, comments, picks, places)
    def check(holder: KeyHolder, comment: str | None, pick: int, is_open: bool) -> None:
        holder = _own(holder, house.stock)
        account_id = house.stock.account_id if is_open else house.closed_account
        listed = [
            ask
            for ask in permission_cases(house.stock, account_id, comment)
            if ask.frame is not None
        ]
        ask = listed[pick % len(listed)]
        wanted = expected_refusal(ask, LINES[ask.action], holder, house.stock.account_id)
        _judge(house.over_ws(house.let(holder), ask), wanted, ask)
        codes[wanted] += 1

    check()
    assert sum(codes.values()) >= EXAMPLES_WS
    assert None in codes and len(codes) > 3


def _judge(found: str | None, wanted: str | None, ask: PermissionCase) -> None:
    if wanted is None:
        assert found not in REFUSALS, (found, ask)
    else:
        assert found == wanted, (found, wanted, ask)
