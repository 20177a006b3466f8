"""Stop levels as orders at the exchange: equal to levels and size, and watched once they fail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

import pytest

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.errors import Unavailable
from oms.domain.protection.native_orders import is_native
from oms.ports.ledger_store import AccountBatch, LedgerStore
from oms.services.protection.native_orders import REPLACE_AFTER

MARKET = {"order_type": "market", "price": None}


async def _position(setup: ExchangeSetup, position_id: int) -> dict[str, Any]:
    found = await setup.client.get(f"/oms/positions/{position_id}")
    row: dict[str, Any] = found["items"][0]
    return row


async def _wait_for_position(setup: ExchangeSetup, position_id: int, **fields: str) -> None:
    await poll_until(
        lambda: _position(setup, position_id),
        lambda row: {name: row[name] for name in fields} == fields,
        seconds=20,
    )


async def _opened(setup: ExchangeSetup, **fields: Any) -> int:
    """Opens a position; returns its id."""
    sent = await setup.send(**MARKET, **fields)
    order = await setup.wait_for_order(sent["order_id"], "FILLED")
    position_id: int = order["position_id"]
    return position_id


async def _resting(setup: ExchangeSetup) -> list[tuple[str, str, str]]:
    """Type, trigger and quantity of the open orders with a trigger."""
    found = await setup.client.get(f"/oms/orders/open?account_ids={setup.account_id}")
    rows = [row for row in found["items"] if row["trigger_price"] is not None]
    return sorted((row["order_type"], row["trigger_price"], row["remaining_qty"]) for row in rows)


async def _wait_for_resting(setup: ExchangeSetup, *expected: tuple[str, str, str]) -> None:
    await poll_until(lambda: _resting(setup), lambda rows: rows == sorted(expected), seconds=20)


async def _events(setup: ExchangeSetup, name: str) -> list[dict[str, Any]]:
    found = await setup.client.get(f"/oms/events?account_ids={setup.account_id}&since_seq=0")
    return [row for row in found["items"] if row["event"] == name]


async def _wait_for_events(setup: ExchangeSetup, name: str) -> list[dict[str, Any]]:
    return await poll_until(lambda: _events(setup, name), len, seconds=20)


async def _order_of(setup: ExchangeSetup, order_type: str) -> dict[str, Any]:
    found = await setup.client.get(f"/oms/orders/open?account_ids={setup.account_id}")
    (row,) = (row for row in found["items"] if row["order_type"] == order_type)
    order: dict[str, Any] = row
    return order


async def _cancel_at_exchange(setup: ExchangeSetup, order: dict[str, Any]) -> None:
    """Cancels the order as another program does."""
    state = setup.gateway.worker.processor.states[setup.account_id]
    connection: Any = state.exchange._components.connection  # type: ignore[attr-defined]
    exchange_order_id = order["exchange_order_id"]
    await connection.write("cancel_order", exchange_order_id, LINEAR, {"trigger": True})


def _pair(stop_loss: str, stop_gain: str, qty: str) -> tuple[tuple[str, str, str], ...]:
    return (("stop_market", stop_loss, qty), ("take_profit_market", stop_gain, qty))


async def _verify(setup: ExchangeSetup) -> None:
    report = await build_verify_report(setup.gateway.store, Settings())
    assert report["ok"], report


@pytest.fixture(params=["bybit", "binance"])
async def setup(
    request: pytest.FixtureRequest, exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> ExchangeSetup:
    """A netting account with the default settings, at a price of 60000."""
    exchange_setup.exchange_id = f"ccxt.{request.param}"
    name = "binance_tls" if request.param == "binance" else request.param
    venue.control("price", symbol=LINEAR, price="60000")
    return await exchange_setup.start_account(**venue.startup["extra_config"][name])


@pytest.fixture
async def at_bybit(exchange_setup: ExchangeSetup, venue: LoopbackExchange) -> ExchangeSetup:
    """A netting account at Bybit, at a price of 60000."""
    venue.control("price", symbol=LINEAR, price="60000")
    return await exchange_setup.start_account()


async def test_orders_at_the_exchange_follow_size_and_levels(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _opened(setup, stop_loss="59000", stop_gain="66000")
    await _wait_for_resting(setup, *_pair("59000", "66000", "0.01"))
    await _wait_for_position(setup, position_id, protection="native", state="open")

    await _opened(setup)
    await _wait_for_resting(setup, *_pair("59000", "66000", "0.02"))
    await setup.send("close_position", position_id=position_id, qty="0.005")
    await _wait_for_resting(setup, *_pair("59000", "66000", "0.015"))
    await setup.send("position_change", position_id=position_id, oms_stop_loss="58000")
    await _wait_for_resting(setup, *_pair("58000", "66000", "0.015"))
    await _wait_for_position(setup, position_id, protection="native", stop_loss="58000")

    venue.control("price", symbol=LINEAR, price="57900")
    await _wait_for_position(setup, position_id, state="closed", close_reason="sl")
    await _wait_for_resting(setup)
    assert await _events(setup, "stop_triggered") == [], "the exchange closed it"
    assert await _events(setup, "protection_degraded") == []
    await _verify(setup)


async def test_sizes_follow_each_partial_fill(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    entry = await setup.send(price="59500", qty="0.03", stop_loss="58000")
    await setup.wait_for_order(entry["order_id"], "SUBMITTED")
    (order_id,) = (row["order_id"] for row in venue.books()["orders"] if row["state"] == "new")
    for filled in ("0.01", "0.02", "0.03"):
        venue.control("fill", order_id=order_id, qty="0.01")
        await _wait_for_resting(setup, ("stop_market", "58000", filled))
    filled_order = await setup.order(entry["order_id"])
    await _wait_for_position(setup, filled_order["position_id"], protection="native")
    path = f"/oms/orders/history?account_ids={setup.account_id}"
    found = await setup.client.get(f"{path}&start_date=2020-01-01&end_date=2100-01-01")
    stops = [row for row in found["items"] if row["order_type"] == "stop_market"]
    placed = sorted(datetime.fromisoformat(row["created_at"]) for row in stops)
    pauses = [after - before for before, after in pairwise(placed)]
    assert len(pauses) == 2 and min(pauses) >= REPLACE_AFTER
    await _verify(setup)


async def test_a_refused_order_leaves_the_level_to_the_gateway(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _opened(setup)
    venue.control("fault", mode="reject", match="rder")
    await setup.send("position_change", position_id=position_id, oms_stop_loss="59000")
    (event,) = await _wait_for_events(setup, "protection_degraded")
    assert event["payload"]["position_id"] == position_id
    assert (event["payload"]["kind"], event["payload"]["level"]) == ("sl", "59000")
    assert event["payload"]["order_id"] and event["payload"]["message"]
    await _wait_for_position(setup, position_id, protection="emulated")
    venue.control("price", symbol=LINEAR, price="58900")
    await _wait_for_position(setup, position_id, state="closed", close_reason="sl")
    assert len(await _events(setup, "stop_triggered")) == 1
    await _verify(setup)


async def test_an_order_that_a_person_cancels_leaves_the_level_to_the_gateway(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _opened(setup, stop_loss="59000", stop_gain="66000")
    await _wait_for_position(setup, position_id, protection="native")
    stop = await _order_of(setup, "stop_market")
    await setup.send("cancel_order", order_id=stop["id"])
    (event,) = await _wait_for_events(setup, "protection_degraded")
    assert (event["payload"]["order_id"], event["payload"]["code"]) == (
        stop["id"],
        "order_not_open",
    )
    await _wait_for_position(setup, position_id, protection="emulated")
    await _wait_for_resting(setup, ("take_profit_market", "66000", "0.01"))

    # Other levels are tried at the exchange again.
    await setup.send("position_change", position_id=position_id, oms_stop_loss="59500")
    await _wait_for_resting(setup, *_pair("59500", "66000", "0.01"))
    await _wait_for_position(setup, position_id, protection="native")

    # Canceled at the exchange, by another program.
    stop = await _order_of(setup, "stop_market")
    await _cancel_at_exchange(setup, stop)
    await _wait_for_position(setup, position_id, protection="emulated")
    venue.control("price", symbol=LINEAR, price="59400")
    await _wait_for_position(setup, position_id, state="closed", close_reason="sl")
    await _wait_for_resting(setup)
    await _verify(setup)


async def test_a_price_that_passes_the_level_before_the_order_rests(
    at_bybit: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _opened(at_bybit)
    venue.control("fault", mode="slow_before", match="order/create", seconds=1)
    await at_bybit.send("position_change", position_id=position_id, oms_stop_loss="59000")
    venue.control("price", symbol=LINEAR, price="58900")
    await _wait_for_position(at_bybit, position_id, state="closed", close_reason="sl")
    await _wait_for_resting(at_bybit)
    await _verify(at_bybit)


async def test_what_the_exchange_cannot_watch_stays_with_the_gateway(
    at_bybit: ExchangeSetup,
) -> None:
    position_id = await _opened(at_bybit, stop_loss="59000", stop_trailing_pct="5")
    await _wait_for_position(at_bybit, position_id, protection="emulated")
    await at_bybit.send("position_change", position_id=position_id, stop_trailing_pct=None)
    await _wait_for_position(at_bybit, position_id, protection="native")
    await _wait_for_resting(at_bybit, ("stop_market", "59000", "0.01"))
    await at_bybit.send("position_change", position_id=position_id, max_hold_seconds=3600)
    await _wait_for_position(at_bybit, position_id, protection="emulated")
    await _wait_for_resting(at_bybit)


@dataclass
class _FailingCommits:
    """A ledger whose process is killed at commits: once before and once after each of a kind."""

    ledger: Any
    killed: dict[str, int] = field(default_factory=dict)

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        kinds = {kind for batch in batches for kind in _kinds_of(batch)}
        kind = next((each for each in sorted(kinds) if self.killed.get(each, 0) < 2), None)
        if kind is None:
            lost: frozenset[int] = await self.ledger.commit(batches)
            return lost
        self.killed[kind] = self.killed.get(kind, 0) + 1
        if self.killed[kind] == 2:
            await self.ledger.commit(batches)
        raise Unavailable("the process was killed")


def _kinds_of(batch: AccountBatch) -> Iterator[str]:
    if batch.follow_ups:
        yield "request"
    if any(is_native(order) for order in batch.orders_new):
        yield "order"
    if any(is_native(order) and order.is_open for order in batch.orders_changed):
        yield "answer"
    if any(deal.reason in ("sl", "tp") for deal in batch.deals):
        yield "fill"


async def test_kills_at_every_step_lose_and_double_nothing(
    at_bybit: ExchangeSetup, venue: LoopbackExchange
) -> None:
    pipeline = at_bybit.gateway.worker.processor.pipeline
    failing = _FailingCommits(pipeline.commit.ledger)
    pipeline.commit = replace(pipeline.commit, ledger=cast("LedgerStore", failing))
    loss, gain = "61000", "54000"
    position_id = await _opened(at_bybit, side="sell", stop_loss=loss, stop_gain=gain)
    await _wait_for_resting(at_bybit, *_pair(loss, gain, "0.01"))
    await _wait_for_position(at_bybit, position_id, protection="native")
    triggers = [each for each in venue.books()["orders"] if each["trigger"] is not None]
    assert sorted(each["trigger"] for each in triggers) == sorted((loss, gain))
    venue.control("price", symbol=LINEAR, price="53900")
    await _wait_for_position(at_bybit, position_id, state="closed", close_reason="tp")
    await _wait_for_resting(at_bybit)
    assert failing.killed == dict.fromkeys(("request", "order", "answer", "fill"), 2)
    assert [each["qty"] for each in venue.books()["positions"] if each["qty"] != "0"] == []
    await _verify(at_bybit)


async def test_an_answer_that_is_lost_is_looked_up_and_not_sent_again(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _opened(setup)
    venue.control("fault", mode="accept_then_close", match="rder")
    await setup.send("position_change", position_id=position_id, oms_stop_loss="59000")
    await _wait_for_resting(setup, ("stop_market", "59000", "0.01"))
    await _wait_for_position(setup, position_id, protection="native")
    triggers = [each for each in venue.books()["orders"] if each["trigger"] is not None]
    assert len(triggers) == 1
    await _verify(setup)
