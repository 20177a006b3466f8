"""The ledger transaction: atomic, numbered, and only with a valid lease."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from kit.databases.store_rows import (
    NOON,
    a_command,
    a_deal,
    a_fill,
    a_lease,
    a_position,
    an_account,
    an_event,
    an_order,
    enqueue,
    seconds_after,
)
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import CcxtCall, CommandResult, CommandStatus
from oms.domain.errors import LeaseLost, OmsError
from oms.domain.ledger.position import PositionState
from oms.domain.orders.execution_report import EditState
from oms.domain.orders.order import OrderState, Side
from oms.ports.exchange import AttemptRow, ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch
from oms.wire.commands.command_codec import encode_payload

Opener = Callable[[], Awaitable[SqlStore]]


def an_empty_batch(lease: Lease, head: int = 0) -> AccountBatch:
    return AccountBatch(lease=lease, head_before=head, head_after=head)


async def test_fill_is_written_completely(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])

    lost = await store.ledger.commit([a_fill(lease, 1, 1)])

    assert lost == frozenset()
    assert await store.ledger.order(account_id, 1) == an_order(1, account_id)
    assert await store.ledger.position(account_id, 1) == a_position(1, account_id)
    booked = await store.ledger.deals_of(account_id, "BTC/USDT", ["T1", "T2"])
    assert booked == {"T1": [a_deal(1, account_id)]}
    (stored,) = await store.history.events({account_id: 0}, 10)
    assert stored.row == an_event(1, account_id, 1)
    assert (await store.queue.find([1]))[1].status is CommandStatus.DONE
    assert await store.history.heads([account_id]) == {account_id: 1}


async def test_order_is_found_by_all_exchange_ids_it_had(store: SqlStore) -> None:
    """An exchange that replaces orders assigns new ids; our order stays the same."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    replaced = AttemptRow(
        order_id=1,
        attempt=2,
        kind="change",
        client_id="a name",
        request="{}",
        may_send_until=NOON,
        exchange_order_id="X1b",
        created_at=NOON,
    )
    memory = ExchangeStateRows(attempts=[replaced])
    await store.ledger.commit([replace(a_fill(lease, 1, 1), exchange_state=memory)])

    names = ["X1", "X1b", "X2"]
    found = await store.ledger.orders_by_exchange_id(account_id, "BTC/USDT", names)
    assert {name: order.id for name, order in found.items()} == {"X1": 1, "X1b": 1}
    assert not await store.ledger.orders_by_exchange_id(account_id, "ETH/USDT", names)
    assert not await store.ledger.orders_by_exchange_id(account_id + 1, "BTC/USDT", names)


async def test_every_field_round_trips(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    order = an_order(
        1,
        account_id,
        side=Side.SELL,
        order_type="stop_limit",
        price=Decimal("1.5"),
        state=OrderState.EXPIRED,
        strategy_id=7,
        position_id=8,
        previous_position_id=9,
        reason="stop",
        comment="ünï 'quoted' \\ \" % %s ? \n",
        stop_loss=Decimal("0.5"),
        stop_gain=Decimal("2.5"),
        fees={"BTC": Decimal("0.1"), "USDT": Decimal("-0.2")},
        reduce_only=True,
        post_only=True,
        new_position=True,
        time_in_force="GTD",
        trigger_price=Decimal("1.4"),
        expires_at=seconds_after(10),
        params={"a": [1, "x", None], "b": {"c": True}},
        fingerprint="ab" * 32,
        reject_source="exchange",
        reject_code="no",
        reject_message="because",
        reconciled=False,
        edit_replace_state=EditState.CREATE_PENDING,
        edit_replace_at=seconds_after(3),
        version=5,
        triggered_at=seconds_after(1),
        updated_at=seconds_after(2),
    )
    position = a_position(
        1,
        account_id,
        side=Side.SELL,
        qty=Decimal("-0.3"),
        cost=Fraction(-(10**60), 3**40),
        exit_value=Fraction(1, 7),
        close_price=Decimal("3.3"),
        stop_loss=Decimal("9"),
        stop_gain=Decimal("1"),
        state=PositionState.CLOSE_REQUESTED,
        comment="%",
        previous_position_id=4,
        qty_closed=Decimal("0.1"),
        profit=Decimal("-1.000000000000000001"),
        realized_pnl=Decimal("2"),
        funding=Decimal("-0.5"),
        close_reason="api",
        merged_into=6,
        external=True,
        closed_at=seconds_after(3),
    )

    batch = replace(an_empty_batch(lease), orders_new=(order,), positions_new=(position,))
    assert not await store.ledger.commit([batch])

    assert await store.ledger.order(account_id, 1) == order
    assert await store.ledger.position(account_id, 1) == position
    assert await store.ledger.order(account_id + 1, 1) is None
    assert await store.ledger.position(account_id + 1, 1) is None


async def test_changed_rows_are_updated(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    resting = an_order(
        1, account_id, state=OrderState.SUBMITTED, pending_change="cancel", price=Decimal(3)
    )
    first = replace(
        an_empty_batch(lease), orders_new=(resting,), positions_new=(a_position(1, account_id),)
    )
    assert not await store.ledger.commit([first])
    canceled = replace(
        resting, state=OrderState.CANCELED, pending_change=None, price=None, version=2
    )
    closed = replace(
        a_position(1, account_id),
        qty=Decimal(0),
        cost=Fraction(0),
        state=PositionState.CLOSED,
        closed_at=seconds_after(5),
        version=2,
    )

    second = replace(an_empty_batch(lease), orders_changed=(canceled,), positions_changed=(closed,))
    assert not await store.ledger.commit([second])

    assert await store.ledger.order(account_id, 1) == canceled
    assert await store.ledger.position(account_id, 1) == closed
    account = await store.ledger.load(lease)
    assert (list(account.orders), list(account.positions)) == ([], [])


async def test_orders_by_client_order_id_within_their_account(store: SqlStore) -> None:
    account_id, other = await an_account(store), await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])

    found = await store.ledger.orders_by_client_id(
        [(account_id, "C1"), (account_id, "c1"), (other, "C1"), (account_id, "C2")]
    )

    assert found == {(account_id, "C1"): an_order(1, account_id)}


