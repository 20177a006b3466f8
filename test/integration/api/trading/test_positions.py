"""Commands on positions and bulk commands, executed by a worker."""

from typing import Any

from kit.databases.sql import execute
from kit.gateway.in_process import TRADER, InProcessGateway

SPOT_SHORTS = '{"oms":{"paper":{"source":"manual","allow_spot_short":true}}}'
KEY = "oms_a-hedger-for-tests-only"
SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


async def _account(gateway: InProcessGateway, symbol: str) -> int:
    """Create a hedge account with price 100 of ``symbol``."""
    account_id = await gateway.add_account("hedge", SPOT_SHORTS)
    await gateway.add_key("hedger", KEY, grants={account_id: TRADER})
    await gateway.set_price(symbol, "100", account_id=account_id, key=KEY)
    return account_id


async def _run(
    gateway: InProcessGateway, account_id: int, command: str, **payload: Any
) -> dict[str, Any]:
    """Return the result of a command that must succeed."""
    body = {"account_id": account_id, "command": command, "payload": payload}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json()["results"][0]
    return row


async def _send(
    gateway: InProcessGateway, account_id: int, side: str, qty: str, **more: Any
) -> int:
    """Return the position of a market order."""
    symbol = more.pop("symbol", SPOT)
    payload = {"symbol": symbol, "side": side, "order_type": "market", "qty": qty} | more
    row = await _run(gateway, account_id, "send_order", **payload)
    position: int = row["order"]["position_id"]
    return position


async def _position(gateway: InProcessGateway, position_id: int) -> dict[str, Any]:
    found = await gateway.client.get(f"/oms/positions/{position_id}", key=KEY)
    row: dict[str, Any] = found["items"][0]
    return row


async def test_spot_sales_of_a_hedge_account_close_tickets(busy: InProcessGateway) -> None:
    """The fee of a purchase is taken in the coin: the tickets hold what can be sold."""
    account = await busy.add_account("hedge", '{"oms":{"paper":{"source":"manual"}}}')
    await busy.add_key("hedger", KEY, grants={account: TRADER})
    await busy.set_price(SPOT, "100", account_id=account, key=KEY)
    first = await _send(busy, account, "buy", "2")
    second = await _send(busy, account, "buy", "1", new_position=True)
    held = [(await _position(busy, each))["qty"] for each in (first, second)]
    assert held == ["1.998", "0.999"]
    await _send(busy, account, "sell", "2.5")
    assert (await _position(busy, first))["state"] == "closed", "the oldest one first"
    assert (await _position(busy, second))["qty"] == "0.497"
    body = {
        "account_id": account,
        "command": "send_order",
        "payload": {"symbol": SPOT, "side": "sell", "order_type": "market", "qty": "0.5"},
    }
    answer = await busy.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    error = answer.json()["detail"]["results"][0]["error"]
    assert (error["code"], error["reason"]) == ("invalid_close_volume", "spot_has_no_short")
    assert (error["limit"], error["value"]) == ("0.497", "0.5")
    await _send(busy, account, "sell", "0.497")
    left = await busy.client.get(f"/oms/positions/open?account_ids={account}", key=KEY)
    assert left["items"] == [], "nothing is left over"


async def test_close_by_uses_the_second_positions_average(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy, SPOT)
    a = await _send(busy, account, "buy", "2")
    await busy.set_price(SPOT, "110", account_id=account, key=KEY)
    b = await _send(busy, account, "sell", "1")

    row = await _run(busy, account, "close_by", position_id_a=a, position_id_b=b, qty="1")

    assert row["ok"], row
    long, short = await _position(busy, a), await _position(busy, b)
    assert (short["state"], short["qty"], short["close_reason"]) == (
        "closed",
        "0",
        "close_by_internal",
    )
    deals = await busy.client.get(f"/oms/commands/{row['command_id']}", key=KEY)
    ids = ",".join(str(each) for each in deals["deal_ids"])
    legs = (await busy.client.get(f"/oms/deals/{ids}", key=KEY))["items"]
    assert [leg["entry"] for leg in legs] == ["out_by", "out_by"]
    assert [leg["side"] for leg in legs] == ["sell", "buy"]
    assert legs[1]["pnl"] == "0"
    assert float(legs[0]["pnl"]) > 9.9
    assert (long["state"], long["qty"][:5]) == ("open", "0.998")


