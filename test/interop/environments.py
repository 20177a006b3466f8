"""What the runs with programs of others share: their environments and their accounts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.polling import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENTS = REPOSITORY / "var" / "interop"


class Finding(Exception):
    """A difference or failure; the message is printed."""


def require(is_true: bool, expectation: str) -> None:
    """Raises ``Finding`` unless ``is_true``."""
    if not is_true:
        raise Finding(f"expected: {expectation}")


def create_environment(requirements: Path, exchanges: Iterable[str]) -> Path:
    """Returns the Python of an environment with the driver in place of ccxt's exchanges.

    It has the name of the folder of ``requirements``, and is created again if these changed.
    """
    folder, text = ENVIRONMENTS / requirements.parent.name, requirements.read_text(encoding="utf-8")
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != text:
        print(f"installing {folder.name} (a few minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        _pip(python, "--requirement", str(requirements))
        stamp.write_text(text, encoding="utf-8")
    # Without dependencies: the program requires what the driver needs.
    _pip(python, "--no-deps", "--force-reinstall", str(REPOSITORY / "ccxt_driver"))
    patch = ("-m", "ccxt_driver.autopatch", "install", "--mode", "aggressive")
    names = ",".join(sorted(set(exchanges)))
    subprocess.run([python, *patch, "--override", names], check=True, cwd=folder)
    return python


def create_account(gateway: Gateway, label: str, exchange: str) -> int:
    """Creates a paper account that the trader's key may use; returns its id.

    On spot fees are paid in quote currency: a buy with a fee in base currency would leave less than
    one step in the position after the sale.
    """
    (trader,) = fetch_rows(gateway.dsn, "SELECT id FROM users WHERE name = 'trader'")
    extra = {"oms": {"paper": {"fee_currency": "quote", "balances": {"USDT": "10000"}}}}
    kind = (f"--exchange-id=paper.{exchange}", "--position-mode=netting", f"--label={label}")
    created = gateway.oms(
        "add-account", f"--user-id={trader[0]}", *kind, f"--extra-config={json.dumps(extra)}"
    )
    account_id = int(created["account_id"])
    wait_until(lambda: _is_granted(gateway, account_id), 20, "the key may use the account")
    return account_id


def driver_environment(gateway: Gateway, account_id: int) -> Mapping[str, str]:
    """Returns the environment variables of a program that trades on the account."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    return inherited | {
        "CCXT_OMS_BASE_URL": gateway.base_url,
        "CCXT_OMS_ACCOUNT_ID": str(account_id),
        "CCXT_OMS_API_KEY": gateway.api_key,
    }


def read_history(gateway: Gateway, path: str, account_id: int) -> list[dict[str, Any]]:
    """Returns the rows of a history of the account, of yesterday and today."""
    today = datetime.now(UTC).date()
    window = f"start_date={today - timedelta(days=1)}&end_date={today}&page=1&page_size=100"
    rows: list[dict[str, Any]] = get(gateway, f"/oms/{path}?account_ids={account_id}&{window}")[
        "items"
    ]
    return rows


def _is_granted(gateway: Gateway, account_id: int) -> bool:
    status, body, _ = call(gateway, "POST", f"/ccxt/{account_id}/fetch_balance", {})
    return status == 200 and bool(body["ok"])


def _pip(python: Path, *arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    done = subprocess.run(
        [python, "-m", "pip", "install", *quiet, *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Finding(f"pip install {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
