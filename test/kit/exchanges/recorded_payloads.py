"""Recorded order rows turned into own orders (client order id, current time), and response bodies.

KuCoin's REST rows were not recorded: they follow its documentation.
"""

import json
from pathlib import Path
from typing import Any

from kit.exchanges.stub_exchange import now_ms

Row = dict[str, Any]
_SECONDS = ("create_time", "update_time", "opentm", "closetm", "ctime", "finish_time")
_MILLISECONDS = ("cTime", "uTime", "create_time_ms", "update_time_ms", "createdAt", "updatedAt")
_NAMES = ("clOrdId", "text", "clientOid")
_DOCUMENTED: dict[str, Row] = {
    "kucoin_spot": {
        "id": "6478cf1439bdfc0001528a1d",
        "symbol": "LTC-USDT",
        "type": "limit",
        "side": "buy",
        "price": "2000",
        "size": "0.1",
        "dealSize": "0",
        "dealFunds": "0",
        "fee": "0",
        "feeCurrency": "USDT",
        "stop": "",
        "clientOid": "",
        "cancelExist": False,
        "createdAt": 0,
        "active": True,
    },
    "kucoin_swap": {
        "id": "64507d02921f1c0001ff6892",
        "symbol": "XBTUSDTM",
        "type": "limit",
        "side": "buy",
        "price": "2000",
        "size": 1,
        "filledSize": 0,
        "filledValue": "0",
        "stop": "",
        "clientOid": "",
        "isActive": True,
        "cancelExist": False,
        "createdAt": 0,
        "updatedAt": 0,
        "reduceOnly": False,
    },
}


def load_raw_row(folder: Path, venue: str, what: str, number: int) -> Row:
    """One recorded row; ``kraken_open`` and ``kraken_closed`` were recorded over HTTP."""
    if venue in _DOCUMENTED:
        return dict(_DOCUMENTED[venue])
    if "_" in venue:
        name, kind = venue.split("_")
        recording = json.loads((folder / "ccxt" / "unified_http" / f"{name}.json").read_text())
        row = dict(recording[f"fetch_{kind}_orders"][0]["result"][number]["info"])
        del row["id"]
        return row
    recording = json.loads((folder / "ccxt" / "unified" / f"{venue}.json").read_text())
    return dict(recording[what][number]["raw"])


def make_own_row(folder: Path, which: tuple[str, int], name: str) -> Row:
    """A recorded order with client order id ``name``, created now."""
    venue, number = which
    row, now = load_raw_row(folder, venue, "orders", number), now_ms()
    for key in row.keys() & set(_SECONDS):
        row[key] = now / 1000 if venue.startswith("kraken") else str(now // 1000)
    for key in row.keys() & set(_MILLISECONDS):
        row[key] = str(now) if isinstance(row[key], str) else now
    for key in row.keys() & set(_NAMES):
        row[key] = name
    if venue.startswith("kraken"):
        del row["userref"]
        row["cl_ord_id"] = name
    return row


def response_body(venue: str, route: str, row: Row | None) -> Any:
    """The response body of a route with one order, or with none."""
    rows = [] if row is None else [row]
    match venue:
        case "okx":
            return {"code": "0", "data": rows, "msg": ""}
        case "kraken":
            kind = "open" if route.endswith("OpenOrders") else "closed"
            name = "O26VBY-ISGAE-JP5TLU" if kind == "open" else "O5KZFT-GH3AD-LP6TLU"
            return {"error": [], "result": {kind: dict.fromkeys([name][: len(rows)], row)}}
        case "gate":
            return [{"orders": rows}] if route.endswith("open_orders") else rows
        case "kucoin":
            return {"code": "200000", "data": row}
    return {"code": "00000", "msg": "success", "data": row if "mix" in route and row else rows}
