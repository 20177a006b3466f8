"""Each action of ``order_send``, the history and the account, on SQLite and on MariaDB."""

import time
from collections.abc import Iterator

import pytest

import mt5_driver as mt5
from kit.databases.created import created_database
from kit.gateway.metatrader import COIN, MetaTraderGateway, run_metatrader_gateway

from .retcode_cases import DEAL, LEVELS, PENDING, SELL

DONE = mt5.TRADE_RETCODE_DONE


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MetaTraderGateway]:
    """The gateway that all tests of the driver share, and one on MariaDB."""
    if request.param == "sqlite":
        yield request.getfixturevalue("running")
        return
    for dsn in created_database(request, tmp_path_factory.mktemp("mt5")):
        with run_metatrader_gateway(dsn) as opened:
            yield opened


def connect(gateway: MetaTraderGateway, account: str, patch: pytest.MonkeyPatch) -> float:
    """Connects the driver to a flat account; returns the time."""
    gateway.set_price(account, "50000")
    gateway.flatten(account)
    for name, value in gateway.environment(account).items():
        patch.setenv(name, value)
    assert mt5.initialize(), mt5.last_error()
    return time.time() - 0.001


@pytest.mark.parametrize("mode", ["netting", "hedge"])
def test_each_action_and_what_the_history_has_of_it(
    gateway: MetaTraderGateway, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = connect(gateway, mode, monkeypatch)
    before = mt5.account_info()
    bought = mt5.order_send(DEAL | {"sl": 40000.0, "magic": 4711, "comment": "entry"})
    assert (bought.retcode, bought.volume, bought.price) == (DONE, 0.02, 50000.0)
    levels = LEVELS | {"position": bought.order, "sl": 41000.0, "tp": 60000.0}
    assert mt5.order_send(levels).retcode == DONE
    (position,) = mt5.positions_get(symbol="BTCUSD")
    assert (position.ticket, position.magic, position.comment) == (bought.order, 4711, "entry")
    assert (position.volume, position.sl, position.tp) == (0.02, 41000.0, 60000.0)

    rested = mt5.order_send(PENDING | {"magic": 4711})
    moved = {"action": mt5.TRADE_ACTION_MODIFY, "order": rested.order, "price": 40500.0}
    assert (rested.retcode, mt5.order_send(moved).retcode) == (DONE, DONE)
    (order,) = mt5.orders_get(ticket=rested.order)
    assert (order.price_open, order.state) == (40500.0, mt5.ORDER_STATE_PLACED)
    removed = {"action": mt5.TRADE_ACTION_REMOVE, "order": rested.order}
    assert (mt5.order_send(removed).retcode, mt5.orders_total()) == (DONE, 0)

    gateway.set_price(mode, "50500")
    assert mt5.account_info().profit == pytest.approx(10)
    sold = mt5.order_send(DEAL | SELL | {"position": bought.order})
    assert (sold.retcode, mt5.positions_total()) == (DONE, 0)
    until = time.time()
    deals = mt5.history_deals_get(since, until)
    assert [(each.order, each.entry, each.profit, each.position_id) for each in deals] == [
        (bought.order, mt5.DEAL_ENTRY_IN, 0.0, bought.order),
        (sold.order, mt5.DEAL_ENTRY_OUT, pytest.approx(10), bought.order),
    ]
    assert mt5.history_deals_get(position=bought.order) == deals
    orders = mt5.history_orders_get(since, until)
    assert [(each.ticket, each.state, each.magic) for each in orders] == [
        (bought.order, mt5.ORDER_STATE_FILLED, 4711),
        (rested.order, mt5.ORDER_STATE_CANCELED, 4711),
        (sold.order, mt5.ORDER_STATE_FILLED, 4711),
    ]
    assert mt5.history_orders_total(since, until) == len(orders)
    after, paid = mt5.account_info(), sum(each.commission for each in deals)
    assert after.balance == pytest.approx(before.balance + 10 + paid)
    assert (after.equity, after.margin, after.profit) == (after.balance, 0.0, 0.0)


def test_a_close_by_of_opposite_positions(
    gateway: MetaTraderGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = connect(gateway, "virtual", monkeypatch)
    gateway.set_price("virtual", "50000", COIN)
    long = mt5.order_send(DEAL | {"symbol": COIN})
    short = mt5.order_send(DEAL | SELL | {"symbol": COIN, "volume": 0.01})
    pair = {"position": long.order, "position_by": short.order}
    closed = mt5.order_send({"action": mt5.TRADE_ACTION_CLOSE_BY, **pair})
    assert closed.retcode == DONE, closed
    assert [(each.ticket, each.volume) for each in mt5.positions_get()] == [(long.order, 0.01)]
    deals = mt5.history_deals_get(since, time.time() + 1)
    closes = [each for each in deals if each.entry == mt5.DEAL_ENTRY_OUT_BY]
    assert [(each.order, each.position_id) for each in closes] == [
        (closed.order, long.order),
        (closed.order, short.order),
    ]
    (order,) = mt5.history_orders_get(position=short.order)[-1:]
    assert (order.position_id, order.position_by_id) == (long.order, short.order)
