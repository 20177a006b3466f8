"""Queries of an order at every exchange: they report facts and refuse ids of other orders.

One case per venue: a query does not depend on the position mode.
"""

from kit.exchanges.conformance_cases import LINEAR, parametrize_cases
from kit.exchanges.port_harness import PortHarness, now
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ReportKind

EACH_VENUE = parametrize_cases(LINEAR, PositionMode.NETTING)


async def query(harness: PortHarness, number: int, name: str | None = None) -> str | None:
    """Queries the order once; returns the code of a refusal."""
    result = await harness.exchange.find_order(harness.orders[number], name, now())
    harness.ingest(result.reports)
    await harness.poll()
    return None if result.refused is None else result.refused.code


@EACH_VENUE
async def test_a_repeated_query_changes_nothing(harness: PortHarness) -> None:
    resting, filled = await harness.send("buy", "0.01", "50000"), await harness.send("buy", "0.02")
    await harness.wait_for_state(resting, "SUBMITTED")
    await harness.wait_for_state(filled, "FILLED")
    before = dict(harness.orders), len(harness.fills(filled))
    for number in (resting, filled):
        assert await query(harness, number) is None
    assert (dict(harness.orders), len(harness.fills(filled))) == before


@EACH_VENUE
async def test_an_exchange_id_of_another_order_is_refused(harness: PortHarness) -> None:
    own, other = (
        await harness.send("buy", "0.01", "50000"),
        await harness.send("sell", "0.01", "90000"),
    )
    for number in (own, other):
        await harness.wait_for_state(number, "SUBMITTED")
    before = dict(harness.orders)
    assert await query(harness, own, "999999999") == "order_not_found"
    assert await query(harness, own, harness.orders[other].exchange_order_id) in (
        *("conflict", "order_not_found"),
    )
    assert dict(harness.orders) == before


@EACH_VENUE
async def test_a_declaration_as_not_placed_sends_no_report(harness: PortHarness) -> None:
    number = await harness.send("buy", "0.01", "50000")
    await harness.wait_for_state(number, "SUBMITTED")
    harness.exchange.declare_not_placed(harness.orders[number], now())
    await harness.poll()
    assert harness.last_report(number, ReportKind.NOT_PLACED) is None
    assert harness.state(number) == "SUBMITTED"
