"""A strategy through the driver on replayed prices: orders, deals, positions and money agree.

Always on a generated tape, and on recorded trades and books if OMS_TEST_DATA names them.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.generators.tapes import write_tapes
from kit.polling import wait_until

ROOT = Path(__file__).parents[3]
STRATEGY = ROOT / "examples" / "replay_strategy.py"
PAGE = ROOT / "docs" / "start.md"
SYMBOL = "BTC/USDT"
START = Decimal(100_000)
RECORDED = (
    "book10_500ms_binance_spot_BTCUSDT_2024-08-08.csv.gz",
    "trades_binance_spot_BTCUSDT_2024-08-08.csv.gz",
)


@pytest.fixture(scope="module")
def gateway(supervised_gateway: Gateway) -> Gateway:
    """A gateway whose processes are started again when they have ended."""
    return supervised_gateway


def oms(gateway: Gateway, *arguments: str) -> Any:
    """Return the JSON output of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "oms", *arguments],
        cwd=gateway.folder,
        env=gateway.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def a_replay_account(gateway: Gateway, mode: str, files: tuple[str, ...], **replay: Any) -> int:
    """Return a paper account that replays these files, ready for trading."""
    ((user,),) = fetch_rows(gateway.dsn, "SELECT id FROM users WHERE name = 'trader'")
    paper = {
        "source": "replay",
        "replay": {"file": files, **replay},
        "fee_currency": "quote",
        "commission": {"maker": "0.00001", "taker": "0.00002"},
    }
    flags = {
        "user-id": str(user),
        "exchange-id": "paper.binance",
        "label": f"replay-{mode}",
        "position-mode": mode,
        "extra-config": json.dumps({"oms": {"paper": paper}}),
    }
    answer = oms(gateway, "add-account", *(f"--{name}={text}" for name, text in flags.items()))
    account_id: int = answer["account_id"]
    with driver(gateway, account_id) as exchange:
        wait_until(lambda: _may_read(exchange), 10, "the key can read the new account")
    return account_id


def _may_read(exchange: OmsCcxtExchange) -> bool:
    try:
        exchange.fetch_balance()
    except ccxt.PermissionDenied:
        return False
    return True


@contextmanager
def driver(gateway: Gateway, account_id: int) -> Iterator[OmsCcxtExchange]:
    exchange = OmsCcxtExchange(
        api_key=gateway.api_key, account_id=account_id, base_url=gateway.base_url
    )
    exchange.number = str
    yield exchange
    exchange.close()


