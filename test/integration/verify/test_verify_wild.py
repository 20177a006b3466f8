"""An office where everything goes on at once, faults and payments too, has no finding."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.asgi import AsgiClient
from kit.office import TRADER, Office, open_office
from oms.cli.replay import replayed
from oms.cli.verify import verified
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
Asked = tuple[str, dict[str, Any]]


async def test_a_wild_office_has_no_finding(tmp_path: Path, trading: Any) -> None:
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    chance = random.Random(3)
    async with open_office(dsn, Settings()) as office:
        accounts = list((await trading.three_accounts(office, dsn)).values())
        accounts += [await office.add_account(mode, POOR) for mode in ("netting", "hedge")]
        await office.add_key("wild", KEY, grants=dict.fromkeys(accounts, TRADER))
        office.client = AsgiClient(office.app, KEY)
        office.start_worker()
        for turn in range(ROUNDS):
            await _a_round(office, accounts, chance)
            if turn == 3:
                for account_id in accounts:
                    paid = {"currency": "USDT", "amount": "17.5"}
                    assert (
                        await office.client("POST", f"/paper/{account_id}/deposit", paid)
                    ).status == 200
            if turn == 4:
                answer = await office.client("POST", f"/paper/{accounts[-1]}/reset", {})
                assert answer.status == 200
            checked = await verified(office.store, Settings())
            assert checked["ok"], [row for row in checked["accounts"] if row["findings"]]
        for account_id in accounts:
            answer = await replayed(office.store, account_id)
            assert answer["differences"] == []


async def _a_round(office: Office, accounts: list[int], chance: random.Random) -> None:
    bodies: list[dict[str, Any]] = []
    for account_id in accounts:
        for symbol, middle in MIDDLES.items():
            price = str(middle + chance.randint(-middle // 8, middle // 8))
            body = {"account_id": account_id, "symbol": symbol, "price": price}
            assert (await office.client("POST", "/paper/price", body)).status == 200
        answer = await office.client("GET", f"/oms/positions/open?account_ids={account_id}")
        held = [row["id"] for row in answer.json()["items"]]
        for command, payload in _wishes(held, chance):
            body = {"account_id": account_id, "command": command, "payload": payload}
            bodies.append(body)
    answer = await office.client("POST", "/oms/commands?wait_ms=10000", bodies)
    results = answer.json()["results"]
    assert all(row["status"] not in ("queued", "running") for row in results), answer.body


def _wishes(held: list[int], chance: random.Random) -> Iterator[Asked]:
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