async def test_commit_without_a_lease_writes_nothing(store: SqlStore) -> None:
    account_id = await an_account(store)
    stale = await a_lease(store, account_id, "w1", seconds=0.001)
    await enqueue(store, [a_command(1, account_id)])
    fresh = await _take_over(store, account_id)

    lost = await store.ledger.commit([a_fill(stale, 1, 1)])

    assert lost == {account_id}
    assert await store.ledger.order(account_id, 1) is None
    assert list(await store.history.events({account_id: 0}, 10)) == []
    assert (await store.queue.find([1]))[1].status is CommandStatus.QUEUED
    with pytest.raises(LeaseLost):
        await store.ledger.load(stale)
    assert not await store.ledger.commit([a_fill(fresh, 1, 1)])


async def test_former_owner_repeating_a_commit_is_reported_as_lost(
    store: SqlStore,
) -> None:
    account_id = await an_account(store)
    stale = await a_lease(store, account_id, "w1", seconds=0.001)
    await enqueue(store, [a_command(1, account_id)])
    fresh = await _take_over(store, account_id)
    assert not await store.ledger.commit([a_fill(fresh, 1, 1)])

    assert await store.ledger.commit([a_fill(stale, 1, 1)]) == {account_id}

    assert (await store.queue.find([1]))[1].attempts == 1


async def test_lost_account_is_left_out_and_the_rest_is_written(store: SqlStore) -> None:
    ids = [await an_account(store) for _ in range(4)]
    leases = [await a_lease(store, account_id) for account_id in ids]
    await enqueue(store, [a_command(n, account_id) for n, account_id in enumerate(ids, start=1)])
    wrong_token = replace(leases[1], token=leases[1].token + 1)
    wrong_head = replace(a_fill(leases[2], 3, 1), head_before=5, head_after=6)

    lost = await store.ledger.commit(
        [a_fill(leases[3], 4, 1), a_fill(wrong_token, 2, 1), wrong_head, a_fill(leases[0], 1, 1)]
    )

    assert lost == {ids[1], ids[2]}
    assert await store.history.heads(ids) == {ids[0]: 1, ids[1]: 0, ids[2]: 0, ids[3]: 1}
    statuses = {n: row.status.value for n, row in (await store.queue.find([1, 2, 3, 4])).items()}
    assert statuses == {1: "done", 2: "queued", 3: "queued", 4: "done"}


async def test_batch_without_events_is_fenced(store: SqlStore) -> None:
    account_id = await an_account(store)
    stale = await a_lease(store, account_id, "w1", seconds=0.001)
    fresh = await _take_over(store, account_id)
    order = an_order(1, account_id)

    assert await store.ledger.commit([replace(an_empty_batch(stale), orders_new=(order,))]) == {
        account_id
    }
    assert await store.ledger.order(account_id, 1) is None
    # The same numbers written again match, though nothing changes by it.
    for _ in range(2):
        assert not await store.ledger.commit([an_empty_batch(fresh)])


async def test_all_accounts_lost_writes_nothing(store: SqlStore) -> None:
    stray = Lease(account_id=123, token=1)

    assert await store.ledger.commit([a_fill(stray, 1, 1)]) == {123}
    assert await store.ledger.commit([]) == frozenset()


