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
