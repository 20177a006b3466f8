"""A gateway with concurrent trading, faults and payments has no finding."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.gateway.in_process import TRADER, InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiClient
from oms.cli.replay import build_replay_report
from oms.cli.verify import build_verify_report
from oms.config import Settings

CONTRACT, COIN = "BTC/USDT:USDT", "SOL/USDT"
MIDDLES = {CONTRACT: 50_000, COIN: 100}
ROUNDS, COMMANDS_A_ROUND = 6, 6
KEY = "oms_a-trader-of-wild-accounts"
POOR = (
    '{"oms":{"paper":{"source":"manual","partial_fill":"0.5","allow_spot_short":true,'
    '"balances":{"USDT":"3000","SOL":"5"}}}}'
)
FAULTS = ("dup_fill", "late_fill", "slow:60", "timeout", "timeout_before", "partial:0.5")
CommandItem = tuple[str, dict[str, Any]]


async def test_gateway_under_faults_has_no_finding(tmp_path: Path, trading: Any) -> None:
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    chance = random.Random(3)
    async with open_gateway(dsn, Settings()) as gateway:
        accounts = list((await trading.three_accounts(gateway, dsn)).values())
        accounts += [await gateway.add_account(mode, POOR) for mode in ("netting", "hedge")]
        await gateway.add_key("wild", KEY, grants=dict.fromkeys(accounts, TRADER))
        gateway.client = AsgiClient(gateway.app, KEY)
        gateway.start_worker()
        for round_number in range(ROUNDS):
            await _a_round(gateway, accounts, chance)
            if round_number == 3:
                for account_id in accounts:
                    paid = {"currency": "USDT", "amount": "17.5"}
                    assert (
                        await gateway.client("POST", f"/paper/{account_id}/deposit", paid)
                    ).status == 200
            if round_number == 4:
                answer = await gateway.client("POST", f"/paper/{accounts[-1]}/reset", {})
                assert answer.status == 200
            checked = await build_verify_report(gateway.store, Settings())
            assert checked["ok"], [row for row in checked["accounts"] if row["findings"]]
        for account_id in accounts:
            answer = await build_replay_report(gateway.store, account_id)
            assert answer["differences"] == []


async def _a_round(gateway: InProcessGateway, accounts: list[int], chance: random.Random) -> None:
    bodies: list[dict[str, Any]] = []
    for account_id in accounts:
        for symbol, middle in MIDDLES.items():
            price = str(middle + chance.randint(-middle // 8, middle // 8))
            body = {"account_id": account_id, "symbol": symbol, "price": price}
            assert (await gateway.client("POST", "/paper/price", body)).status == 200
        answer = await gateway.client("GET", f"/oms/positions/open?account_ids={account_id}")
        held = [row["id"] for row in answer.json()["items"]]
        for command, payload in _random_commands(held, chance):
            body = {"account_id": account_id, "command": command, "payload": payload}
            bodies.append(body)
    answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", bodies)
    results = answer.json()["results"]
    assert all(row["status"] not in ("queued", "running") for row in results), answer.body


def _random_commands(held: list[int], chance: random.Random) -> Iterator[CommandItem]:
    for _ in range(COMMANDS_A_ROUND):
        kind = chance.random()
        if kind < 0.6 or len(held) < 2:
            yield "send_order", _an_order(chance)
        elif kind < 0.75:
            yield "close_position", {"position_id": chance.choice(held)}
        elif kind < 0.93:
            one, other = chance.sample(held, 2)
            if kind < 0.84:
                yield "close_by", {"position_id_a": one, "position_id_b": other}
            else:
                yield "merge_positions", {"source_position_id": one, "target_position_id": other}
        else:
            yield chance.choice(("cancel_all_orders", "close_all")), {}


def _an_order(chance: random.Random) -> dict[str, Any]:
    symbol, middle = chance.choice(list(MIDDLES.items()))
    qty = f"0.{chance.randint(5, 60):03d}" if symbol == CONTRACT else f"{chance.randint(5, 20)}.3"
    order: dict[str, Any] = {
        "symbol": symbol,
        "side": chance.choice(["buy", "sell"]),
        "order_type": chance.choice(["market", "limit"]),
        "qty": qty,
    }
    if order["order_type"] == "limit":
        order["price"] = str(middle + chance.randint(-middle // 10, middle // 10))
    if chance.random() < 0.3:
        order["params"] = {"sim": chance.choice(FAULTS)}
    return order
