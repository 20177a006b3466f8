"""Exports: every row of a filter, in pages, as CSV or JSON; refusals have their status."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.http.wire_keys import DEAL, MARKED_POSITION, ORDER
from oms.wire import parameters as p

COMMENT = "=HYPERLINK(1)"


async def export(gateway: InProcessGateway, target: str) -> Any:
    answer = await gateway.client("GET", target)
    assert answer.status == 200, answer.body
    return answer


@pytest.fixture
async def traded(busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> InProcessGateway:
    """Five deals of one position, and pages of two rows."""
    monkeypatch.setattr(p, "PAGE_ROWS_MAX", 2)
    for _ in range(5):
        answer = await busy.order("?wait_ms=5000", comment=COMMENT)
        assert answer.status == 200, answer.body
    return busy


async def test_csv_has_all_rows_of_the_filter_and_all_columns(traded: InProcessGateway) -> None:
    accounts = f"account_ids={traded.account_id}"
    answer = await export(traded, f"/oms/export/orders?{accounts}&status=filled")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="orders.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [int(row["id"]) for row in rows] == sorted(int(row["id"]) for row in rows)
    assert len(rows) == 5 and set(rows[0]) == set(ORDER)
    assert {row["comment"] for row in rows} == {f"'{COMMENT}"}
    deals = (await export(traded, f"/oms/export/deals?{accounts}")).body.decode()
    assert len(deals.splitlines()) == 6
    assert set(deals.splitlines()[0].split(",")) == set(DEAL)
    none = await export(traded, f"/oms/export/orders?{accounts}&status=canceled")
    assert len(none.body.decode().splitlines()) == 1


async def test_json_has_the_rows_of_the_list(traded: InProcessGateway) -> None:
    accounts = f"account_ids={traded.account_id}"
    deals = await export(traded, f"/oms/export/deals?{accounts}&format=json")
    assert deals.headers["content-type"] == "application/json"
    listed = await traded.client.get(f"/oms/deals?{accounts}&cursor=&page_size=500")
    pages = [*listed["items"]]
    while listed["next_cursor"]:
        cursor = listed["next_cursor"]
        listed = await traded.client.get(f"/oms/deals?{accounts}&cursor={cursor}")
        pages += listed["items"]
    assert json.loads(deals.body) == pages and len(pages) == 5
    positions = await export(traded, f"/oms/export/positions?{accounts}&format=json")
    (position,) = json.loads(positions.body)
    assert set(position) == set(MARKED_POSITION) and position["mark_price"] == "50000"


async def test_what_may_not_be_read_is_refused_with_its_status(traded: InProcessGateway) -> None:
    for query, status in (("account_ids=99999", 404), ("", 422)):
        answer = await traded.client("GET", f"/oms/export/orders?{query}")
        assert answer.status == status
    accounts = f"account_ids={traded.account_id}"
    odd = await traded.client("GET", f"/oms/export/positions?{accounts}&format=xls")
    assert (odd.status, odd.detail["code"]) == (422, "validation_error")


async def test_few_exports_of_a_key_run_at_a_time(
    traded: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"/oms/export/deals?account_ids={traded.account_id}"
    queries, is_open, reading = traded.api_context.queries, asyncio.Event(), asyncio.Semaphore(0)
    read_deals = type(queries).deals

    async def wait_and_read(*arguments: Any) -> Any:
        reading.release()
        await is_open.wait()
        return await read_deals(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(type(queries), "deals", wait_and_read)
        running = [asyncio.create_task(export(traded, target)) for _ in range(2)]
        for _ in running:
            await reading.acquire()
        refused = await traded.client("GET", target)
        assert (refused.status, refused.detail["reason"]) == (429, "exports")
        is_open.set()
        await asyncio.gather(*running)
    for refused_account in (99999, 99998, 99997):
        missing = await traded.client("GET", f"/oms/export/deals?account_ids={refused_account}")
        assert missing.status == 404
    await export(traded, target)
