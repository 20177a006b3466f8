"""Hosts where orders are real: those of ccxt's table, and the venues' other names for them.

A venue answers under more names than ccxt knows. So every name within a domain of production counts
as production unless ccxt knows it as a host of a test environment.
"""

from functools import cache

from oms.adapters.ccxt.venues.catalog import Hosts, load_venues

#: Further domains of production; ccxt's table has only some of them.
_FURTHER_DOMAINS = frozenset(
    {
        *("binance.vision", "binance.me", "binance.us", "binance.info"),
        *("bitget.site", "bitgetapi.com"),
        *(
            "bytick.com",
            "bybit.nl",
            "bybit.kz",
            "bybit.eu",
            "bybit.ae",
            "bybit-tr.com",
            "bybitgeorgia.ge",
        ),
        *("bybit-global.com", "bybit.id", "byhkbit.com"),
        *("gateio.ws", "gate.io", "gate.com", "gateapi.io", "gatedata.org"),
        *("huobi.pro", "huobi.com", "hbdm.com", "hbdm.vn", "htx.com"),
        *("kraken.com", "cryptofacilities.com"),
        *("kucoin.com", "kucoin.eu", "kumex.com"),
        *("mexc.com", "mexc.co", "mxc.com"),
        *("okx.com", "okex.com", "okx.cab", "okx.ac"),
    }
)
#: Second-level labels below which countries sell names.
_COUNTRY_LABELS = frozenset({"co", "com", "net", "org"})
_COUNTRY_CODE_LENGTH = 2


def is_production_host(host: str) -> bool:
    """Returns whether a host, with or without its port, belongs to the production of any venue."""
    name = _host_name(host)
    return name not in _test_hosts() and _domain(name) in _production_domains()


@cache
def _production_domains() -> frozenset[str]:
    live = (info.environments.get("live", Hosts()).all for info in load_venues().values())
    domains = {_domain(_host_name(host)) for hosts in live for host in hosts}
    return frozenset(domains) | _FURTHER_DOMAINS


@cache
def _test_hosts() -> frozenset[str]:
    """Hosts that only test environments have."""
    live, test = set[str](), set[str]()
    for info in load_venues().values():
        for environment, hosts in info.environments.items():
            (live if environment == "live" else test).update(map(_host_name, hosts.all))
    return frozenset(test - live)


def _host_name(host: str) -> str:
    return host.lower().partition(":")[0].rstrip(".")


def _domain(name: str) -> str:
    """The part of a name that its owner registered."""
    labels = name.split(".")
    is_below_country = (
        len(labels) > _COUNTRY_CODE_LENGTH
        and labels[-2] in _COUNTRY_LABELS
        and len(labels[-1]) == _COUNTRY_CODE_LENGTH
    )
    return ".".join(labels[-3:] if is_below_country else labels[-2:])
