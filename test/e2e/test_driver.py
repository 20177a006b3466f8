"""The ccxt driver against a real gateway: trading, reading back, refusals."""

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from kit.gateway.processes import Gateway

SYMBOL = "BTC/USDT"
LINEAR = "BTC/USDT:USDT"
DRIVER = Path(__file__).parents[2] / "ccxt_driver"
PROGRAM_WITHOUT_CCXT = """
import asyncio, importlib.util, sys
from ccxt_driver import OmsCcxtAsyncExchange, OmsCcxtExchange, errors

key, account_id, url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
exchange = OmsCcxtExchange(api_key=key, account_id=account_id, base_url=url)
print(exchange.create_order("BTC/USDT", "market", "buy", 0.01)["status"])
try:
    exchange.create_order("NOPE/USDT", "market", "buy", 1)
except errors.InvalidOrder as error:
    print(error.code)

async def watch():
    async with OmsCcxtAsyncExchange(api_key=key, account_id=account_id, base_url=url) as watcher:
        watched = asyncio.create_task(watcher.watch_my_trades("BTC/USDT"))
        while not watched.done():
            await watcher.create_order("BTC/USDT", "market", "sell", 0.001)
        return await watched

print(asyncio.run(watch())[0]["symbol"])
print(*(name for name in ("ccxt", "oms", "websockets") if importlib.util.find_spec(name)))
"""
PROGRAM_FOR_METATRADER = """
import importlib.util, sys
import MetaTrader5 as mt5

key, account_id, url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
assert mt5.initialize(login=account_id, password=key, server=url), mt5.last_error()
for side in (mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL):
    deal = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "BTC/USDT:USDT", "volume": 0.01}
    print(mt5.order_send(deal | {"type": side}).retcode)
names = ("ccxt", "oms", "websockets", "MetaTrader5")
print(*(name for name in names if importlib.util.find_spec(name)))
"""


def _exchange(gateway: Gateway, account_id: int) -> Iterator[OmsCcxtExchange]:
    made = OmsCcxtExchange(
        api_key=gateway.api_key, account_id=account_id, base_url=gateway.base_url
    )
    yield made
    made.close()


@pytest.fixture
def exchange(gateway: Gateway) -> Iterator[OmsCcxtExchange]:
    yield from _exchange(gateway, gateway.account_id)


@pytest.fixture
def netting(gateway: Gateway) -> Iterator[OmsCcxtExchange]:
    yield from _exchange(gateway, gateway.netting_account_id)


def test_a_market_order_is_filled_and_makes_a_deal_and_a_position(
    exchange: OmsCcxtExchange,
) -> None:
    order = exchange.create_order(SYMBOL, "market", "buy", 0.01)
    assert (order["status"], order["amount"], order["filled"]) == ("closed", 0.01, 0.01)
    assert order["average"] > 0
    assert order["clientOrderId"] == order["info"]["results"][0]["client_order_id"]
    assert {trade["order"] for trade in order["trades"]} == {order["id"]}

    read = exchange.fetch_order(order["id"])
    same = ("id", "clientOrderId", "status", "filled", "average", "timestamp", "fee")
    assert {key: read[key] for key in same} == {key: order[key] for key in same}
    assert order["id"] in [one["id"] for one in exchange.fetch_closed_orders(SYMBOL)]
    trades = [one for one in exchange.fetch_my_trades(SYMBOL) if one["order"] == order["id"]]
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)
    position_id = str(trades[0]["info"]["position_id"])
    (position,) = [one for one in exchange.fetch_positions([SYMBOL]) if one["id"] == position_id]
    assert (position["side"], position["contracts"] > 0) == ("buy", True)

    closed = exchange.close_position(SYMBOL, None, {"position_id": position_id})
    assert (closed["status"], closed["side"]) == ("closed", "sell")
    assert position_id not in [one["id"] for one in exchange.fetch_positions()]
    past = exchange.fetch_positions(None, {"history": True, "sort": "desc"})
    assert position_id in [one["id"] for one in past]


def test_a_resting_order_is_edited_and_canceled(netting: OmsCcxtExchange) -> None:
    order = netting.create_limit_buy_order(LINEAR, 0.01, 20000)
    assert (order["status"], order["price"]) == ("open", 20000)
    edited = netting.edit_order(order["id"], LINEAR, "limit", "buy", 0.02, 21000)
    edited_fields = (edited["id"], edited["amount"], edited["price"])
    assert edited_fields == (order["id"], 0.02, 21000)
    assert order["id"] in [one["id"] for one in netting.fetch_open_orders(LINEAR)]
    canceled = netting.cancel_order(order["id"], LINEAR)
    assert (canceled["id"], canceled["status"]) == (order["id"], "canceled")
    assert order["id"] not in [one["id"] for one in netting.fetch_open_orders()]
    assert order["id"] in [one["id"] for one in netting.fetch_canceled_orders(LINEAR)]
    with pytest.raises(ccxt.InvalidOrder) as caught:
        netting.cancel_order(order["id"])
    assert caught.value.code == "invalid_order_state"  # type: ignore[attr-defined]
    assert caught.value.order_id == order["id"]  # type: ignore[attr-defined]


