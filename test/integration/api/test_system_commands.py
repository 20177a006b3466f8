"""System commands: stored with the change that causes them, executed once, free of user checks."""

from kit.gateway.in_process import InProcessGateway, now
from kit.polling import poll_until
from oms.domain.commands.command import CancelAllOrders, CommandPayload
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState


def state_of(gateway: InProcessGateway) -> AccountState:
    return gateway.worker.processor.states[gateway.account_id]


async def add(gateway: InProcessGateway, name: str, payload: CommandPayload) -> int:
    """Add a system command as the account's worker does; returns its id."""
    processor, state = gateway.worker.processor, state_of(gateway)
    command_id = await add_follow_up(state, processor.record.ids, name, payload, now())
    processor.pipeline.add(state)
    state.on_update()
    return command_id


async def finished(gateway: InProcessGateway, command_id: int) -> dict[str, object]:
    async def read() -> dict[str, object]:
        # Not found before its commit.
        row: dict[str, object] = (await gateway.client("GET", f"/oms/commands/{command_id}")).json()
        return row

    return await poll_until(read, lambda row: row.get("status") == "done", seconds=5)


async def resting_order(gateway: InProcessGateway) -> int:
    """Return the id of a limit order far below the market."""
    response = await gateway.order("?wait_ms=5000", order_type="limit", price="20000")
    return int(response.json()["results"][0]["order_id"])


async def state_of_order(gateway: InProcessGateway, order_id: int) -> str:
    (order,) = (await gateway.client.get(f"/oms/orders/{order_id}"))["items"]
    return str(order["state"])


async def test_system_command_is_executed_once(busy: InProcessGateway) -> None:
    canceled = await resting_order(busy)
    command_id = await add(busy, "test:1", CancelAllOrders())
    row = await finished(busy, command_id)
    assert (row["request_id"], row["actor_user_id"], row["actor_api_key_id"]) == (
        *("oms:test:1", 0, 0),
    )
    assert await state_of_order(busy, canceled) == "CANCELED"
    # The same name again: the first one is kept, and nothing is executed.
    kept = await resting_order(busy)
    again = await add(busy, "test:1", CancelAllOrders())
    marker = await add(busy, "test:2", CancelAllOrders(symbol="ETH/USDT:USDT"))
    await finished(busy, marker)
    assert (await busy.client("GET", f"/oms/commands/{again}")).status == 404
    assert await state_of_order(busy, kept) == "SUBMITTED"
    stored = await busy.store.queue.find([command_id])
    assert stored[command_id].attempts == 1


async def test_system_command_is_lost_with_the_change_that_caused_it(
    busy: InProcessGateway,
) -> None:
    """What a crash takes from the unit of work leaves no command behind."""
    processor, state = busy.worker.processor, state_of(busy)
    command_id = await add_follow_up(
        state, processor.record.ids, "test:1", CancelAllOrders(), now()
    )
    processor.pipeline.add(state)
    await processor.evict_all()
    assert (await busy.order("?wait_ms=5000")).status == 200
    assert await busy.store.queue.find([command_id]) == {}
