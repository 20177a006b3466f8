"""One look for an order, the same at every exchange: it tells facts, ends nothing, refuses others.

On one case a venue: how an order is looked for does not depend on how positions are held.
"""

from kit.exchanges.conformance_cases import LINEAR, parametrize_cases
from kit.exchanges.port_harness import PortHarness, now
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ReportKind

EVERYWHERE = parametrize_cases(LINEAR, PositionMode.NETTING)


async def looked(desk: PortHarness, number: int, name: str | None = None) -> str | None:
    """Look once; the code of a refusal."""
    found = await desk.exchange.find_order(desk.orders[number], name, now())
    desk.ingest(found.reports)
    await desk.poll()
    return None if found.refused is None else found.refused.code


@EVERYWHERE
async def test_looking_again_changes_nothing(desk: PortHarness) -> None:
    resting, filled = await desk.send("buy", "0.01", "50000"), await desk.send("buy", "0.02")
    await desk.wait_for_state(resting, "SUBMITTED")
    await desk.wait_for_state(filled, "FILLED")
    before = dict(desk.orders), len(desk.fills(filled))
    for number in (resting, filled):
        assert await looked(desk, number) is None
    assert (dict(desk.orders), len(desk.fills(filled))) == before


@EVERYWHERE
async def test_an_id_that_is_none_of_it_is_refused(desk: PortHarness) -> None:
    ours, other = await desk.send("buy", "0.01", "50000"), await desk.send("sell", "0.01", "90000")
    for number in (ours, other):
        await desk.wait_for_state(number, "SUBMITTED")
    before = dict(desk.orders)
    assert await looked(desk, ours, "999999999") == "order_not_found"
    assert await looked(desk, ours, desk.orders[other].exchange_order_id) in (
        *("conflict", "order_not_found"),
    )
    assert dict(desk.orders) == before


@EVERYWHERE
async def test_what_was_declared_not_placed_ends_by_that_word_alone(desk: PortHarness) -> None:
    number = await desk.send("buy", "0.01", "50000")
    await desk.wait_for_state(number, "SUBMITTED")
    desk.exchange.declare_not_placed(desk.orders[number], now())
    await desk.poll()
    assert desk.last_report(number, ReportKind.NOT_PLACED) is None
    assert desk.state(number) == "SUBMITTED"
