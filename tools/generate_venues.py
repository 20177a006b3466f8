"""Generates ``venues.json`` from the installed ccxt: hosts per environment, capabilities.

``make venues`` writes it; with ``--check`` nothing is written, and a difference is status 1. Each
environment is read from an instance that was switched to it in the same way as by the gateway.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support
import ccxt.pro

from venue_capabilities import TABLE

TARGET = Path(__file__).resolve().parents[1] / "apps/oms/adapters/ccxt/venues/venues.json"

#: Environments on the hosts of another one, which only this header distinguishes; paths without it.
HEADERS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("okx", "okxus", "myokx"), ("x-simulated-trading", "1")),
    "bitget": ("PAPTRADING", "1"),
}
UNMARKED: Mapping[str, tuple[str, ...]] = {
    "bitget": ("/v2/public/time", "/v3/market/current-fund-rate")
}
#: The gateway sends no orders by WebSocket; some URL trees contain the production host there.
EXCLUDED = frozenset({"trade"})
#: Some URL trees contain both environments: keys with this word belong to the demo.
DEMO_WORD = "demo"
HAS = [
    "createOrder",
    "editOrder",
    "cancelOrder",
    "cancelAllOrders",
    "cancelAllOrdersAfter",
    "fetchOrder",
    "fetchOpenOrders",
    "fetchClosedOrders",
    "fetchCanceledAndClosedOrders",
    "fetchMyTrades",
    "fetchPositions",
    "fetchBalance",
    "fetchPositionMode",
    "setPositionMode",
    "setLeverage",
    "setMarginMode",
    "fetchTime",
    "fetchTicker",
    "fetchOrderBook",
    "fetchOHLCV",
    "createTrailingAmountOrder",
    "createTrailingPercentOrder",
    "watchOrders",
    "watchMyTrades",
    "watchPositions",
    "watchBalance",
]


def main() -> int:
    """Writes or compares the file; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parsed = parser.parse_args()
    text = _format(generate())
    if not parsed.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("venues.json differs from the installed ccxt: run make venues", file=sys.stderr)
    return 1


def generate() -> dict[str, Any]:
    """Returns the content of the file."""
    return {
        "ccxt": ccxt.__version__,
        "venues": {name: _venue(name) for name in sorted(ccxt.exchanges)},
    }


def _format(content: Mapping[str, Any]) -> str:
    """Returns the JSON text with one line per venue, for readable differences."""
    rows = [
        f"{json.dumps(name)}: {json.dumps(row, sort_keys=True, ensure_ascii=False)}"
        for name, row in content["venues"].items()
    ]
    listed = ",\n".join(rows)
    return f'{{"ccxt": {json.dumps(content["ccxt"])}, "venues": {{\n{listed}\n}}}}\n'


def _create_exchange(name: str) -> Any:
    has_streams = name in ccxt.pro.exchanges
    module = ccxt.pro if has_streams else ccxt.async_support
    return getattr(module, name)()


def _venue(name: str) -> dict[str, Any]:
    exchange = _create_exchange(name)
    live = _hosts(exchange, is_live=True)
    environments = {"live": live}
    for environment, switch in (
        ("testnet", "set_sandbox_mode"),
        ("demo", "enable_demo_trading"),
    ):
        hosts = _switched_hosts(name, switch)
        if hosts is not None and _is_distinguishable(hosts, live):
            environments[environment] = hosts
    return {
        "name": exchange.name,
        "websockets": name in ccxt.pro.exchanges,
        "environments": environments,
        "declared": _declared(exchange),
        "table": TABLE.get(name, {}),
    }


def _is_distinguishable(hosts: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the gateway can distinguish them, by the REST hosts or by a header."""
    return "header" in hosts or hosts["rest"] != live["rest"]


def _switched_hosts(name: str, switch: str) -> dict[str, Any] | None:
    """Returns the hosts after the switch; ``None`` if the exchange has no such environment."""
    exchange = _create_exchange(name)
    try:
        getattr(exchange, switch)(True)
        hosts = _hosts(exchange, is_live=False)
    except (ccxt.NotSupported, TypeError, KeyError, AttributeError):
        return None
    if not hosts["rest"]:
        return None
    if name in HEADERS:
        hosts["header"] = list(HEADERS[name])
        if name in UNMARKED:
            hosts["unmarked"] = list(UNMARKED[name])
    return hosts


def _hosts(exchange: Any, *, is_live: bool) -> dict[str, Any]:
    trees: dict[str, set[str]] = {"rest": set(), "private_stream": set(), "public_stream": set()}
    leaves = list(_leaves(exchange.urls["api"]))
    has_both = any(_is_demo(path) for path, _ in leaves)
    for path, url in leaves:
        if has_both and url.startswith("ws") and _is_demo(path) is is_live:
            continue
        variables = {"hostname": exchange.hostname or ""}
        parts = urlsplit(exchange.implode_params(url, variables))
        if not parts.hostname or "{" in parts.netloc or EXCLUDED & set(path):
            continue
        port = parts.port or 443
        host = parts.hostname if port == 443 else f"{parts.hostname}:{port}"
        for tree in _trees(parts.scheme, (*path, *parts.path.split("/"))):
            trees[tree].add(host)
    return {tree: sorted(hosts) for tree, hosts in trees.items() if hosts}


def _leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, each in tree.items():
            yield from _leaves(each, (*path, str(key)))


def _is_demo(path: tuple[str, ...]) -> bool:
    return any(DEMO_WORD in key.lower() for key in path)


def _trees(scheme: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the trees of a URL; a stream without "private" or "public" belongs to both."""
    if scheme in ("http", "https"):
        return ("rest",)
    if scheme not in ("ws", "wss"):
        return ()
    text = " ".join(keys).lower()
    if "private" in text:
        return ("private_stream",)
    return ("public_stream",) if "public" in text else ("private_stream", "public_stream")


def _declared(exchange: Any) -> dict[str, Any]:
    """Returns what ccxt declares: methods, and features of spot and linear markets.

    Of a class of inverse contracts: the features of these.
    """
    has = {name: exchange.has.get(name) for name in HAS}
    declared: dict[str, Any] = {name: each for name, each in has.items() if each}
    features = exchange.features or {}
    swap = features.get("swap") or {}
    trees = {"spot": features.get("spot"), "linear": swap.get("linear")}
    if exchange.options.get("defaultSubType") == "inverse":
        trees = {"inverse": swap.get("inverse")}
    for kind, tree in trees.items():
        if tree:
            declared[kind] = _features(tree)
    return declared


def _features(tree: Mapping[str, Any]) -> dict[str, Any]:
    create = tree.get("createOrder") or {}
    prices = (
        "triggerPrice triggerDirection stopLossPrice takeProfitPrice attachedStopLossTakeProfit"
    )
    names = (*prices.split(), "timeInForce", "hedged", "trailing")
    features = {name: create[name] for name in names if create.get(name)}
    for name, method in (("trades", "fetchMyTrades"), ("closed_orders", "fetchClosedOrders")):
        rows = tree.get(method)
        if rows:
            features[name] = {
                "symbol_required": bool(rows.get("symbolRequired")),
                "page": rows.get("limit"),
                "span_days": rows.get("untilDays"),
                "back_days": rows.get("daysBack") or rows.get("daysBackCanceled"),
            }
    return features


if __name__ == "__main__":
    sys.exit(main())
