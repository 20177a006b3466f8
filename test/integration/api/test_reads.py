"""Reads: rows, pages, events and permissions."""

import asyncio

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from oms.domain.access import Grant

SYMBOL = "BTC/USDT:USDT"


async def test_histories_page_by_number_and_by_cursor(busy: InProcessGateway) -> None:
    for _ in range(5):
        await busy.order()
    base = f"/oms/deals?account_ids={busy.account_id}"
    page = await busy.client.get(f"{base}&since=0&page=2&page_size=2")
    assert [deal["id"] for deal in page["items"]] == [3, 4]
    assert (page["total"], page["page"], page["page_size"]) == (5, 2, 2)
    seen, cursor = [], ""
    while cursor is not None:
        page = await busy.client.get(f"{base}&cursor={cursor}&page_size=2&with_total=false")
        assert (page["total"], page["page"]) == (None, None)
        seen += [deal["id"] for deal in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]
    newest = await busy.client.get(f"{base}&cursor=&sort=desc&page_size=2")
    assert [deal["id"] for deal in newest["items"]] == [5, 4]
    assert (await busy.client.get(f"{base}&since=0&page_size=5000"))["page_size"] == 500


async def test_open_lists_report_truncation(busy: InProcessGateway) -> None:
    for price in ("40000", "40001", "40002"):
        await busy.order(order_type="limit", price=price)
    path = f"/oms/orders/open?account_ids={busy.account_id}"
    whole = await busy.client.get(path)
    assert (len(whole["items"]), whole["truncated"], whole["total"]) == (3, False, None)
    cut = await busy.client.get(f"{path}&limit=2")
    assert [row["price"] for row in cut["items"]] == ["40001", "40002"]
    assert cut["truncated"] is True


async def test_every_list_route_responds(busy: InProcessGateway) -> None:
    await busy.order()
    account, today = busy.account_id, "start_date=2000-01-01&end_date=2099-01-01"
    for path in ("orders/history", "positions/history", "deals", "commands"):
        body = await busy.client.get(f"/oms/{path}?account_ids={account}&{today}&cache=true&x=y")
        assert body["items"], path
    for path in ("orders", "deals", "positions"):
        assert len((await busy.client.get(f"/oms/{path}/1,2,3/"))["items"]) == 1
        assert (await busy.client("GET", f"/oms/{path}/x")).status == 404


async def test_first_invalid_account_decides_the_error(gateway: InProcessGateway) -> None:
    foreign = await gateway.add_account()
    for ids, status, code in (
        (f"{gateway.account_id},{foreign},999", 403, "permission_denied"),
        (f"999,{foreign}", 404, "account_not_found"),
        ("x", 422, "validation_error"),
    ):
        answer = await gateway.client("GET", f"/oms/orders/open?account_ids={ids}")
        assert (answer.status, answer.detail["code"]) == (status, code)
    body = await gateway.client.get(f"/oms/orders/open?account_ids={foreign}", key=ADMIN_KEY)
    assert body["items"] == []


async def test_restricted_key_sees_its_strategies_only(busy: InProcessGateway) -> None:
    await busy.order()
    grant = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({7}))
    key = await busy.add_key("narrow", "oms_a-restricted-key", grants={busy.account_id: grant})
    base = f"account_ids={busy.account_id}"
    assert (await busy.client.get(f"/oms/deals?{base}&cursor=", key=key))["items"] == []
    assert (await busy.client.get("/oms/deals/1", key=key))["items"] == []
    answer = await busy.client("GET", f"/oms/deals?{base}&cursor=&strategy_id=8", key=key)
    assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")
    answer = await busy.client("POST", "/oms/commands", busy.command(), key=key)
    assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")


async def test_accounts(gateway: InProcessGateway) -> None:
    await gateway.add_account()
    mine = (await gateway.client.get("/oms/accounts"))["items"]
    assert [(row["account_id"], row["can_trade"]) for row in mine] == [(gateway.account_id, True)]
    every = (await gateway.client.get("/oms/accounts", key=ADMIN_KEY))["items"]
    assert [row["can_trade"] for row in every] == [False, False]


