"""Draw ``venues.json`` from the installed ccxt: hosts per environment and tree, capabilities.

``make venues`` writes it; with ``--check`` nothing is written, and a difference is status 1. Each
environment is drawn from an instance that was switched to it, as the gateway switches one.
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

#: Environments on the hosts of another one: only this header differs. Paths that go without.
HEADERS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("okx", "okxus", "myokx"), ("x-simulated-trading", "1")),
    "bitget": ("PAPTRADING", "1"),
}
UNMARKED: Mapping[str, tuple[str, ...]] = {
    "bitget": ("/v2/public/time", "/v3/market/current-fund-rate")
}
#: Orders by websocket are not sent; some trees name the production host there.
LEFT_OUT = frozenset({"trade"})
#: Some trees hold the streams of both: those with this word are the demo's.
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
    """Draw, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parsed = parser.parse_args()
    drawn = _shown(draw())
    if not parsed.check:
        TARGET.write_text(drawn, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == drawn:
        return 0
    print("venues.json differs from the installed ccxt: run make venues", file=sys.stderr)
    return 1


def draw() -> dict[str, Any]:
    """The whole file as a value."""
    return {
        "ccxt": ccxt.__version__,
        "venues": {name: _venue(name) for name in sorted(ccxt.exchanges)},
    }


def _shown(drawn: Mapping[str, Any]) -> str:
    """One venue a line: a change of ccxt is then read line by line."""
    rows = [
        f"{json.dumps(name)}: {json.dumps(row, sort_keys=True, ensure_ascii=False)}"
        for name, row in drawn["venues"].items()
    ]
    listed = ",\n".join(rows)
    return f'{{"ccxt": {json.dumps(drawn["ccxt"])}, "venues": {{\n{listed}\n}}}}\n'


def _new(name: str) -> Any:
    has_streams = name in ccxt.pro.exchanges
    module = ccxt.pro if has_streams else ccxt.async_support
    return getattr(module, name)()


def _venue(name: str) -> dict[str, Any]:
    exchange = _new(name)
    live = _hosts(exchange, is_live=True)
    environments = {"live": live}
    for environment, switch in (
        ("testnet", "set_sandbox_mode"),
        ("demo", "enable_demo_trading"),
    ):
        hosts = _switched(name, switch)
        if hosts is not None and _is_apart(hosts, live):
            environments[environment] = hosts
    return {
        "name": exchange.name,
        "websockets": name in ccxt.pro.exchanges,
        "environments": environments,
        "declared": _declared(exchange),
        "table": TABLE.get(name, {}),
    }


def _is_apart(hosts: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether a guard can tell the two: by where orders go, else by a header."""
    return "header" in hosts or hosts["rest"] != live["rest"]


def _switched(name: str, switch: str) -> dict[str, Any] | None:
    """The hosts after the switch; ccxt says in three ways that there are none."""
    exchange = _new(name)
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
        places = {"hostname": exchange.hostname or ""}
        parts = urlsplit(exchange.implode_params(url, places))
        if not parts.hostname or "{" in parts.netloc or LEFT_OUT & set(path):
            continue
        port = parts.port or 443
        shown = parts.hostname if port == 443 else f"{parts.hostname}:{port}"
        for tree in _trees(parts.scheme, (*path, *parts.path.split("/"))):
            trees[tree].add(shown)
    return {tree: sorted(hosts) for tree, hosts in trees.items() if hosts}


def _leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, each in tree.items():
            yield from _leaves(each, (*path, str(key)))


def _is_demo(path: tuple[str, ...]) -> bool:
    return any(DEMO_WORD in word.lower() for word in path)


def _trees(scheme: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Which trees a URL belongs to: a stream that says neither word may be both."""
    if scheme in ("http", "https"):
        return ("rest",)
    if scheme not in ("ws", "wss"):
        return ()
    said = " ".join(words).lower()
    if "private" in said:
        return ("private_stream",)
    return ("public_stream",) if "public" in said else ("private_stream", "public_stream")


def _declared(exchange: Any) -> dict[str, Any]:
    """What ccxt says of itself: methods, and the features of spot and linear markets."""
    has = {name: exchange.has.get(name) for name in HAS}
    told: dict[str, Any] = {name: each for name, each in has.items() if each}
    features = exchange.features or {}
    for kind, tree in (
        ("spot", features.get("spot")),
        ("linear", (features.get("swap") or {}).get("linear")),
    ):
        if tree:
            told[kind] = _features(tree)
    return told


def _features(tree: Mapping[str, Any]) -> dict[str, Any]:
    create = tree.get("createOrder") or {}
    wanted = (
        "triggerPrice triggerDirection stopLossPrice takeProfitPrice attachedStopLossTakeProfit"
    )
    words = (*wanted.split(), "timeInForce", "hedged", "trailing")
    told = {word: create[word] for word in words if create.get(word)}
    for name, method in (("trades", "fetchMyTrades"), ("closed_orders", "fetchClosedOrders")):
        rows = tree.get(method)
        if rows:
            told[name] = {
                "symbol_required": bool(rows.get("symbolRequired")),
                "page": rows.get("limit"),
                "span_days": rows.get("untilDays"),
                "back_days": rows.get("daysBack") or rows.get("daysBackCanceled"),
            }
    return told


if __name__ == "__main__":
    sys.exit(main())
