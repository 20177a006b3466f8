"""Importing the driver is cheap and does not import the gateway's code."""

import subprocess
import sys

import pytest

import ccxt_driver


def _loaded_after(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sorted(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import ccxt_driver",
        "from ccxt_driver import OmsCcxtExchange, OmsHttpClient",
        "from ccxt_driver import OmsCcxtExchange as E; E(api_key='k', account_id=1).has",
    ],
)
def test_importing_the_driver_loads_no_large_package(statement: str) -> None:
    loaded = _loaded_after(statement)
    assert "ccxt_driver" in loaded
    assert not loaded & {
        "ccxt",
        "oms",
        "fastapi",
        "pydantic",
        "sqlalchemy",
        "websockets",
        "asyncio",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "from ccxt_driver import OmsCcxtAsyncExchange as E; E(api_key='k', account_id=1).has",
        "from ccxt_driver import OmsCcxtProExchange as E; E(api_key='k', account_id=1).has",
        "import ccxt_driver.autopatch",
    ],
)
def test_other_classes_load_large_packages_with_the_first_call(statement: str) -> None:
    heavy = {"ccxt", "oms", "fastapi", "pydantic", "sqlalchemy", "websockets", "aiohttp"}
    assert not _loaded_after(statement) & heavy


def test_importing_the_package_does_not_even_load_the_client() -> None:
    assert not _loaded_after("import ccxt_driver") & {"http", "ssl", "socket"}


def test_classes_can_be_imported_from_both_modules() -> None:
    from ccxt_driver.http_client import OmsHttpClient
    from ccxt_driver.oms_ccxt_exchange import OmsCcxtExchange

    assert ccxt_driver.OmsCcxtExchange is OmsCcxtExchange
    assert ccxt_driver.OmsHttpClient is OmsHttpClient
    assert set(ccxt_driver.__all__) <= set(dir(ccxt_driver))
    assert ccxt_driver.OmsCcxtAsyncExchange.__module__ == "ccxt_driver.async_exchange"
    assert ccxt_driver.OmsCcxtProExchange.__module__ == "ccxt_driver.oms_ccxtpro_exchange"
    with pytest.raises(AttributeError, match="Nothing"):
        _ = ccxt_driver.Nothing
