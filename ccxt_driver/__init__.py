"""The ccxt driver of oms-gateway: exchange classes that speak ccxt and trade through the gateway.

The classes are imported on first access, and ccxt itself when the first exception is raised.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccxt_driver.async_exchange import OmsCcxtAsyncExchange
    from ccxt_driver.async_http_client import OmsAsyncHttpClient
    from ccxt_driver.http_client import OmsHttpClient
    from ccxt_driver.oms_ccxt_exchange import OmsCcxtExchange
    from ccxt_driver.oms_ccxtpro_exchange import OmsCcxtProExchange

__all__ = [
    "OmsAsyncHttpClient",
    "OmsCcxtAsyncExchange",
    "OmsCcxtExchange",
    "OmsCcxtProExchange",
    "OmsHttpClient",
]

_MODULES = {
    "OmsAsyncHttpClient": "ccxt_driver.async_http_client",
    "OmsCcxtAsyncExchange": "ccxt_driver.async_exchange",
    "OmsCcxtExchange": "ccxt_driver.oms_ccxt_exchange",
    "OmsCcxtProExchange": "ccxt_driver.oms_ccxtpro_exchange",
    "OmsHttpClient": "ccxt_driver.http_client",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
