"""The first start: schema, an admin, a trader, two paper accounts, and what to paste.

Keys are told here and in ``first-run.json`` (mode 0600) and nowhere else. A later start finds
that file and everything it names again.
"""

import argparse
import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.cli.registry_admin import FULL_GRANT, RegistryAdmin
from oms.config import Settings
from oms.services.access.authenticate import hash_key

SYMBOL = "BTC/USDT"
POSITION_MODES = ("hedge", "netting")
FIRST_RUN_FILE = "first-run.json"


async def first_run(settings: Settings) -> dict[str, Any]:
    """What ``first-run.json`` holds, after setting up whatever is missing."""
    await bootstrap.migrate(settings)
    bootstrap.ensure_master_key(settings)
    path = settings.home / FIRST_RUN_FILE
    base_url = f"http://{_reachable(settings.host)}:{settings.port}"
    async with bootstrap.open_store(settings) as store:
        registry_admin = RegistryAdmin(registry=store.registry, people=store.user_admin)
        told = _read(path)
        if told is None or not await _is_there(registry_admin, told):
            told = await _set_up(registry_admin)
    told = {"base_url": base_url} | {k: v for k, v in told.items() if k != "base_url"}
    _write(path, told)
    return told


def quick_start_text(told: dict[str, Any]) -> str:
    """The text of the first minutes."""
    url, key, account_id, symbol = (
        told[name] for name in ("base_url", "api_key", "account_id", "symbol")
    )
    order = {"symbol": symbol, "side": "buy", "order_type": "market", "qty": "0.01"}
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    auth = {"id": 1, "action": "auth", "payload": {"api_key": key}}
    subscribe = {"id": 2, "action": "subscribe", "payload": {"account_ids": [account_id]}}
    python = shlex.quote(_python())
    return f"""
oms-gateway: {url}
accounts: hedge {told["accounts"]["hedge"]}, netting {told["accounts"]["netting"]}\
 (paper, moving prices); the keys stand in {FIRST_RUN_FILE}

A first order with its deal, then its position:

curl -s -w '\\n' '{url}/oms/commands?wait_ms=10000' \\
  -H 'x-api-key: {key}' -H 'content-type: application/json' \\
  -d '{json.dumps(body)}' \\
  --next -s -w '\\n' '{url}/oms/positions/open?account_ids={account_id}' -H 'x-api-key: {key}'

The same from Python, in ccxt's words:

{python} - <<'END'
from ccxt_driver import OmsCcxtExchange
oms = OmsCcxtExchange(api_key="{key}", account_id={account_id}, base_url="{url}")
print(oms.create_order("{symbol}", "market", "buy", 0.01))
END

Listen over WebSocket: start this, then paste the two lines below it:

{python} -m websockets {url.replace("http", "ws", 1)}/ws
{json.dumps(auth)}
{json.dumps(subscribe)}

Ctrl-C ends the gateway; the next start finds everything again.
"""


async def _set_up(registry_admin: RegistryAdmin) -> dict[str, Any]:
    admin, _ = await registry_admin.user("admin", "admin")
    trader, _ = await registry_admin.user("trader", "trader")
    accounts = {mode: await _account(registry_admin, mode, trader.id) for mode in POSITION_MODES}
    _, admin_key = await registry_admin.key(admin.id, None, "first run")
    _, key = await registry_admin.key(trader.id, None, "first run")
    return {
        "account_id": accounts["hedge"],
        "accounts": accounts,
        "api_key": key,
        "admin_api_key": admin_key,
        "symbol": SYMBOL,
    }


async def _account(registry_admin: RegistryAdmin, mode: str, trader_id: int) -> int:
    """The paper account of that mode, made if need be, granted to the trader."""
    label = f"paper-{mode}"
    for row in await registry_admin.registry.accounts():
        if row.account.label == label:
            return row.account.id
    wish = argparse.Namespace(
        exchange_id="paper.binance", label=label, position_mode=mode, testnet=False
    )
    return await registry_admin.account(wish, trader_id, FULL_GRANT)


async def _is_there(registry_admin: RegistryAdmin, told: dict[str, Any]) -> bool:
    """Whether the database is the one the file tells of: both keys count, on these accounts."""
    now = datetime.now(UTC)
    trader = await registry_admin.registry.principal(hash_key(told["api_key"]), now)
    admin = await registry_admin.registry.principal(hash_key(told["admin_api_key"]), now)
    if trader is None or admin is None:
        return False
    return all(trader.grant(account_id) for account_id in told["accounts"].values())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    needed = {"account_id", "accounts", "api_key", "admin_api_key", "symbol"}
    return told if isinstance(told, dict) and needed <= told.keys() else None


def _write(path: Path, told: dict[str, Any]) -> None:
    """Replace the file in one step, readable by its owner alone."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2)
        file.write("\n")
    draft.replace(path)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host


def _python() -> str:
    """The interpreter that runs this, short where the shell stands beside it."""
    path, here = Path(sys.executable), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
