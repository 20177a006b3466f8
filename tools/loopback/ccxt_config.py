"""What an account needs to reach this process: the ``extra_config_json`` of each dialect."""

from pathlib import Path
from typing import Any

Json = dict[str, Any]


def extra_config(port: int) -> Json:
    """For Bybit with sandbox mode: its whole test tree leads here."""
    rest, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    private = f"{stream}/v5/private"
    public = {
        name: f"{stream}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")
    }
    test: Json = dict.fromkeys(("spot", "futures", "v2", "public", "private"), rest)
    test["ws"] = {
        "public": public,
        "private": {
            "spot": {"unified": private, "nonUnified": private},
            "contract": private,
            "usdc": private,
            "trade": f"{stream}/v5/trade",
        },
    }
    types = {"types": ["spot", "linear"]}
    return {"urls": {"test": test}, "options": {"fetchMarkets": types}}


def extra_config_tls(port: int, cafile: Path) -> Json:
    """With production URLs: every name leads here, and its authority is trusted.

    ``oms.resolve`` is read by the gateway; a plain script gives its session a resolver instead.
    """
    return {
        "cafile": str(cafile),
        "options": {"fetchMarkets": {"types": ["spot", "linear"]}},
        "oms": {"resolve": {"*": f"127.0.0.1:{port}"}},
    }


_BINANCE_OPTIONS: Json = {
    "fetchMarkets": {"types": ["spot", "linear"]},
    "fetchMargins": False,
    "warnOnFetchOpenOrdersWithoutSymbol": False,
}


def extra_config_binance(port: int) -> Json:
    """For Binance with sandbox mode: its whole test tree leads here."""
    rest, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    test: Json = {
        "public": f"{rest}/api/v3",
        "private": f"{rest}/api/v3",
        "v1": f"{rest}/api/v1",
        "sapi": f"{rest}/sapi/v1",
    }
    for word in ("Public", "Private"):
        test[f"fapi{word}"] = f"{rest}/fapi/v1"
        test |= {f"fapi{word}V{number}": f"{rest}/fapi/v{number}" for number in (2, 3)}
    test["ws"] = {
        "spot": f"{stream}/ws",
        "margin": f"{stream}/ws",
        "linear": f"{stream}/ws",
        "ws-api": {"spot": f"{stream}/ws-api/v3", "linear": f"{stream}/ws-fapi/v1"},
    }
    return {"urls": {"test": test}, "options": _BINANCE_OPTIONS}


def extra_config_binance_tls(port: int, cafile: Path) -> Json:
    """With production URLs; see ``extra_config_tls``."""
    return extra_config_tls(port, cafile) | {"options": _BINANCE_OPTIONS}
