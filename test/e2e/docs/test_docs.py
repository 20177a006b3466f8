"""The examples of the documentation run as they are printed, against a real gateway.

They run in a fresh shell: of the environment only a system path is left, and the folder has what a
checkout after ``make run`` has.

A block fenced as ``bash`` or ``python`` is run, blocks of a page in order and bash blocks in one
shell; a block without a language, or marked ``not-run``, is not (its page says why, and its syntax
is checked elsewhere). Anything else fails. The pages about HTTP run in tests of their own.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.notifications.telegram_api import open_telegram_api

ROOT = Path(__file__).parents[3]
PAGES = [
    "README.md",
    "docs/start.md",
    "docs/how-to/loopback.md",
    "docs/how-to/freqtrade.md",
    "docs/how-to/risk.md",
    "docs/how-to/stops.md",
    "docs/how-to/tradingview.md",
    "docs/how-to/bounce.md",
    "docs/how-to/first-strategy.md",
    "docs/operations/single-host.md",
    "docs/operations/archive.md",
    "ccxt_driver/README.md",
    "mt5_driver/README.md",
]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
#: Pages whose reader has installed ``oms`` on the path.
INSTALLED = {"docs/operations/single-host.md", "docs/operations/archive.md"}
BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Output of the examples of a page if they succeed.
EXPECTED_OUTPUT = {
    "README.md": ('"status":"FILLED"', "closed"),
    "docs/start.md": ('"status":"FILLED"', '"invariants"', '"qty":"0.006"'),
    "docs/how-to/loopback.md": ("'orderId'", "'side':'long'"),
    "docs/how-to/freqtrade.md": ("{'dualSidePosition':False}", "'marginMode':'isolated'"),
    "docs/how-to/risk.md": ('"max_order_notional"', '"status":"blocked"', '"headroom"'),
    "docs/how-to/bounce.md": ('"received":true', '"levels_final":true', "True", "FILLED"),
    "docs/how-to/first-strategy.md": ("above_average", "total_return_pct=", "unseen_return_pct="),
    "docs/how-to/tradingview.md": ('"success":true', "done", "FILLED"),
    "docs/how-to/stops.md": ('"qty_pct":"50"', '"side":"sell"', '"reached":false', "closed"),
    "ccxt_driver/README.md": ("closed",),
    "mt5_driver/README.md": ("True", "TradePosition("),
    "docs/operations/archive.md": ('"archives":[]', '"items":[]', '"findings":[]'),
    "docs/operations/single-host.md": ('"checks"', '"pending":[]', '"oms_deals":'),
}

#: What a bot outside of the project does with a signal: the standard library and a base URL.
BOUNCE_BOT = """
import datetime, json, os, urllib.request

signal = {
    "symbol": "BTCUSDT", "side": "long", "price": 61000.5,
    "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    "exchange": "bitget", "timeframe_min": 5, "strategy": "bounce_ema10_strict",
    "tp_pct": None, "sl_pct": None,
}
request = urllib.request.Request(
    os.environ["BASE_URL"] + "/signals/bounce",
    data=json.dumps(signal).encode(),
    headers={"Content-Type": "application/json", "Accept": "application/json"},
    method="POST",
)
with urllib.request.urlopen(request, timeout=5) as answer:
    print(answer.read().decode())