def test_several_orders_in_one_request(netting: OmsCcxtExchange) -> None:
    order = {"symbol": LINEAR, "type": "limit", "side": "buy", "amount": 0.01, "price": 20000}
    first, refused, second = netting.create_orders([order, {**order, "amount": 0.0001}, order])
    statuses = [order["status"] for order in (first, refused, second)]
    assert statuses == ["open", "rejected", "open"]
    canceled = netting.cancel_orders([second["id"], first["id"]])
    assert [order["id"] for order in canceled] == [second["id"], first["id"]]
    assert {order["status"] for order in canceled} == {"canceled"}


def test_market_data_of_the_exchange(exchange: OmsCcxtExchange) -> None:
    assert exchange.fetch_ticker(SYMBOL)["last"] > 0
    book = exchange.fetchOrderBook(SYMBOL, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    assert SYMBOL in exchange.load_markets()
    assert exchange.describe()["has"]["createOrder"] is True


def test_numbers_as_text(exchange: OmsCcxtExchange) -> None:
    exchange.number = str
    order = exchange.create_market_buy_order(SYMBOL, "0.01")
    assert (order["amount"], order["remaining"]) == ("0.01", "0")
    exchange.close_position(params={"position_id": order["trades"][0]["info"]["position_id"]})


def test_refusals_are_exceptions_of_ccxt(gateway: Gateway, exchange: OmsCcxtExchange) -> None:
    with pytest.raises(ccxt.InvalidOrder) as caught:
        exchange.create_market_buy_order("NOPE/USDT", 1)
    assert caught.value.code == "instrument_not_supported"  # type: ignore[attr-defined]
    assert isinstance(caught.value, RuntimeError)
    with pytest.raises(ccxt.InsufficientFunds) as caught:
        exchange.create_limit_buy_order(SYMBOL, 900, 20000)
    assert caught.value.outcome == "rejected"  # type: ignore[attr-defined]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(2**50)
    assert exchange.fetch_order(2**50) is None
    with pytest.raises(ccxt.PermissionDenied):
        exchange.withdraw("BTC", 1, "somewhere")
    foreign = OmsCcxtExchange(
        api_key="oms_this_key_is_not_known_here", account_id=1, base_url=gateway.base_url
    )
    with pytest.raises(ccxt.AuthenticationError):
        foreign.create_market_buy_order(SYMBOL, 0.01)
    with pytest.raises(ccxt.AuthenticationError):
        foreign.fetch_open_orders()
    foreign.close()


def test_the_driver_is_a_wheel_that_needs_websockets_only(gateway: Gateway, tmp_path: Path) -> None:
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path))
    _pip(*build, str(DRIVER))
    python = _environment_with(tmp_path / "environment", "websockets")
    # Without an index pip fails if the wheel requires anything that is not in the environment.
    wheels = ("--no-index", "--find-links", str(tmp_path), "oms-ccxt-driver")
    _pip("--python", str(python), "install", *wheels)
    arguments = [gateway.api_key, str(gateway.netting_account_id), gateway.base_url]
    printed = _run(str(python), "-I", "-c", PROGRAM_WITHOUT_CCXT, *arguments).split()
    assert printed == ["closed", "instrument_not_supported", "BTC/USDT", "websockets"]


def test_the_driver_for_metatrader_is_a_wheel(gateway: Gateway, tmp_path: Path) -> None:
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path))
    _pip(*build, str(DRIVER), str(DRIVER.parent / "mt5_driver"))
    python = _environment_with(tmp_path / "environment", "websockets", "numpy")
    wheels = ("--no-index", "--find-links", str(tmp_path), "oms-mt5-driver")
    _pip("--python", str(python), "install", *wheels)
    isolated = (str(python), "-I")
    installed = _run(*isolated, "-m", "mt5_driver.autopatch", "install")
    assert "installed=True" in installed.split()
    arguments = [gateway.api_key, str(gateway.netting_account_id), gateway.base_url]
    printed = _run(*isolated, "-c", PROGRAM_FOR_METATRADER, *arguments).split()
    assert printed == ["10009", "10009", "websockets", "MetaTrader5"]
    removed = _run(*isolated, "-m", "mt5_driver.autopatch", "uninstall")
    assert "removed=True" in removed.split() and "installed=False" in removed.split()


def _environment_with(folder: Path, *packages: str) -> Path:
    """Returns the Python of a new environment that holds installed packages, copied."""
    venv.create(folder, with_pip=False)
    (site_packages,) = folder.glob("lib/*/site-packages")
    for package in packages:
        _copy_package(distribution(package), site_packages)
    return folder / "bin" / "python"


def _copy_package(installed: Distribution, site_packages: Path) -> None:
    for file in installed.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site_packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(str(installed.locate_file(file))).read_bytes())


def _pip(*arguments: str) -> None:
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
