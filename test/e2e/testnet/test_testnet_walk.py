"""The testnet walk of ``make testnet``, at the loopback exchange.

``OMS_WALK_EXCHANGE`` names another exchange id than ``ccxtpro.bybit``: ``ccxt.bybit``, or
``ccxt.binance``, whose rate limits make it take minutes.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.processes import Gateway

PROGRAM = Path(__file__).parent / "testnet_walk.py"
EXCHANGE_ID = os.environ.get("OMS_WALK_EXCHANGE", "ccxtpro.bybit")
CHAPTERS = ("Bootstrap", "Hedge", "Netting", "Strategy netting", "Mirrored accounts", "Flat")
STEPS_MIN = 45
PAGE = Path(__file__).parents[3] / "docs/how-to/testnet.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Output of the commands of the page, if everything is as the page says.
MANUAL_OUTPUT = ("18; held 0.002\n", "\n2 rest there\n", '"items":[]', '"ok": true')
ENDED = ("filled", "canceled", "cancelled")
SECONDS_MAX = 300


@pytest.fixture(scope="module")
def venue() -> Iterator[LoopbackExchange]:
    """The loopback exchange; each walk has its own account there."""
    with run_loopback() as running:
        running.control("price", symbol="BTC/USDT:USDT", price="60000")
        yield running


def test_without_keys_it_prints_what_to_set(gateway: Gateway) -> None:
    done = _walked({"OMS_TESTNET_EXCHANGE_ID": "ccxt.bybit"}, gateway)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "OMS_TESTNET_API_KEY, OMS_TESTNET_SECRET" in line


def test_the_manual_commands_give_the_same(gateway: Gateway, venue: LoopbackExchange) -> None:
    """The commands of the page, as printed."""
    done = _pasted(gateway, _settings(venue, "manually"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ccxt_class"' not in done.stdout, done.stdout
    for words in MANUAL_OUTPUT:
        assert words in done.stdout, (words, done.stdout, done.stderr)
    assert _left_over(venue.books("manually")) == []


def test_all_is_as_expected_from_bootstrap_to_flat(
    gateway: Gateway, venue: LoopbackExchange
) -> None:
    done = _walked(
        _settings(venue, "alone") | {"OMS_TESTNET_HOME": str(gateway.data_folder)}, gateway
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret of" not in done.stdout + done.stderr
    _check_lines(done.stdout)
    assert _left_over(venue.books("alone")) == []


def _pasted(gateway: Gateway, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run all blocks of the page in one shell; the keys are set before."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    typed = {
        "EXCHANGE": settings["OMS_TESTNET_EXCHANGE_ID"],
        "ENVIRONMENT": settings["OMS_TESTNET_ENVIRONMENT"],
        "EXTRA": settings["OMS_TESTNET_EXTRA_CONFIG"],
        "SYMBOL": "BTC/USDT:USDT",
        "TESTNET_KEY": settings["OMS_TESTNET_API_KEY"],
        "TESTNET_SECRET": settings["OMS_TESTNET_SECRET"],
    }
    return subprocess.run(
        ["bash", "-c", "\n".join(["set -eu", *BLOCK.findall(PAGE.read_text(encoding="utf-8"))])],
        cwd=gateway.folder,
        env=gateway.environment | {"PATH": path} | typed,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def _left_over(books: dict[str, Any]) -> list[Any]:
    """Return what is held or rests at the exchange."""
    held = [row for row in books["positions"] if row["qty"] != "0"]
    return held + [row for row in books["orders"] if row["state"] not in ENDED]


def _settings(venue: LoopbackExchange, name: str) -> dict[str, str]:
    """Return the settings for an account of this name at the exchange."""
    secret = f"secret of {name}"
    venue.control("account", key=name, secret=secret, account=name, balances={"USDT": "100000"})
    is_binance = EXCHANGE_ID.endswith("binance")
    extra = venue.startup["extra_config"]["binance_tls" if is_binance else "bybit"]
    return {
        "OMS_TESTNET_EXCHANGE_ID": EXCHANGE_ID,
        "OMS_TESTNET_API_KEY": name,
        "OMS_TESTNET_SECRET": secret,
        "OMS_TESTNET_ENVIRONMENT": "loopback" if is_binance else "testnet",
        "OMS_TESTNET_EXTRA_CONFIG": json.dumps(extra),
    }


def _walked(settings: dict[str, str], gateway: Gateway) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=gateway.environment | settings,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def _check_lines(printed: str) -> None:
    """Each step prints a line with the expected and actual value; no chapter is left out."""
    lines = printed.splitlines()
    steps = [line for line in lines if " | expected: " in line]
    assert len(steps) >= STEPS_MIN
    assert [line for line in steps if not line.startswith("ok ")] == []
    assert all(" | seen: " in line for line in steps)
    titles = [line[3:].split(":")[0] for line in lines if line[:1].isdigit()]
    assert tuple(titles) == CHAPTERS
