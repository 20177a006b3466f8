"""The first start: schema, an admin, a trader, two paper accounts, and a quick start text.

The keys are printed and stored in ``first-run.json`` (mode 0600). Later starts reuse that file and
what it refers to.
"""

import argparse
import json
import shlex
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.adapters.private_files import replaced_file
from oms.cli.audit_context import cli_audit_context
from oms.cli.registry_accounts import FULL_GRANT, create_granted_account
from oms.config import FIRST_RUN_FILE, Settings
from oms.services.access.administer import Administer
from oms.services.access.authenticate import hash_key

SYMBOL = "BTC/USDT"
POSITION_MODES = ("hedge", "netting")


async def first_run(settings: Settings) -> dict[str, Any]:
    """Set up what is missing and return the content of ``first-run.json``."""
    await bootstrap.migrate(settings)
    bootstrap.ensure_master_key(settings)
    bootstrap.ensure_signal_key(settings)
    path = settings.home / FIRST_RUN_FILE
    async with bootstrap.open_store(settings) as store:
        administer = bootstrap.build_administer(settings, store)
        content = _read(path)
        if content is None or not await _is_complete(administer, content):
            content = await _set_up(administer)
    content = {"base_url": reachable_url(settings)} | {
        k: v for k, v in content.items() if k != "base_url"
    }
    with replaced_file(path) as file:
        file.write(f"{json.dumps(content, indent=2)}\n".encode())
    return content


def quick_start_text(content: dict[str, Any], path: Path, *, has_page: bool = True) -> str:
    """Return the text with the first commands to paste; ``path`` is that of ``first-run.json``."""
    url, key, account_id, symbol = (
        content[name] for name in ("base_url", "api_key", "account_id", "symbol")
    )
    order = {"symbol": symbol, "side": "buy", "order_type": "market", "qty": "0.01"}
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    auth = {"id": 1, "action": "auth", "payload": {"api_key": key}}
    subscribe = {"id": 2, "action": "subscribe", "payload": {"account_ids": [account_id]}}
    python = shlex.quote(_python())
    page = f"web desk: {url}/ui/ (log in with the API key {key})\n" if has_page else ""
    return f"""
{page}oms-gateway: {url}
accounts: hedge {content["accounts"]["hedge"]}, netting {content["accounts"]["netting"]}\
 (paper, moving prices); the keys are in {_relative(path)}

A first order with its deal, then its position:

curl -s -w '\\n' '{url}/oms/commands?wait_ms=10000' \\
  -H 'x-api-key: {key}' -H 'content-type: application/json' \\
  -d '{json.dumps(body)}' \\
  --next -s -w '\\n' '{url}/oms/positions/open?account_ids={account_id}' -H 'x-api-key: {key}'

{_driver_example(content)}Listen over WebSocket: start this, then paste the two lines below it:

{python} -m websockets {url.replace("http", "ws", 1)}/ws
{json.dumps(auth)}
{json.dumps(subscribe)}

Ctrl-C stops the gateway; the next start reuses all of this.
"""


def _relative(path: Path) -> Path:
    """Return the path as it is called in the current folder."""
    folder, path = Path.cwd(), path.absolute()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _driver_example(content: dict[str, Any]) -> str:
    """Return the same order through the ccxt driver; nothing where that is not installed."""
    if find_spec("ccxt_driver") is None:
        return ""
    url, key, account_id = (content[name] for name in ("base_url", "api_key", "account_id"))
    return f"""\
The same from Python with ccxt's API:

{shlex.quote(_python())} - <<'END'
from ccxt_driver import OmsCcxtExchange
oms = OmsCcxtExchange(api_key="{key}", account_id={account_id}, base_url="{url}")
print(oms.create_order("{content["symbol"]}", "market", "buy", 0.01))
END

"""


async def _set_up(administer: Administer) -> dict[str, Any]:
    admin, _ = await administer.ensure_user("admin", "admin", cli_audit_context())
    trader, _ = await administer.ensure_user("trader", "trader", cli_audit_context())
    accounts = {mode: await _account(administer, mode, trader.id) for mode in POSITION_MODES}
    _, admin_key = await administer.create_granted_key(
        admin.id, None, "first run", cli_audit_context()
    )
    _, key = await administer.create_granted_key(trader.id, None, "first run", cli_audit_context())
    return {
        "account_id": accounts["hedge"],
        "accounts": accounts,
        "api_key": key,
        "admin_api_key": admin_key,
        "symbol": SYMBOL,
    }


async def _account(administer: Administer, mode: str, trader_id: int) -> int:
    """Return the id of the paper account of that mode, created and granted if missing."""
    label = f"paper-{mode}"
    for row in await administer.registry.accounts():
        if row.account.label == label:
            return row.account.id
    arguments = argparse.Namespace(
        exchange_id="paper.binance", label=label, position_mode=mode, testnet=False
    )
    created = await create_granted_account(administer, arguments, trader_id, FULL_GRANT)
    return created.id


async def _is_complete(administer: Administer, content: dict[str, Any]) -> bool:
    """Return whether the keys of the file are valid in this database, on its accounts."""
    now = datetime.now(UTC)
    trader = await administer.registry.principal(hash_key(content["api_key"]), now)
    admin = await administer.registry.principal(hash_key(content["admin_api_key"]), now)
    if trader is None or admin is None:
        return False
    return all(trader.grant(account_id) for account_id in content["accounts"].values())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    needed = {"account_id", "accounts", "api_key", "admin_api_key", "symbol"}
    return content if isinstance(content, dict) and needed <= content.keys() else None


def reachable_url(settings: Settings) -> str:
    """Return the address of the gateway on this machine."""
    return f"http://{_reachable(settings.host)}:{settings.port}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host


def _python() -> str:
    """Return the running interpreter, relative to the working folder if it is inside."""
    path, folder = Path(sys.executable), Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
