"""Orders at the loopback exchange by the real ccxt: placed, filled, changed, canceled."""

from decimal import Decimal

from kit.ccxt_desk import Desk
from kit.loopback import Loopback


async def test_a_limit_order_rests_is_changed_and_canceled(desk: Desk, venue: Loopback) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.until_state(7, "SUBMITTED")
    row = desk.rows[7, 1, "place"]
    assert row.client_id.startswith("0a1b2c3d0000000000000007")
    assert [each["client_id"] for each in venue.ctl("log", match="/order/create")["log"]] == [
        row.client_id
    ]

    await desk.change(7, "10001.5", "0.02")
    await desk.until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal("10001.5"), Decimal("0.02"))

    await desk.cancel(7)
    await desk.until_state(7, "CANCELED")
    assert [row.outcome for row in desk.rows.values()] == ["acked", "acked", "acked"]
    shown = venue.books()["orders"]
    assert [(each["state"], each["qty"]) for each in shown] == [("canceled", "0.02")]
