"""The examples run unchanged; a program for plain ccxt runs unchanged under autopatch."""

import subprocess
import sys
from pathlib import Path

import pytest

from ccxt_driver import sitecustomize_block
from kit.gateway.processes import Gateway

EXAMPLES = Path(__file__).parents[3] / "examples"


def _run(gateway: Gateway, *arguments: str | Path, **environment: str) -> str:
    """Return what a program prints beside a gateway's ``var/first-run.json``."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=gateway.folder,
        env=gateway.environment | environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("basic_usage", "closed at"),
        ("order_flow", "status at the gateway: canceled"),
        ("market_data", "free: "),
        ("watch_loop", "closed: closed"),
    ],
)
def test_an_example_runs(gateway: Gateway, name: str, expected: str) -> None:
    assert expected in _run(gateway, EXAMPLES / f"{name}.py")


def test_a_copy_trader_follows_positions(gateway: Gateway) -> None:
    assert _run(gateway, EXAMPLES / "mt5_copy_trader.py").splitlines() == [
        *("opened 0.01", "nothing to do", "moved the stop loss", "closed: True"),
    ]


def test_an_expert_s_loop_holds_one_position(gateway: Gateway) -> None:
    lines = _run(
        gateway,
        EXAMPLES / "mt5_moving_average.py",
        "2",
        OMS_API_KEY=gateway.api_key,
        OMS_ACCOUNT_ID=str(gateway.account_id),
        OMS_BASE_URL=gateway.base_url,
    ).splitlines()
    assert lines[0] in ("bought 0.01", "sold 0.01")
    assert lines[1].startswith(("held 0.01 with a profit of ", "bought", "sold"))
    assert lines[2:] == ["closed: True"]


def test_a_program_for_metatrader_runs_unchanged(gateway: Gateway) -> None:
    autopatched = "from mt5_driver.autopatch import patch_metatrader5 as patch; assert patch();"
    script = (
        "import MetaTrader5 as mt5; assert mt5.initialize(login=5012345, password='of a broker');"
        "print(mt5.account_info().login, mt5.Buy('BTCUSD', 0.01).retcode, mt5.Close('BTCUSD'))"
    )
    printed = _run(
        gateway,
        "-c",
        autopatched + script,
        OMS_API_KEY=gateway.api_key,
        OMS_BASE_URL=gateway.base_url,
        OMS_MT5_LOGINS=f"5012345={gateway.netting_account_id}",
        OMS_MT5_SYMBOLS="BTCUSD=BTC/USDT:USDT",
    )
    assert printed.split() == [str(gateway.netting_account_id), "10009", "True"]


def _patched(gateway: Gateway, folder: Path, mode: str, script: str) -> str:
    """Return what a script prints in a Python that starts with autopatch's block."""
    block = sitecustomize_block.render_block(mode, ["binance"])
    (folder / "sitecustomize.py").write_text(block, encoding="utf-8")
    start = "import runpy, sys, sitecustomize; "
    return _run(
        gateway,
        "-c",
        start + script,
        PYTHONPATH=str(folder),
        CCXT_OMS_API_KEY=gateway.api_key,
        CCXT_OMS_ACCOUNT_ID=str(gateway.netting_account_id),
        CCXT_OMS_BASE_URL=gateway.base_url,
    )


def test_a_program_for_ccxt_alone_runs_unchanged(gateway: Gateway, tmp_path: Path) -> None:
    script = f"runpy.run_path({str(EXAMPLES / 'ccxt_only.py')!r}, run_name='__main__')"
    output = _patched(gateway, tmp_path, "aggressive", script).splitlines()
    assert output[1:] == [
        "canceled: canceled",
        "bought: closed, exits attached: 2",
        "exits left: 0",
        "trades: ['buy', 'sell']",
        "insufficient funds",
        "watched",
    ]
    assert len(output) == 7


def test_safe_mode_requires_the_explicit_exchange(gateway: Gateway, tmp_path: Path) -> None:
    script = (
        "import ccxt; exchange = ccxt.oms_exchange({'timeout': 20000});"
        "order = exchange.create_market_buy_order('BTC/USDT', 0.01);"
        "print(ccxt.binance.__module__, order['status'])"
    )
    assert _patched(gateway, tmp_path, "safe", script).split() == ["ccxt.binance", "closed"]


def test_the_same_program_trades_through_the_explicit_exchange(
    gateway: Gateway, tmp_path: Path
) -> None:
    script = (
        f"import ccxt; program = runpy.run_path({str(EXAMPLES / 'ccxt_only.py')!r});"
        "ccxt.binance = ccxt.oms_exchange; program['trade']()"
    )
    output = _patched(gateway, tmp_path, "safe", script).splitlines()
    assert [line.partition(":")[0] for line in output] == [
        *("resting", "canceled", "bought", "exits left", "trades", "insufficient funds")
    ]
