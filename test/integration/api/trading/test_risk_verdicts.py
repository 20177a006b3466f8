"""Orders keep what the limits said about them."""

from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import BTC, KEY, open_limited, post_command, send, set_limits


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


async def _stored(gateway: InProcessGateway, order_id: int) -> Any:
    return (await gateway.client.get(f"/oms/orders/{order_id}", key=KEY))["items"][0]


async def test_orders_of_an_account_without_limits_have_no_verdict(
    limited: InProcessGateway,
) -> None:
    order = (await send(limited))["order"]
    assert (order["risk_status"], order["risk_code"], order["risk_detail"]) == (None, None, None)
    stored = await limited.store.ledger.order(limited.account_id, order["id"])
    assert stored is not None and stored.risk is None


async def test_an_order_that_passes_shows_what_was_measured(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500", max_open_positions=2)
    order = (await send(limited, qty="2"))["order"]
    stored = await _stored(limited, order["id"])
    for row in (order, stored):
        assert (row["risk_status"], row["risk_code"]) == ("passed", None)
        assert row["risk_detail"]["price"] == "100"
        checks = [
            (check["key"], check["scope"], check["limit"], check["value"], check["passed"])
            for check in row["risk_detail"]["limits"]
        ]
        assert checks == [
            ("max_open_positions", "account", "2", "1", True),
            ("max_order_notional", "account", "500", "200", True),
        ]


async def test_refused_cut_and_exempt_orders_show_why(limited: InProcessGateway) -> None:
    assert (await send(limited, qty="2"))["ok"]
    await set_limits(limited, max_order_notional="100", allowed_symbols=[BTC])
    blocked = await _stored(limited, (await send(limited, qty="3"))["order_id"])
    assert (blocked["risk_status"], blocked["risk_code"]) == ("blocked", "max_order_notional")
    assert blocked["reject_code"] == "risk_blocked"
    assert blocked["risk_detail"]["limits"] == [
        {
            "key": "allowed_symbols",
            "scope": "account",
            "scope_id": limited.account_id,
            "limit": [BTC],
            "value": None,
            "passed": True,
        },
        {
            "key": "max_order_notional",
            "scope": "account",
            "scope_id": limited.account_id,
            "limit": "100",
            "value": "300",
            "passed": False,
        },
    ]
    exempt = (await send(limited, side="sell", qty="1", reduce_only=True))["order"]
    assert (exempt["risk_status"], exempt["risk_detail"]["limits"]) == ("exempt", [])
    trimmed = (await send(limited, side="sell", qty="5"))["order"]
    assert (trimmed["risk_status"], trimmed["risk_code"], trimmed["qty"]) == (
        "trimmed",
        "max_order_notional",
        "1",
    )


async def test_a_close_is_exempt_and_a_switch_blocks_without_limits(
    limited: InProcessGateway,
) -> None:
    position_id = (await send(limited))["order"]["position_id"]
    await set_limits(limited, max_order_notional="5000")
    closing = await post_command(limited, "close_position", position_id=position_id)
    assert closing["order"]["risk_status"] == "exempt"
    await set_limits(limited, max_order_notional=None, allow_new_positions=False)
    refused = await _stored(limited, (await send(limited))["order_id"])
    assert (refused["risk_status"], refused["risk_code"]) == ("blocked", "new_positions_disabled")


async def test_events_list_the_limits_of_orders_that_did_not_pass(
    limited: InProcessGateway,
) -> None:
    await set_limits(limited, max_order_notional="500", max_open_positions=2)
    passed = (await send(limited, qty="2"))["order"]
    blocked = await _stored(limited, (await send(limited, qty="9"))["order_id"])
    page = await limited.client.get(f"/oms/events?account_ids={limited.account_id}", key=KEY)
    verdicts = {
        event["payload"]["id"]: event["payload"]["risk_detail"]
        for event in page["items"]
        if event["event"] == "order_updated"
    }
    assert len(passed["risk_detail"]["limits"]) == 2
    assert verdicts[passed["id"]] == {"price": "100", "limits": []}
    assert [check["passed"] for check in blocked["risk_detail"]["limits"]] == [True, False]
    assert verdicts[blocked["id"]] == blocked["risk_detail"]
