"""The OKX dialect: its API, and the ccxt configuration that reaches it."""

from pathlib import Path

from loopback.okx.api import OkxApi
from loopback.server.dialect import Dialect, Json, tls_config

_OPTIONS: Json = {"fetchMarkets": {"types": ["spot", "swap"]}}


def extra_config(port: int) -> Json:
    """Returns the configuration for sandbox mode: all test URLs point to this port."""
    test = {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}/ws/v5"}
    return {"urls": {"test": test}, "options": _OPTIONS}


def extra_config_tls(port: int, cafile: Path) -> Json:
    """Returns the configuration for production URLs."""
    return tls_config(port, cafile, _OPTIONS)


OKX = Dialect(
    name="okx",
    default_port=18072,
    create_api=OkxApi,
    extra_config=extra_config,
    extra_config_tls=extra_config_tls,
)