async def test_close_by_needs_opposite_sides(busy: InProcessGateway) -> None:
    account = await _account(busy, SPOT)
    a = await _send(busy, account, "buy", "2")
    b = await _send(busy, account, "buy", "1", new_position=True)
    body = {
        "account_id": account,
        "command": "close_by",
        "payload": {"position_id_a": a, "position_id_b": b},
    }
    answer = await busy.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    assert answer.detail["code"] == "invalid_position_id"
    assert (await _position(busy, a))["state"] == "open"


async def test_close_by_of_hedge_contracts_sends_two_orders(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy, PERPETUAL)
    a = await _send(busy, account, "buy", "2", symbol=PERPETUAL)
    b = await _send(busy, account, "sell", "1.5", symbol=PERPETUAL)
    row = await _run(busy, account, "close_by", position_id_a=a, position_id_b=b)
    assert [order["status"] for order in row["orders"]] == ["FILLED", "FILLED"]
    assert all(order["reduce_only"] for order in row["orders"])
    assert (await _position(busy, a))["qty"] == "0.5"
    assert (await _position(busy, b))["state"] == "closed"


async def test_positions_are_merged(busy: InProcessGateway) -> None:
    account = await _account(busy, PERPETUAL)
    source = await _send(busy, account, "buy", "1", symbol=PERPETUAL)
    await busy.set_price(PERPETUAL, "200", account_id=account, key=KEY)
    target = await _send(busy, account, "buy", "1", symbol=PERPETUAL, new_position=True)

    await _run(
        busy,
        account,
        "merge_positions",
        source_position_id=source,
        target_position_id=target,
        stop_mode="set",
        stop_loss="90",
    )

    ended, grown = await _position(busy, source), await _position(busy, target)
    assert (ended["state"], ended["qty"], ended["merged_into"]) == ("closed", "0", target)
    assert (grown["qty"], grown["avg_price"], grown["stop_loss"]) == ("2", "150", "90")


async def test_stop_levels_are_set_kept_and_cleared(busy: InProcessGateway) -> None:
    account = await _account(busy, PERPETUAL)
    position = await _send(busy, account, "buy", "1", symbol=PERPETUAL, stop_loss="90")
    at = {"position_id": position}
    await _run(busy, account, "position_change", **at, stop_gain="130", comment="watched")
    row = await _position(busy, position)
    assert (row["stop_loss"], row["stop_gain"], row["comment"]) == ("90", "130", "watched")
    await _run(busy, account, "position_change", **at, stop_loss=None)
    row = await _position(busy, position)
    assert (row["stop_loss"], row["stop_gain"]) == (None, "130")


async def test_cancel_all_and_close_all(busy: InProcessGateway) -> None:
    account = await _account(busy, PERPETUAL)
    await _send(busy, account, "buy", "1", symbol=PERPETUAL)
    await _send(busy, account, "sell", "2", symbol=PERPETUAL)
    resting = {"symbol": PERPETUAL, "side": "buy", "order_type": "limit", "qty": "2", "price": "60"}
    for _ in range(2):
        await _run(busy, account, "send_order", **resting)

    row = await _run(busy, account, "cancel_all_orders")
    assert [order["status"] for order in row["orders"]] == ["CANCELED", "CANCELED"]
    again = await _run(busy, account, "cancel_all_orders")
    assert again["ok"] and not again["orders"]

    await _run(busy, account, "send_order", **resting)
    await _run(busy, account, "close_all")
    query = f"account_ids={account}"
    for rows in ("orders", "positions"):
        found = await busy.client.get(f"/oms/{rows}/open?{query}", key=KEY)
        assert found["items"] == [], rows


