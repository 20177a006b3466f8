"""The Bybit dialect: its API, and the ccxt configuration that reaches it."""

from pathlib import Path

from loopback.bybit.api import BybitApi
from loopback.server.dialect import FETCH_MARKETS, Dialect, Json, tls_config


def extra_config(port: int) -> Json:
    """Returns the configuration for sandbox mode: all test URLs point to this port."""
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
    return {"urls": {"test": test}, "options": {"fetchMarkets": FETCH_MARKETS}}


def extra_config_tls(port: int, cafile: Path) -> Json:
    """Returns the configuration for production URLs."""
    return tls_config(port, cafile, {"fetchMarkets": FETCH_MARKETS})


BYBIT = Dialect(
    name="bybit",
    default_port=18070,
    create_api=BybitApi,
    extra_config=extra_config,
    extra_config_tls=extra_config_tls,
)