"""


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, gateway: Gateway) -> None:
    _close_all(gateway)
    script = _script_of(page)
    path = f"{sys.prefix}/bin:{SYSTEM_PATH}" if page in INSTALLED else SYSTEM_PATH
    try:
        answer = _run(script, gateway, path)
    finally:
        _close_all(gateway)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '"ccxt_class"' not in answer.stdout, answer.stdout
    for word in EXPECTED_OUTPUT[page]:
        assert word in answer.stdout.replace(" ", "")


def test_a_bounce_bot_trades_with_another_base_url_alone(gateway: Gateway) -> None:
    """The bot's program knows its base URL, and no key, account or size."""
    _close_all(gateway)
    source = {"name": "bot", "kind": "bounce", "account_id": gateway.account_id}
    status, made, _ = call(gateway, "POST", "/signals/sources", source, key=gateway.admin_api_key)
    assert status == 200, made
    try:
        base_url = f"{gateway.base_url}/in/{made['path_token']}"
        done = subprocess.run(
            [sys.executable, "-c", BOUNCE_BOT],
            env={"PATH": SYSTEM_PATH, "BASE_URL": base_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["oms_enabled"], answer["risk_ok"]) == (True, True), answer
        assert answer["tp_price"] is not None and answer["sl_price"] is not None
        _, signal, _ = call(gateway, "GET", f"/signals/{answer['signal_id']}")
        orders = [(order["id"], order["status"]) for order in signal["lineage"]["orders"]]
        assert orders == [(answer["order_id"], "FILLED")]
    finally:
        _close_all(gateway)


def test_a_message_is_sent_to_telegram_on_every_close(tmp_path: Path) -> None:
    """As the page says, with Apprise as it is: only the host of Telegram stands on this machine."""
    page = "docs/how-to/notifications.md"
    token, chat = "123456789:AAFtests_of_the-documentation", "987654321"
    script = _script_of(page).replace("BOT-TOKEN", token).replace("CHAT-ID", chat)
    with open_telegram_api(tmp_path) as telegram:
        environment = {"OMS_NOTIFY_ALLOW_PRIVATE": "true", **telegram.environment}
        gateway = Gateway(tmp_path / "gateway", runner=True, environment=environment)
        try:
            gateway.start()
            answer = _run(script, gateway, SYSTEM_PATH)
        finally:
            gateway.stop()
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert '"event":"position_closed"' in answer.stdout.replace(" ", "")
        messages = telegram.messages
    assert {path for path, _ in messages} == {f"/bot{token}/sendMessage"}
    assert {str(sent["chat_id"]) for _, sent in messages} == {chat}
    (closed,) = [sent["text"] for _, sent in messages if "position closed" in sent["text"]]
    assert "symbol: BTC/USDT:USDT" in closed
    assert "realized pnl: " in closed
    assert token not in gateway.log.read_text(encoding="utf-8") + answer.stdout


def test_mariadb_knows_the_options_that_are_printed(tmp_path: Path) -> None:
    """An unknown option ends the server before it prints anything."""
    page = (ROOT / "docs/operations/single-host.md").read_text(encoding="utf-8")
    (options,) = [text for _, text in BLOCK.findall(page) if "[mysqld]" in text]
    (tmp_path / "oms.cnf").write_text(options, encoding="utf-8")
    binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    line = [binary, f"--defaults-file={tmp_path / 'oms.cnf'}", "--help", "--verbose"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^innodb-flush-log-at-trx-commit\s+1$", done.stdout, re.MULTILINE)
    assert re.search(r"^max-connections\s+200$", done.stdout, re.MULTILINE)


def test_mariadb_knows_the_options_of_a_cluster() -> None:
    binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    options = f"--defaults-file={ROOT / 'deploy/galera/oms.cnf'}"
    line = [binary, options, "--wsrep-provider=none", "--help", "--verbose"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^wsrep-cluster-address\s+gcomm://", done.stdout, re.MULTILINE)


def _script_of(page: str) -> str:
    """Return the blocks of a page, in order, as one bash script."""
    blocks = [block for block in _blocks(page) if not block[0].endswith(" not-run")]
    assert {language for language, _ in blocks} <= {"bash", "python", "text", "json", ""}
    script = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks):
        script.append(f"echo; echo '== block {number}'")
        if language == "bash":
            script.append(text)
        elif language == "python":
            script.append(f".venv/bin/python - <<'PYTHON'\n{text}PYTHON")
    return "\n".join(script)


def _blocks(page: str) -> Iterator[tuple[str, str]]:
    for match in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        yield match[1], match[2]


def _run(script: str, gateway: Gateway, path: str) -> subprocess.CompletedProcess[str]:
    checkout = {name: ROOT / name for name in ("examples", "tools")}
    for name, target in {".venv": Path(sys.prefix), **checkout}.items():
        if not (gateway.folder / name).exists():
            (gateway.folder / name).symlink_to(target)
    return subprocess.run(
        ["bash", "-c", script],
        cwd=gateway.folder,
        env={"PATH": path, "HOME": str(gateway.folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _close_all(gateway: Gateway) -> None:
    """Leave the accounts of the gateway, which other tests use too, without positions."""
    for account_id in (gateway.account_id, gateway.netting_account_id):
        body = {"account_id": account_id, "command": "close_all", "payload": {}}
        status, answer, _ = call(gateway, "POST", "/oms/commands?wait_ms=20000", body)
        assert status == 200, answer