async def test_resting_close_order_locks_its_position(busy: InProcessGateway) -> None:
    account = await _account(busy, PERPETUAL)
    held = await _send(busy, account, "buy", "2", symbol=PERPETUAL)
    close = {"position_id": held, "order_type": "limit", "price": "120", "qty": "1"}
    resting = (await _run(busy, account, "close_position", **close))["order_id"]
    assert (await _position(busy, held))["state"] == "close_requested"

    body = {"account_id": account, "command": "close_position", "payload": {"position_id": held}}
    second = await busy.client("POST", "/oms/commands", body, key=KEY)
    assert second.json()["detail"]["code"] == "position_close_in_progress"
    order = {"symbol": PERPETUAL, "side": "sell", "order_type": "market", "position_id": held}
    body = {"account_id": account, "command": "send_order", "payload": order | {"qty": "1.5"}}
    too_much = await busy.client("POST", "/oms/commands", body, key=KEY)
    refused = too_much.json()["detail"]
    assert (refused["code"], refused["limit"]) == ("invalid_close_volume", "1")

    await _run(busy, account, "cancel_order", order_id=resting)
    assert (await _position(busy, held))["state"] == "open"
    await _run(busy, account, "close_position", position_id=held)
    assert (await _position(busy, held))["state"] == "closed"


async def test_dust_is_written_off_with_the_close(busy: InProcessGateway) -> None:
    """Bought with a fee in base: 0.99900 is held, 0.99 are closed, 0.9 dollars remain."""
    account = await _account(busy, SPOT)
    held = await _send(busy, account, "buy", "1")
    row = await _run(busy, account, "close_position", position_id=held, qty="0.99")

    assert row["ok"], row
    position = await _position(busy, held)
    assert (position["state"], position["qty"], position["qty_closed"]) == ("closed", "0", "0.999")
    span = "start_date=2020-01-01&end_date=2099-01-01"
    deals = (await busy.client.get(f"/oms/deals?account_ids={account}&{span}", key=KEY))["items"]
    dust = next(deal for deal in deals if deal["exchange_trade_id"].startswith("dust:"))
    assert (dust["entry"], dust["qty"], dust["pnl"]) == ("out_by", "0.009", "0")


async def test_dust_position_is_closed_without_an_order(busy: InProcessGateway) -> None:
    """0.099990 is held after the fee; a sale leaves 0.000000 01, below the step."""
    account = await busy.add_account("netting", SPOT_SHORTS)
    await busy.add_key("hedger", KEY, grants={account: TRADER})
    await busy.set_price(SPOT, "100", account_id=account, key=KEY)
    held = await _send(busy, account, "buy", "0.10001")
    await _send(busy, account, "sell", "0.0999")
    position = await _position(busy, held)
    assert (position["state"], position["qty"]) == ("open", "0.00000999")

    row = await _run(busy, account, "close_position", position_id=held, reason="sl")

    assert (row["ok"], row["order_id"]) == (True, None), row
    position = await _position(busy, held)
    assert (position["state"], position["close_reason"]) == ("closed", "sl")


async def test_close_order_is_reassigned_only_with_its_position(
    busy: InProcessGateway, dsn: str
) -> None:
    """A reduce-only order without a ticket closes its strategy's position."""
    account = await _account(busy, PERPETUAL)
    execute(
        dsn,
        "INSERT INTO strategies (id, name, status, created_at)"
        " VALUES (7, 'seven', 'active', '2026-01-01')",
        "INSERT INTO strategy_accounts (strategy_id, account_id, status, created_at)"
        f" VALUES (7, {account}, 'active', '2026-01-01')",
    )
    order = {"symbol": PERPETUAL, "order_type": "market", "qty": "1"}
    opening = (await _run(busy, account, "send_order", side="buy", **order))["order_id"]
    closing = (await _run(busy, account, "send_order", side="sell", reduce_only=True, **order))[
        "order_id"
    ]

    alone = {"order_ids": [closing], "target_strategy_id": 7}
    refused = await busy.client("POST", "/oms/reassign", alone, key=KEY)
    assert (refused.status, refused.detail["reason"]) == (422, "nothing_to_close")

    both = {"order_ids": [opening, closing], "target_strategy_id": 7}
    moved = await busy.client("POST", "/oms/reassign", both, key=KEY)
    assert moved.status == 200, moved.body
    span = "start_date=2020-01-01&end_date=2099-01-01"
    found = await busy.client.get(f"/oms/positions/history?account_ids={account}&{span}", key=KEY)
    (position,) = found["items"]
    assert (position["strategy_id"], position["state"]) == (7, "closed")