async def test_events_are_paged_without_gaps(busy: InProcessGateway) -> None:
    await busy.order()
    path = f"/oms/events?account_ids={busy.account_id}"
    whole = await busy.client.get(path)
    seqs = [event["seq"] for event in whole["items"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert whole["heads"] == {str(busy.account_id): seqs[-1]}
    seen, after = [], ""
    while not seen or seen[-1] < seqs[-1]:
        page = await busy.client.get(f"{path}&after={after}&limit=2")
        seen += [event["seq"] for event in page["items"]]
        after = page["next_after"]
    assert seen == seqs
    commands = await busy.client.get(f"{path}&namespaces=command")
    assert {event["event"] for event in commands["items"]} == {"command_updated"}


async def test_long_polling_of_events(busy: InProcessGateway) -> None:
    path = f"/oms/events?account_ids={busy.account_id}&after=now"
    assert (await busy.client.get(path))["items"] == []
    asking = asyncio.create_task(busy.client.get(f"{path}&wait_ms=20000"))
    await asyncio.sleep(0)
    await busy.order()
    events = (await asyncio.wait_for(asking, 10))["items"]
    assert "order_updated" in {event["event"] for event in events}


async def test_position_ahead_of_the_stream_is_a_gap(busy: InProcessGateway) -> None:
    path = f"/oms/events?account_ids={busy.account_id}&after=900&wait_ms=1000"
    page = await busy.client.get(path)
    head = page["heads"][str(busy.account_id)]
    assert page["gaps"] == [{"account_id": busy.account_id, "from": head + 1, "to": 900}]


async def test_ccxt_reads(busy: InProcessGateway) -> None:
    for func in ("fetch_ticker", "fetchTicker"):
        answer = await busy.client(
            "POST", f"/ccxt/{busy.account_id}/{func}", {"args": [SYMBOL], "kwargs": None}
        )
        assert answer.json()["result"]["last"] == 50000
    core = f"/ccxt/core/{busy.account_id}"
    balance = (await busy.client("POST", f"{core}/fetch_balance", {"params": {}})).json()
    assert balance["result"]["USDT"]["total"] > 0
    ticker = (await busy.client("POST", f"{core}/fetch_ticker", {"symbol": SYMBOL})).json()
    assert ticker["ok"] is True


@pytest.mark.parametrize(
    ("func", "status", "code"),
    [
        ("withdraw", 403, "ccxt_method_not_allowed"),
        ("createConvertTrade", 403, "ccxt_method_not_allowed"),
        ("__class__", 403, "ccxt_method_not_allowed"),
        ("watchTicker", 422, "unsupported_func"),
        ("fetch_ohlcv", 422, "validation_error"),
        ("fetch_open_interest", 422, "unsupported_func"),
        ("core/withdraw", 422, "unsupported_func"),
    ],
)
async def test_refused_ccxt_calls(
    busy: InProcessGateway, func: str, status: int, code: str
) -> None:
    path = f"/ccxt/{busy.account_id}/{func}"
    if "/" in func:
        path = f"/ccxt/core/{busy.account_id}/{func.partition('/')[2]}"
    answer = await busy.client("POST", path, {})
    assert (answer.status, answer.detail["code"]) == (status, code)


async def test_calls_without_a_worker_are_refused(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", f"/ccxt/{gateway.account_id}/fetch_balance", {})
    assert (answer.status, answer.detail["code"]) == (503, "engine_unavailable")
    answer = await gateway.client("GET", "/dispatcher/status")
    assert answer.detail["code"] == "engine_unavailable"


async def test_health(gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    public = {"key": ""}
    assert (await gateway.client.get("/healthz", **public))["status"] == "ok"
    assert (await gateway.client.get("/livez", **public)) == {"status": "ok"}
    assert (await gateway.client.get("/version", **public))["name"] == "oms-gateway"
    ready = await gateway.client("GET", "/readyz", key="")
    assert (ready.status, ready.json()["checks"]["workers"]) == (503, "failed")
    assert ready.json()["checks"]["database"] == "ok"


async def test_a_manual_price_moves_no_other_symbol(busy: InProcessGateway) -> None:
    other = "ETH/USDT:USDT"
    for symbol, price in ((other, "2000"), (SYMBOL, "50000"), (SYMBOL, "60000")):
        await busy.set_price(symbol, price)
    path = f"/ccxt/core/{busy.account_id}/fetch_ticker"

    async def last(symbol: str) -> object:
        answer = await busy.client("POST", path, {"symbol": symbol})
        return answer.json()["result"]["last"]

    assert (await last(SYMBOL), await last(other)) == (60000, 2000)


async def test_manual_prices(busy: InProcessGateway) -> None:
    walking = await busy.add_account(extra="{}")
    bid = {"symbol": SYMBOL, "bid": "100", "ask": "101", "bid_qty": "1", "unknown": 1}
    answer = await busy.client("POST", "/paper/price", bid)
    assert answer.json()["account_ids"] == [busy.account_id]
    answer = await busy.client("POST", "/paper/price", bid | {"account_id": walking})
    assert (answer.status, answer.detail["code"]) == (403, "permission_denied")
    answer = await busy.client("POST", "/paper/price", bid | {"account_id": walking}, key=ADMIN_KEY)
    assert (answer.status, answer.detail["code"]) == (409, "conflict")
    answer = await busy.client("POST", "/paper/price", {"symbol": SYMBOL})
    assert answer.status == 422


async def test_manual_order_books_and_public_trades(busy: InProcessGateway) -> None:
    book = {"bids": [["90", "1"]], "asks": [["100", "1"], ["101", None]]}
    trade = {"price": "95", "qty": "2", "side": "buy"}
    body = {"symbol": SYMBOL, "account_id": busy.account_id, "book": book, "print": trade}
    assert (await busy.client("POST", "/paper/price", body)).status == 200
    path = f"/ccxt/{busy.account_id}/fetch_order_book"
    answer = await busy.client("POST", path, {"args": [SYMBOL]})
    assert answer.json()["result"]["asks"][0] == [100, 1]


async def test_deposits_and_resets_of_paper_accounts(busy: InProcessGateway) -> None:
    path = f"/paper/{busy.account_id}/deposit"
    for amount, status in (("5.5", 200), ("-2", 200), ("-4", 502)):
        answer = await busy.client("POST", path, {"currency": "EUR", "amount": amount})
        assert answer.status == status, answer.json()
    assert answer.detail["code"] == "insufficient_funds"
    result = await busy.client("POST", f"/ccxt/{busy.account_id}/fetch_balance", {})
    assert result.json()["result"]["EUR"]["total"] == 3.5
    assert (await busy.client("POST", path, {"currency": "EUR"})).status == 422
    answer = await busy.client("POST", "/paper/x/deposit", {"currency": "EUR", "amount": 1})
    assert answer.status == 404


async def test_paths_and_headers(gateway: InProcessGateway) -> None:
    for method, path, status, code in (
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/oms/commands", 405, "method_not_allowed"),
        ("GET", "/oms/commands/999", 404, "command_not_found"),
        ("GET", "/oms/commands/x", 404, "command_not_found"),
    ):
        answer = await gateway.client(method, path)
        assert (answer.status, answer.detail["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/json"
    mine = await gateway.client("GET", "/livez/", headers={"X-Request-Id": "a.b-c_1"})
    assert mine.headers["x-request-id"] == "a.b-c_1"
    made = await gateway.client("GET", "/livez", headers={"X-Request-Id": "no spaces"})
    assert made.headers["x-request-id"] != "no spaces"
    assert mine.headers["x-oms-version"]


async def test_bug_returns_internal_error(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(ids: object) -> object:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(gateway.store.history, "orders_by_id", broken)
    answer = await gateway.client("GET", "/oms/orders/1")
    assert (answer.status, answer.detail["code"]) == (500, "internal_error")
    assert b"secret" not in answer.body
