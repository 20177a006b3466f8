"""The Binance dialect: its API, and the ccxt configuration that reaches it."""

from pathlib import Path

from loopback.binance.api import BinanceApi
from loopback.server.dialect import FETCH_MARKETS, Dialect, Json, tls_config

_OPTIONS: Json = {
    "fetchMarkets": FETCH_MARKETS,
    "fetchMargins": False,
    "warnOnFetchOpenOrdersWithoutSymbol": False,
}


def extra_config(port: int) -> Json:
    """Returns the configuration for sandbox mode: all test URLs point to this port."""
    rest, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    test: Json = {
        "public": f"{rest}/api/v3",
        "private": f"{rest}/api/v3",
        "v1": f"{rest}/api/v1",
        "sapi": f"{rest}/sapi/v1",
    }
    for access in ("Public", "Private"):
        test[f"fapi{access}"] = f"{rest}/fapi/v1"
        test |= {f"fapi{access}V{number}": f"{rest}/fapi/v{number}" for number in (2, 3)}
    test["ws"] = {
        "spot": f"{stream}/ws",
        "margin": f"{stream}/ws",
        "linear": f"{stream}/ws",
        "ws-api": {"spot": f"{stream}/ws-api/v3", "linear": f"{stream}/ws-fapi/v1"},
    }
    return {"urls": {"test": test}, "options": _OPTIONS}


def extra_config_tls(port: int, cafile: Path) -> Json:
    """Returns the configuration for production URLs."""
    return tls_config(port, cafile, _OPTIONS)


BINANCE = Dialect(
    name="binance",
    default_port=18071,
    create_api=BinanceApi,
    extra_config=extra_config,
    extra_config_tls=extra_config_tls,
)
