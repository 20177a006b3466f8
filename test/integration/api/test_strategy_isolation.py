"""A key that is restricted to strategies reaches no row of another strategy by its id."""

from typing import Any

import pytest

from kit.gateway.in_process import TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from oms.domain.access import Grant
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.services.submission import reassign_orders, submit


@pytest.fixture
async def shared(busy: InProcessGateway) -> InProcessGateway:
    """A hedge account with a position of strategy ``other``, and a key restricted to ``own``."""
    busy.account_id = await busy.add_account("hedge")
    price = {"account_id": busy.account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    state = busy.app.state
    state.admin = await busy.add_key("all", "oms_key-of-every-strategy", grants=_grants(busy))
    assert (await busy.client("POST", "/paper/price", price, key=state.admin)).status == 200
    strategies = busy.api_context.administer.strategies
    context = AuditContext(actor="test", at=now())
    state.own = await strategies.create("own", None, [busy.account_id], context)
    state.other = await strategies.create("other", None, [busy.account_id], context)
    state.position = (await position_of(busy, state.other))["id"]
    state.key = await busy.add_key(
        "restricted", "oms_key-of-one-strategy", grants=_grants(busy, state.own)
    )
    return busy


def _grants(gateway: InProcessGateway, *strategies: int) -> dict[int, Grant]:
    grant = evolve(
        TRADER, restrict_to_strategies=bool(strategies), strategy_ids=frozenset(strategies)
    )
    return {gateway.account_id: grant}


async def position_of(gateway: InProcessGateway, strategy_id: int) -> dict[str, Any]:
    """Open a position of the strategy; return its row."""
    command = gateway.command(strategy_id=strategy_id, qty="1")
    answer = await gateway.client(
        "POST", "/oms/commands?wait_ms=5000", command, key=gateway.app.state.admin
    )
    assert answer.status == 200, answer.body
    rows = await open_positions(gateway)
    (row,) = [row for row in rows if row["strategy_id"] == strategy_id]
    return row


async def open_positions(gateway: InProcessGateway) -> list[dict[str, Any]]:
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    rows: list[dict[str, Any]] = (await gateway.client.get(path, key=gateway.app.state.admin))[
        "items"
    ]
    return rows


async def post(gateway: InProcessGateway, command: dict[str, Any], wait: int = 5000) -> Any:
    path = f"/oms/commands?wait_ms={wait}"
    return await gateway.client("POST", path, command, key=gateway.app.state.key)


def refused(answer: AsgiResponse) -> tuple[int, str]:
    return answer.status, answer.detail["code"]


ATTACKS: tuple[dict[str, Any], ...] = (
    {"side": "sell", "qty": "0.4"},
    {"side": "sell", "qty": "1", "reduce_only": True},
    {"side": "buy", "qty": "0.01", "stop_loss": "49990"},
)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_send_order_into_a_position_of_another_strategy(
    shared: InProcessGateway, attack: dict[str, Any]
) -> None:
    state = shared.app.state
    before = await open_positions(shared)
    for strategy_id in (state.own, 0):
        command = shared.command(strategy_id=strategy_id, position_id=state.position, **attack)
        assert refused(await post(shared, command)) == (403, "strategy_permission_denied")
    assert await open_positions(shared) == before


@pytest.mark.parametrize("name", ["orders", "deals", "positions"])
async def test_exports_have_no_row_of_another_strategy(shared: InProcessGateway, name: str) -> None:
    state = shared.app.state
    await position_of(shared, state.own)
    path = f"/oms/export/{name}?account_ids={shared.account_id}&format=json"
    strategies = {
        key: {row["strategy_id"] for row in await shared.client.get(path, key=key)}
        for key in (state.admin, state.key)
    }
    assert strategies == {state.admin: {state.own, state.other}, state.key: {state.own}}
    foreign = await shared.client("GET", f"{path}&strategy_ids={state.other}", key=state.key)
    assert state.other not in {row["strategy_id"] for row in foreign.json()}


async def test_own_positions_and_unknown_ones(shared: InProcessGateway) -> None:
    state = shared.app.state
    own = (await position_of(shared, state.own))["id"]
    reduced = shared.command(strategy_id=state.own, position_id=own, side="sell", qty="0.4")
    assert (await post(shared, reduced)).status == 200
    unknown = shared.command(strategy_id=state.own, position_id=987_654, side="sell")
    assert refused(await post(shared, unknown)) == (422, "invalid_position_id")


@pytest.mark.parametrize("attack", ATTACKS)
async def test_worker_decides_again(
    shared: InProcessGateway, attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a command whose key was restricted while it was queued."""
    state = shared.app.state
    before = await open_positions(shared)
    monkeypatch.setattr(submit, "refuse_command", lambda *_: None)
    command = shared.command(strategy_id=state.own, position_id=state.position, **attack)
    answer = await post(shared, command)
    assert refused(answer) == (403, "strategy_permission_denied")
    assert answer.detail["results"][0]["command_id"] is not None
    assert await open_positions(shared) == before


async def test_reassign_into_a_position_of_another_strategy(
    shared: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = shared.app.state
    command = shared.command(strategy_id=state.own, qty="1")
    order_id = (await post(shared, command)).json()["results"][0]["order_id"]
    body = {"account_id": shared.account_id, "order_ids": [order_id]}
    body |= {"target_strategy_id": state.own, "target_position_id": state.position}
    for unchecked in ((), ("refuse_command",), ("refuse_command", "refuse_strategy")):
        for name in unchecked:
            module = submit if name == "refuse_command" else reassign_orders
            monkeypatch.setattr(module, name, lambda *_: None)
        answer = await shared.client("POST", "/oms/reassign", body, key=state.key)
        assert refused(answer) == (403, "strategy_permission_denied"), unchecked