async def test_duplicate_deal_is_refused_and_nothing_is_written(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id), a_command(2, account_id)])
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])
    twice = replace(a_fill(lease, 2, 2), deals=(a_deal(2, account_id, exchange_trade_id="T1"),))

    with pytest.raises(OmsError) as refused:
        await store.ledger.commit([twice])

    assert (refused.value.code, refused.value.reason) == ("internal_error", "duplicate")
    assert await store.ledger.order(account_id, 2) is None
    assert await store.history.heads([account_id]) == {account_id: 1}


async def test_result_of_a_missing_command_rolls_back(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    done = CommandResult(status=CommandStatus.DONE)

    with pytest.raises(AssertionError, match="oms_commands"):
        await store.ledger.commit([replace(a_fill(lease, 1, 1), results={1: done, 99: done})])

    assert (await store.queue.find([1, 99])).keys() == {1}
    assert (await store.queue.find([1]))[1].status is CommandStatus.QUEUED
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])


async def test_results_of_many_kinds_in_one_batch(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(number, account_id) for number in range(1, 4)])
    results = {
        1: CommandResult(status=CommandStatus.DONE, order_ids=(5, 6), skipped=((7, "too_late"),)),
        2: CommandResult(status=CommandStatus.DONE, value='{"last":1}'),
        3: CommandResult(status=CommandStatus.UNKNOWN, order_id=3, client_order_id="C3"),
    }

    assert not await store.ledger.commit([replace(an_empty_batch(lease), results=results)])

    found = await store.queue.find([1, 2, 3])
    assert found[1].result == '{"order_ids":[5,6],"skipped":[[7,"too_late"]]}'
    assert found[2].result == '{"value":"{\\"last\\":1}"}'
    assert (found[3].status.value, found[3].order_id) == ("unknown", 3)


async def test_expired_events_and_finished_read_calls_are_deleted(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    calls = [replace(a_command(number, account_id), command_type="ccxt_call") for number in (1, 2)]
    await enqueue(store, [*calls, a_command(3, account_id)])
    done = CommandResult(status=CommandStatus.DONE)
    batch = replace(
        an_empty_batch(lease),
        head_after=3,
        events=tuple(an_event(n, account_id, n) for n in (1, 2, 3)),
        results={1: done, 3: done},
    )
    assert not await store.ledger.commit([batch])
    future = seconds_after(20 * 365 * 86400)

    assert await store.ledger.trim(NOON, 10) == 0
    assert await store.ledger.trim(future, 2) == 3
    assert await store.history.oldest([account_id]) == {account_id: 3}
    assert sorted(await store.queue.find([1, 2, 3])) == [2, 3]
    assert await store.ledger.trim(future, 2) == 1
    assert await store.history.oldest([account_id]) == {}


async def test_trading_calls_stay_and_read_calls_have_their_own_retention(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    payloads = (CcxtCall(func="fetch_ticker"), CcxtCall(func="create_order"))
    calls = [
        replace(
            a_command(number, account_id), command_type="ccxt_call", payload=encode_payload(payload)
        )
        for number, payload in enumerate(payloads, 1)
    ]
    await enqueue(store, calls)
    done = CommandResult(status=CommandStatus.DONE)
    assert not await store.ledger.commit(
        [replace(an_empty_batch(lease), results={1: done, 2: done})]
    )
    future = seconds_after(20 * 365 * 86400)

    assert await store.ledger.trim(NOON, 10, future) == 1
    assert sorted(await store.queue.find([1, 2])) == [2]
    assert await store.ledger.trim(future, 10, future) == 0


async def _take_over(store: SqlStore, account_id: int) -> Lease:
    while not (leases := await store.leases.acquire("w2", [account_id], 60)):
        pass
    return leases[0]


async def test_follow_ups_are_stored_with_the_transaction_that_causes_them(
    store: SqlStore,
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id, request_id="oms:stop:1:0")])
    taken = a_command(2, account_id, request_id="oms:stop:1:0", fingerprint="e" * 64)
    new = a_command(3, account_id, request_id="oms:stop:1:1")
    batch = replace(an_empty_batch(lease), follow_ups=[taken, new])

    assert await store.ledger.commit([batch]) == frozenset()

    queued = await store.queue.take([account_id], 10)
    assert [(row.id, row.fingerprint) for row in queued] == [(1, "f" * 64), (3, "f" * 64)]


async def test_no_follow_up_is_stored_without_the_lease(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    follow_up = a_command(1, account_id, request_id="oms:stop:1:0")
    stale = replace(lease, token=lease.token - 1)
    batch = replace(an_empty_batch(stale), follow_ups=[follow_up])

    assert await store.ledger.commit([batch]) == frozenset({account_id})

    assert await store.queue.find([1]) == {}
