"""The investing algorithm framework trades through the gateway, and its orders are compared.

    make interop-investing

Creates an environment with the framework and the driver (in ``var/interop``), starts a gateway on a
free port, runs ``bot.py`` on a paper account of it, and compares the orders and positions that the
framework has stored with the gateway's. Not a test of ``make test``: it needs PyPI and two minutes.
"""

import json
import signal
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
# Run as a script: the folders of what it imports are no import roots yet.
for import_root in (FOLDER.parents[1], FOLDER.parent):
    sys.path.insert(0, str(import_root))

from environments import (  # noqa: E402
    Finding,
    create_account,
    create_environment,
    driver_environment,
    read_history,
    require,
)

from kit.gateway.processes import Gateway  # noqa: E402
from kit.http.client import call  # noqa: E402

EXCHANGE = "binance"
SECONDS_MAX = 300
ORDERS = 4


def main() -> int:
    """Runs the bot and the comparison; returns the exit status."""
    # On SIGTERM the started processes must be ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="omsbot") as name:
        folder = Path(name)
        try:
            python = create_environment(FOLDER / "requirements.txt", [EXCHANGE])
            gateway = Gateway(folder / "gateway")
            try:
                gateway.start()
                account_id = create_account(gateway, "bot", EXCHANGE)
                compare(gateway, account_id, run_bot(gateway, account_id, python, folder))
            finally:
                gateway.stop()
        except (Finding, subprocess.SubprocessError) as error:
            print(f"interop-investing: {error}", file=sys.stderr)
            return 1
    return 0


def run_bot(gateway: Gateway, account_id: int, python: Path, folder: Path) -> dict[str, Any]:
    """Returns the orders and positions that the framework has stored. Raises ``Finding``."""
    place = folder / "bot"
    place.mkdir()
    done = subprocess.run(
        [python, FOLDER / "bot.py"],
        env=driver_environment(gateway, account_id),
        cwd=place,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0 or "Traceback" in done.stderr:
        raise Finding(f"the bot failed:\n{done.stderr[-3000:]}")
    stored: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return stored


def compare(gateway: Gateway, account_id: int, stored: dict[str, Any]) -> None:
    """Compares orders, fills and holdings, and prints them. Raises ``Finding``."""
    rows = {row["id"]: row for row in read_history(gateway, "orders/history", account_id)}
    deals = read_history(gateway, "deals", account_id)
    require(len(rows) == len(stored["orders"]) == ORDERS, f"{ORDERS} orders: {stored}, {rows}")
    for theirs in sorted(stored["orders"], key=lambda order: int(order["id"])):
        ours = rows[int(theirs["id"])]
        require(
            (ours["symbol"], ours["side"], ours["order_type"], ours["status"])
            == (theirs["symbol"], theirs["side"].lower(), theirs["type"].lower(), "FILLED"),
            f"{theirs}: {ours}",
        )
        require(theirs["status"] == "CLOSED", f"closed: {theirs}")
        # Of a limit order ccxt reports the limit, of a market order the average price.
        price = ours["price"] or ours["avg_fill_price"]
        ours_exact = [Decimal(ours["qty"]), Decimal(ours["filled_qty"]), Decimal(price)]
        theirs_exact = [Decimal(str(theirs[name])) for name in ("amount", "filled", "price")]
        require(ours_exact == theirs_exact, f"{theirs}: {ours}")
        compare_executions(theirs, [row for row in deals if row["order_id"] == ours["id"]])
        print(
            f"  order {ours['id']} {ours['order_type']} {ours['side']} {ours['filled_qty']}"
            f" {ours['symbol']} at {ours['avg_fill_price']} {ours['status']}; framework: {theirs}"
        )
    status, body, _ = call(gateway, "POST", f"/ccxt/{account_id}/fetch_balance", {})
    require(status == 200, f"a balance: {body}")
    for symbol in ("BTC", "ETH"):
        held = body["result"].get(symbol, {}).get("total", 0)
        require(held == stored["positions"][symbol] == 0, f"no {symbol}: {stored}, {body}")
    opened = read_history(gateway, "positions/history", account_id)
    require(
        len(opened) == ORDERS // 2 and {row["state"] for row in opened} == {"closed"},
        f"closed positions: {opened}",
    )
    for row in opened:
        print(f"  position {row['id']} {row['symbol']} closed, profit {row['realized_pnl']}")


def compare_executions(theirs: dict[str, Any], deals: list[dict[str, Any]]) -> None:
    """Compares price, value and fee of an order with its deals. Raises ``Finding``."""
    qty = sum(Decimal(row["qty"]) for row in deals)
    value = sum(Decimal(row["qty"]) * Decimal(row["price"]) for row in deals)
    ours = {
        "average": value / qty,
        "cost": value,
        "fee": sum(Decimal(row["fee"]) for row in deals),
    }
    fee = theirs["fee"]
    read = {"average": theirs["average"], "cost": theirs["cost"], "fee": fee["cost"]}
    require(ours == {name: Decimal(str(each)) for name, each in read.items()}, f"{theirs}: {deals}")
    currencies = {row["fee_currency"] for row in deals}
    require(currencies == {fee["currency"]} and ours["fee"] > 0, f"fees: {theirs}, {deals}")


if __name__ == "__main__":
    sys.exit(main())