def traded(gateway: Gateway, account_id: int, reads: int) -> str:
    """Return what the strategy prints."""
    done = subprocess.run(
        [sys.executable, STRATEGY],
        cwd=gateway.folder,
        env=gateway.environment | {"OMS_ACCOUNT_ID": str(account_id), "LOOKS": str(reads)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + gateway.log_tail()
    return done.stdout


def check_books(exchange: OmsCcxtExchange) -> int:
    """Check that orders, deals, positions and balances agree exactly; the number of deals."""
    orders = exchange.fetch_closed_orders(SYMBOL, limit=1000)
    deals = exchange.fetch_my_trades(SYMBOL, limit=1000)
    closed = exchange.fetch_positions(None, {"history": True, "page_size": 1000})
    assert exchange.fetch_positions() == []
    assert exchange.fetch_open_orders() == []
    for order in orders:
        own = [deal for deal in deals if deal["order"] == order["id"]]
        assert sum(Decimal(deal["amount"]) for deal in own) == Decimal(order["filled"])
        cost = sum(Decimal(deal["amount"]) * Decimal(deal["price"]) for deal in own)
        average = cost / Decimal(order["filled"])
        assert abs(average - Decimal(order["average"])) < Decimal("1e-9")
    flow = fees = Decimal(0)
    for deal in deals:
        sign = 1 if deal["side"] == "sell" else -1
        flow += sign * Decimal(deal["amount"]) * Decimal(deal["price"])
        assert deal["fee"]["currency"] == "USDT"
        fees += Decimal(deal["fee"]["cost"])
    profit = sum(Decimal(deal["info"]["pnl"]) for deal in deals)
    realized = sum(Decimal(position["info"]["realized_pnl"]) for position in closed)
    balance = exchange.fetch_balance()
    # No position is open, so profit is the cash flow of deals, positions and wallet.
    assert abs(profit - flow) < Decimal("1e-9")
    assert abs(realized - (flow - fees)) < Decimal("1e-9")
    assert abs(_number(balance["USDT"]["total"]) - START - (flow - fees)) < Decimal("1e-8")
    assert _number(balance.get("BTC", {}).get("total", 0)) == 0
    return len(deals)


def _number(value: object) -> Decimal:
    """Return a number of a market read, which is a JSON number."""
    return Decimal(str(value))


@pytest.fixture(scope="module")
def tapes(gateway: Gateway) -> tuple[str, ...]:
    trades, books = write_tapes(gateway.data_folder / "tapes")
    return books, trades


def test_the_page_shows_what_the_strategy_does(gateway: Gateway, tapes: tuple[str, ...]) -> None:
    shown = re.search(r"^```\n(\d+ orders, .*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    said = []
    for mode in ("netting", "hedge"):
        account_id = a_replay_account(gateway, mode, tapes, speed="max")
        said.append(traded(gateway, account_id, 590))
        with driver(gateway, account_id) as exchange:
            assert check_books(exchange) > 20
    # With one position at a time both modes are equal; without a speed each read gets one price.
    assert said == [shown[1], shown[1]]
    assert oms(gateway, "verify")["ok"] is True


@pytest.mark.parametrize("mode", ["netting", "hedge"])
def test_at_high_speed(gateway: Gateway, tapes: tuple[str, ...], mode: str) -> None:
    account_id = a_replay_account(gateway, mode, tapes, speed=100, loop=True)
    traded(gateway, account_id, 700)
    with driver(gateway, account_id) as exchange:
        assert check_books(exchange) > 0


@pytest.mark.recorded
@pytest.mark.parametrize("mode", ["netting", "hedge"])
@pytest.mark.parametrize("speed", ["max", 100])
def test_on_recorded_prices(gateway: Gateway, recorded_data: Path, mode: str, speed: Any) -> None:
    folder = gateway.data_folder / "tapes"
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDED:
        shutil.copy(recorded_data / "market" / name, folder / name)
    account_id = a_replay_account(gateway, mode, RECORDED, speed=speed, loop=True)
    traded(gateway, account_id, 690)
    with driver(gateway, account_id) as exchange:
        # With a speed, a slow machine reads seldom and meets fewer prices.
        assert check_books(exchange) > (10 if speed == "max" else 3)


def test_a_tape_goes_on_through_a_crash_and_fills_what_rests(
    gateway: Gateway, tapes: tuple[str, ...]
) -> None:
    account_id = a_replay_account(gateway, "netting", tapes, speed=10, loop=True)
    with driver(gateway, account_id) as exchange:
        price = _number(exchange.fetch_ticker(SYMBOL)["bid"]) - 5
        order = exchange.create_limit_buy_order(SYMBOL, "0.01", str(price))
        gateway.kill("worker")
        closed = wait_until(
            lambda: _closed(exchange, order["id"]), 60, "the tape has reached the order"
        )
        assert (closed["status"], closed["filled"]) == ("closed", "0.01")
        (deal,) = [one for one in exchange.fetch_my_trades(SYMBOL) if one["order"] == order["id"]]
        assert (Decimal(deal["price"]), deal["takerOrMaker"]) == (price, "maker")
        exchange.close_position(SYMBOL, params={"position_id": deal["info"]["position_id"]})
        assert check_books(exchange) == 2


def _closed(exchange: OmsCcxtExchange, order_id: str) -> dict[str, Any] | None:
    try:
        order: dict[str, Any] | None = exchange.fetch_order(order_id)
    except ccxt.NetworkError:  # The gateway is restarting.
        return None
    return order if order is not None and order["status"] == "closed" else None


def test_a_missing_tape_is_reported(gateway: Gateway) -> None:
    account_id = a_replay_account(gateway, "netting", ("../oms.sqlite3",))
    with driver(gateway, account_id) as exchange:
        with pytest.raises(ccxt.BaseError, match="leads out of the folder"):
            exchange.fetch_ticker(SYMBOL)
        with pytest.raises(ccxt.BaseError) as caught:
            exchange.create_market_buy_order(SYMBOL, "0.01")
        assert caught.value.code == "no_price"  # type: ignore[attr-defined]
