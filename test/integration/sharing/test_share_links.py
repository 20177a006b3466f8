"""Share links: readers without an account see figures, and neither ids nor amounts."""

import json
from datetime import timedelta
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from oms.wire.json import time_text

SYMBOL = "BTC/USDT:USDT"
ROUTE = "/user/share-links"
OTHER = "oms_another-trader-for-tests"


async def _trade(gateway: InProcessGateway) -> None:
    """One position closed with a profit of 10 less fees, and one open, 10 % above its price."""
    gateway.start_worker()
    for price, side in (("100", "buy"), ("110", "sell"), ("100", "buy")):
        await gateway.set_price(SYMBOL, price)
        answer = await gateway.order("?wait_ms=8000", side=side, qty="1")
        assert answer.status == 200, answer.body
    await gateway.set_price(SYMBOL, "110")


async def _create(gateway: InProcessGateway, key: str | None = None, **fields: Any) -> AsgiResponse:
    body = {"view": "stats", "account_ids": [gateway.account_id], "title": "Our year"} | fields
    return await gateway.client("POST", ROUTE, body, key=key)


async def _open(gateway: InProcessGateway, token: str) -> AsgiResponse:
    return await gateway.client("GET", f"/share/{token}", key="")


async def _token(gateway: InProcessGateway, **fields: Any) -> str:
    made = await _create(gateway, **fields)
    assert made.status == 200, made.body
    token: str = made.json()["token"]
    return token


async def test_statistics_are_shown_without_amounts_unless_the_link_has_them(
    gateway: InProcessGateway,
) -> None:
    await _trade(gateway)
    opened = await _open(gateway, await _token(gateway))
    shared = opened.json()
    assert (opened.status, shared["title"], shared["view"]) == (200, "Our year", "stats")
    stats = shared["stats"]
    assert (stats["closed_positions"], stats["open_positions"], stats["winrate"]) == (1, 1, "100")
    assert [stats[name] for name in ("total_pnl", "fees_total", "max_drawdown")] == [None] * 3
    assert (shared["equity"], shared["positions"], shared["shows_amounts"]) == (None, None, False)
    text = json.dumps(shared)
    assert "account" not in text and "paper" not in text and "trader" not in text
    whole = (await _open(gateway, await _token(gateway, show_amounts=True))).json()["stats"]
    own = await gateway.client.get(f"/stats?account_ids={gateway.account_id}")
    assert whole == {name: own[name] for name in whole}
    assert whole["total_pnl"] is not None


async def test_positions_and_equity_are_shown_in_percent(
    gateway: InProcessGateway, dsn: str
) -> None:
    await _trade(gateway)
    shared = (await _open(gateway, await _token(gateway, view="positions"))).json()
    (position,) = shared["positions"]
    assert (position["symbol"], position["side"]) == (SYMBOL, "buy")
    assert (position["avg_price"], position["mark_price"]) == ("100", "110")
    assert (position["change_pct"], position["qty"], position["unrealized_pnl"]) == (
        *("10", None),
        None,
    )
    shared = (
        await _open(gateway, await _token(gateway, view="positions", show_amounts=True))
    ).json()
    assert [shared["positions"][0][name] for name in ("qty", "unrealized_pnl")] == ["1", "10"]
    first = now() - timedelta(hours=3)
    columns = "account_id, ts, currency, cash, equity, unrealized, realized, fees, flows"
    for hours, equity, flows in ((0, 1000, 0), (1, 1200, 100), (2, 990, 100)):
        at = (first + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S.%f")
        figures = f"'{equity}', '{equity}', '0', '0', '0', '{flows}'"
        values = f"{gateway.account_id}, '{at}', 'USDT', {figures}"
        execute(dsn, f"INSERT INTO equity_snapshots ({columns}) VALUES ({values})")
    until = time_text(now() - timedelta(minutes=30))
    shared = (await _open(gateway, await _token(gateway, view="equity"))).json()
    (curve,) = shared["equity"]
    points = [point for point in curve["points"] if point["ts"] < until]
    assert [point["change_pct"] for point in points] == ["0", "10", "-9.25"]
    assert [point["drawdown_pct"] for point in points] == ["0", "0", "17.5"]
    assert {point["equity"] for point in points} == {None}


async def test_links_end_by_revocation_expiry_key_and_rights(
    gateway: InProcessGateway, dsn: str
) -> None:
    tokens = {name: await _token(gateway, title=name) for name in ("revoked", "expired", "kept")}
    for token in tokens.values():
        assert (await _open(gateway, token)).status == 200
    rows = (await gateway.client.get(ROUTE))["items"]
    ids = {row["title"]: row["share_link_id"] for row in rows}
    assert [row["title"] for row in rows] == ["kept", "expired", "revoked"]
    assert not any(token in json.dumps(rows) for token in tokens.values())
    revoke = f"{ROUTE}/{ids['revoked']}"
    assert (await gateway.client("DELETE", revoke)).status == 200
    assert (await gateway.client("DELETE", revoke)).status == 409
    past = "'2026-01-01 00:00:00.000000'"
    execute(dsn, f"UPDATE share_links SET expires_at = {past} WHERE id = {ids['expired']}")
    ended = [await _open(gateway, tokens[name]) for name in ("revoked", "expired")]
    unknown = await _open(gateway, "a" * 43)
    assert {(each.status, each.detail["message"]) for each in (*ended, unknown)} == {
        (404, "there is no such link, or it has ended")
    }
    rows = (await gateway.client.get(ROUTE))["items"]
    assert [row["status"] for row in rows] == ["active", "expired", "revoked"]
    actions = [row[0] for row in fetch_rows(dsn, "SELECT action FROM audit_log ORDER BY id")]
    assert (actions.count("create_share_link"), actions.count("revoke_share_link")) == (3, 1)
    figures = gateway.api_context.share_links.figures
    assert (await _open(gateway, tokens["kept"])).status == 200
    figures.monotonic = lambda: float("inf")  # What is kept has become old.
    execute(dsn, "UPDATE api_key_account_permissions SET status = 'disabled'")
    assert (await _open(gateway, tokens["kept"])).status == 404
    execute(dsn, "UPDATE api_key_account_permissions SET status = 'active'")
    assert (await _open(gateway, tokens["kept"])).status == 200
    execute(dsn, "UPDATE user_api_keys SET status = 'disabled'")
    assert (await _open(gateway, tokens["kept"])).status == 404


async def test_links_of_others_are_neither_listed_nor_revoked(gateway: InProcessGateway) -> None:
    await gateway.add_key("other", OTHER, grants={await gateway.add_account(): TRADER})
    made = (await _create(gateway)).json()["share_link"]
    path = f"{ROUTE}/{made['share_link_id']}"
    assert (await gateway.client.get(ROUTE, key=OTHER))["items"] == []
    assert (await gateway.client("DELETE", path, key=OTHER)).status == 404
    assert (await _create(gateway, key=OTHER)).status in (403, 404)
    (row,) = (await gateway.client.get(ROUTE, key=ADMIN_KEY))["items"]
    assert (row["created_by"], row["status"]) == ("trader", "active")
    assert (await gateway.client("DELETE", path, key=ADMIN_KEY)).status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"view": "orders"}, "view"),
        ({"account_ids": []}, "account_ids"),
        ({"title": ""}, "title"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_bad_links_are_refused(
    gateway: InProcessGateway, fields: dict[str, Any], words: str
) -> None:
    answer = await _create(gateway, **fields)
    assert answer.status == 422 and words in answer.body.decode()
