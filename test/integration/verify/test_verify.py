"""A healthy ledger has no finding, idle or while trading."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway, open_gateway, start_trading
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings

CHECKS_AT_WORK = 8


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway with a running worker and a BTC price of 50000."""
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3") as gateway:
        await start_trading(gateway)
        yield gateway


async def test_healthy_ledger_has_no_finding(damaged: Any) -> None:
    answer = await damaged.answer()
    assert answer["ok"] is True, answer
    rows = {row["account_id"]: row for row in answer["accounts"]}
    for mode, account_id in damaged.accounts.items():
        head = damaged.one("SELECT head_seq FROM account_streams WHERE account_id = ?", account_id)
        assert rows[account_id] == {
            "account_id": account_id,
            "events": head[0],
            "invariants": "ok",
            "hash_chain": "ok",
            "findings": [],
        }, mode


async def test_order_refused_for_an_unknown_strategy_is_no_finding(busy: InProcessGateway) -> None:
    refused = await busy.order("?wait_ms=5000", strategy_id=987_654)
    assert (refused.status, refused.detail["code"]) == (422, "invalid_strategy_id")
    (result,) = refused.detail["results"]
    (order,) = (await busy.client.get(f"/oms/orders/{result['order_id']}"))["items"]
    assert (order["status"], order["strategy_id"]) == ("REJECTED", 987_654)
    answer = await build_verify_report(busy.store, Settings())
    assert answer["ok"] is True, answer


async def test_fixture_ledger_contains_all_kinds_of_rows(damaged: Any) -> None:
    """Else the test above says little."""
    states = {row[0] for row in damaged.connection.execute("SELECT state FROM oms_orders")}
    assert {"FILLED", "SUBMITTED"} <= states
    for account_id in damaged.accounts.values():
        for state in ("open", "closed"):
            damaged.one(
                "SELECT id FROM oms_positions WHERE account_id = ? AND state = ?", account_id, state
            )
    damaged.one("SELECT id FROM oms_deals WHERE leg = 1")
    damaged.one("SELECT id FROM oms_deals WHERE fee_currency = 'SOL'")
    damaged.one("SELECT id FROM oms_deals WHERE strategy_id = 2")


async def test_running_gateway_has_no_finding(working: Any) -> None:
    async def verified_events() -> int:
        answer = await working()
        assert answer["ok"] is True, answer
        return sum(row["events"] for row in answer["accounts"])

    first = last = await poll_until(verified_events, bool)
    for _ in range(CHECKS_AT_WORK):
        last = await verified_events()
    assert last > first, "nothing was traded during the checks"


async def test_verification_of_one_account_from_a_number(damaged: Any) -> None:
    account_id = damaged.accounts["hedge"]
    (head,) = damaged.one("SELECT head_seq FROM account_streams WHERE account_id = ?", account_id)
    answer = await damaged.answer(account_id=account_id, from_seq=head - 9)
    (row,) = answer["accounts"]
    assert (answer["ok"], row["account_id"], row["events"]) == (True, account_id, 10)


async def test_expired_events_are_no_finding(damaged: Any) -> None:
    account_id = damaged.accounts["netting"]
    damaged.do("DELETE FROM event_outbox WHERE account_id = ? AND seq_to < 100", account_id)
    found = await damaged.found(account_id=account_id)
    assert {invariant for invariant, _, _ in found} == {"event_numbers"}, "the account is young"
    damaged.do("UPDATE accounts SET created_at = '2020-01-01T00:00:00.000000Z'")
    assert await damaged.found(account_id=account_id) == set()
