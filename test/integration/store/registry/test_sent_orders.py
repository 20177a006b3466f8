"""Orders with the API keys that sent them, as they are read from the database."""

from datetime import timedelta
from decimal import Decimal

from kit.databases.store_rows import (
    ACTOR,
    NOON,
    a_command,
    a_fill,
    a_lease,
    an_account,
    an_order,
    enqueue,
)
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import CcxtCall
from oms.domain.value import evolve
from oms.ports.performance.sent_orders import CommandSender, SentCall, SentOrder, SentOrderQuery
from oms.wire.commands.command_codec import encode_payload


async def test_orders_are_read_with_their_senders(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    named = evolve(a_command(2, account), idempotency_key="k" * 64)
    await enqueue(store, [a_command(1, account), named])
    assert await store.sent_orders.senders([1, 2, 9]) == {
        1: CommandSender(api_key_id=ACTOR.api_key_id, has_idempotency_key=False),
        2: CommandSender(api_key_id=ACTOR.api_key_id, has_idempotency_key=True),
    }
    refused = an_order(2, account, reject_source="oms")
    sent = an_order(1, account, requested_qty=Decimal("0.50"), requested_price=Decimal(9))
    batch = evolve(a_fill(lease, 1, 1), orders_new=(sent, refused))
    assert not await store.ledger.commit([batch])
    query = SentOrderQuery(
        account_id=account,
        api_key_id=ACTOR.api_key_id,
        strategy_id=0,
        symbol="BTC/USDT",
        side="buy",
        order_type="market",
        since=NOON - timedelta(seconds=2),
    )
    expected = SentOrder(
        id=1, qty=Decimal("0.5"), price=Decimal(9), trigger_price=None, created_at=NOON
    )
    assert list(await store.sent_orders.orders(query)) == [expected]
    others = {
        "account_id": account + 1,
        "api_key_id": ACTOR.api_key_id + 1,
        "strategy_id": 4,
        "symbol": "ETH/USDT",
        "side": "sell",
        "order_type": "limit",
        "since": NOON,
    }
    for name, other in others.items():
        assert not await store.sent_orders.orders(evolve(query, **{name: other})), name


async def test_trading_calls_of_a_symbol_are_read(store: SqlStore) -> None:
    account = await an_account(store)
    legs = {"symbol": "BTC/USDT", "type": "market", "side": "buy", "amount": 1}
    payloads = {
        1: CcxtCall(func="create_order", kwargs=legs),
        2: CcxtCall(func="create_order", kwargs={**legs, "symbol": "ETH/USDT"}),
        3: CcxtCall(func="fetch_ticker", args=("BTC/USDT",)),
        4: CcxtCall(func="create_order", kwargs=legs),
    }
    rows = [
        evolve(
            a_command(number, account, payload=encode_payload(payload)), command_type="ccxt_call"
        )
        for number, payload in payloads.items()
    ]
    await enqueue(store, [*rows, a_command(5, account)])
    query = SentOrderQuery(
        account_id=account,
        api_key_id=ACTOR.api_key_id,
        strategy_id=0,
        symbol="BTC/USDT",
        side="buy",
        order_type="market",
        since=NOON - timedelta(seconds=2),
    )
    calls = await store.sent_orders.calls(query, 4)
    assert calls == [SentCall(id=1, payload=rows[0].payload, created_at=NOON)]
    assert [call.id for call in await store.sent_orders.calls(query, 5)] == [1, 4]
    for name, other in {"account_id": account + 1, "api_key_id": 999, "since": NOON}.items():
        assert not await store.sent_orders.calls(evolve(query, **{name: other}), 5), name
