"""Our books beside the exchange's own: orders, deals, positions, balances, to the last digit.

Ours as the API tells them, the exchange's from its control port. What is not equal is told in
words, sorted into what was lost, doubled or given to the wrong order, and what merely differs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kit.exchanges.loopback_process import Json, LoopbackExchange
from kit.exchanges.replacement_chains import group_replacements
from kit.gateway.loopback_accounts import INITIAL_USDT, LoopbackAccount
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from oms.domain.money import decimal_text

_STATES = {
    **dict.fromkeys(("new", "untriggered", "triggered"), "SUBMITTED"),
    "partly_filled": "PARTIALLY_FILLED",
    "filled": "FILLED",
    **dict.fromkeys(("canceled", "deactivated"), "CANCELED"),
    "expired": "EXPIRED",
}
_EVER = "start_date=2020-01-01&end_date=2100-01-01&page_size=1000"
_ORDER_ID = slice(8, 24)
#: Ids of conditional orders of contracts begin behind it, there.
ALGO_BASE = 1_000_000_000_000_000
#: Dialects whose ids are numbers.
_COUNTING = frozenset({"binance"})


@dataclass
class BookDifferences:
    """What does not agree, in words."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    misattributed: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    def messages(self) -> list[str]:
        """All of it."""
        return [*self.lost, *self.duplicated, *self.misattributed, *self.differs]


@dataclass
class AccountBooks:
    """One account on both sides."""

    account: LoopbackAccount
    orders: list[Json]
    deals: list[Json]
    positions: list[Json]
    balance: Json
    books: Json

    def name(self, what: object) -> str:
        """How a thing of this account is called in a message."""
        return f"{self.account.name} {what}"


def compare_books(
    gateway: Gateway, venue: LoopbackExchange, accounts: Iterable[LoopbackAccount]
) -> BookDifferences:
    """All accounts of both sides."""
    told, books = BookDifferences(), venue.control("books")["accounts"]
    for account in accounts:
        both = _both(gateway, account, books[account.name])
        _orders(both, told)
        _deals(both, told)
        _positions(both, told)
        _balances(both, told)
    return told


def _both(gateway: Gateway, account: LoopbackAccount, books: Json) -> AccountBooks:
    of = f"account_ids={account.account_id}"
    if account.dialect in _COUNTING:
        books = _numbered(books)
    path = f"/ccxt/{account.account_id}/fetch_balance"
    status, told, _ = call(gateway, "POST", path, {})
    return AccountBooks(
        account=account,
        orders=[_ordinary(row) for row in _pages(gateway, f"/oms/orders/history?{of}")],
        deals=_pages(gateway, f"/oms/deals?{of}"),
        positions=_pages(gateway, f"/oms/positions/history?{of}"),
        balance=told["result"]["total"] if status == 200 else {"failed": str(told)[:200]},
        books=books,
    )


def _ordinary(row: Json) -> Json:
    """An order under the id of what it placed, where it waited under one of its own."""
    name = row["exchange_order_id"] or ""
    is_algo = name.isdecimal() and int(name) > ALGO_BASE
    return row | {"exchange_order_id": str(int(name) - ALGO_BASE)} if is_algo else row


def _numbered(books: Json) -> Json:
    """Books as a dialect that counts tells them."""
    names = {row["order_id"]: str(row["number"]) for row in books["orders"]}
    orders = [row | {"order_id": str(row["number"])} | _ended(row) for row in books["orders"]]
    trades = [
        row | {"order_id": names.get(row["order_id"], ""), "trade_id": str(row["number"])}
        for row in books["trades"]
    ]
    return books | {"orders": orders, "trades": trades}


def _ended(row: Json) -> Json:
    """An order that the exchange itself ended is not canceled there: it has expired."""
    is_canceled = row["state"] in ("canceled", "deactivated")
    is_its_own = is_canceled and row["reason"] not in ("", "oco")
    return {"state": "expired"} if is_its_own else {}


def _pages(gateway: Gateway, path: str) -> list[Json]:
    rows: list[Json] = []
    more = ""
    while True:
        page = get(gateway, f"{path}&{_EVER}{more}")
        rows += page["items"]
        if not page["next_cursor"]:
            return rows
        more = f"&cursor={page['next_cursor']}"


def _orders(both: AccountBooks, told: BookDifferences) -> None:
    ours = {row["exchange_order_id"]: row for row in both.orders if row["exchange_order_id"]}
    known = Counter(row["exchange_order_id"] for row in both.orders if row["exchange_order_id"])
    told.duplicated += [both.name(f"order {each}: {n} rows") for each, n in known.items() if n > 1]
    chains = group_replacements(both.books["orders"])
    told.duplicated += [both.name(each) for each in chains.wrong]
    for row in chains.orders:
        mine = ours.pop(row["order_id"], None)
        if mine is None:
            told.lost.append(both.name(f"order {row} is not in the ledger"))
            continue
        if mine["id"] != int(row["client_id"][_ORDER_ID], 16):
            told.misattributed.append(both.name(f"order {row} is {mine['id']} in the ledger"))
        _same(both.name(f"order {mine['id']}"), _order_of(mine), _order_there(row), told)
    told.lost += [both.name(f"order {row['id']} is not there") for row in ours.values()]
    for row in both.orders:
        if not row["exchange_order_id"] and row["state"] not in ("REJECTED", "CANCELED"):
            told.differs.append(both.name(f"order {row['id']} is {row['state']} without any id"))


def _order_of(row: Json) -> Json:
    words = ("symbol", "side", "qty", "price", "filled_qty", "avg_fill_price")
    return {"state": row["state"]} | {word: row[word] for word in words}


def _order_there(row: Json) -> Json:
    return {
        "state": _STATES.get(row["state"], row["state"]),
        "symbol": row["symbol"],
        "side": row["side"],
        "qty": row["qty"],
        "price": row["price"],
        "filled_qty": row["filled"],
        "avg_fill_price": row["average"],
    }


def _deals(both: AccountBooks, told: BookDifferences) -> None:
    known = Counter((row["exchange_trade_id"], row["leg"]) for row in both.deals)
    told.duplicated += [both.name(f"deal {each}: {n} rows") for each, n in known.items() if n > 1]
    ours = _whole(both.deals)
    orders = {row["exchange_order_id"]: row["id"] for row in both.orders}
    first = group_replacements(both.books["orders"]).first
    for row in both.books["trades"]:
        mine = ours.pop(row["trade_id"], None)
        if mine is None:
            told.lost.append(both.name(f"trade {row} is not in the ledger"))
            continue
        if mine["order_id"] != orders.get(first.get(row["order_id"], "")):
            told.misattributed.append(both.name(f"deal {mine['id']}: {row}"))
        _same(both.name(f"deal {mine['id']}"), _deal_of(mine), _deal_there(row), told)
    told.lost += [both.name(f"deal {row} is not there") for row in ours.values()]


def _whole(deals: Iterable[Json]) -> dict[str, Json]:
    """Deals by their execution: one that turns a position around is booked in two parts.

    What a fee leaves of a spot position is written off by the ledger; the exchange knows nothing
    of that.
    """
    whole: dict[str, Json] = {}
    for row in deals:
        name = row["exchange_trade_id"]
        if _is_dust(row):
            continue
        before = whole.get(name)
        if before is not None:
            sums = {word: _plain(before[word], row[word]) for word in ("qty", "fee", "pnl")}
            whole[name] = before | sums
        else:
            whole[name] = row
    return whole


def _is_dust(row: Json) -> bool:
    return str(row["exchange_trade_id"]).startswith("dust:")


def _plain(one: str, other: str) -> str:
    return decimal_text(Decimal(one) + Decimal(other))


def _deal_of(row: Json) -> Json:
    words = ("symbol", "side", "qty", "price", "fee", "fee_currency", "provisional")
    maker, at = row["liquidity"] == "maker", _milliseconds(row["executed_at"])
    realised = row["pnl"] if ":" in row["symbol"] else "0"
    return {word: row[word] for word in words} | {"maker": maker, "at": at, "realised": realised}


def _deal_there(row: Json) -> Json:
    words = ("symbol", "side", "qty", "price", "fee", "fee_currency", "maker", "realised")
    at = _milliseconds(row["at"])
    return {word: row[word] for word in words} | {"provisional": False, "at": at}


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000 + 1e-6)


def _positions(both: AccountBooks, told: BookDifferences) -> None:
    held = [row for row in both.positions if row["state"] == "open"]
    ours = {(row["symbol"], _signed(row), row["avg_price"]) for row in held if ":" in row["symbol"]}
    there = {
        (row["symbol"], row["qty"], row["entry"])
        for row in both.books["positions"]
        if Decimal(row["qty"])
    }
    if ours != there:
        told.differs.append(both.name(f"positions {sorted(ours)} there {sorted(there)}"))


def _signed(row: Json) -> str:
    return row["qty"] if row["side"] == "buy" else f"-{row['qty']}"


def _balances(both: AccountBooks, told: BookDifferences) -> None:
    """As the account reads them, and as they follow from the deals and positions of the ledger."""
    there = {name: Decimal(row["total"]) for name, row in both.books["balances"].items()}
    read = {name: Decimal(str(text)) for name, text in both.balance.items() if name != "failed"}
    followed = _followed(both)
    if "failed" in both.balance or _held(read) != _held(there):
        told.differs.append(both.name(f"balances read {both.balance} there {there}"))
    if _held(followed) != _held(there):
        told.differs.append(both.name(f"balances of the ledger {followed} there {there}"))


def _followed(both: AccountBooks) -> dict[str, Decimal]:
    """First money, what spot deals moved, profit of contracts, fees."""
    money: dict[str, Decimal] = {"USDT": Decimal(INITIAL_USDT)}

    def add(currency: str, amount: Decimal) -> None:
        money[currency] = money.get(currency, Decimal(0)) + amount

    for row in both.deals:
        if _is_dust(row):
            continue
        sign = 1 if row["side"] == "buy" else -1
        qty, price = Decimal(row["qty"]), Decimal(row["price"])
        base, _, rest = row["symbol"].partition("/")
        add(row["fee_currency"] or "USDT", -Decimal(row["fee"] or 0))
        if ":" in rest:
            add("USDT", Decimal(row["pnl"]))
        else:
            add(base, sign * qty)
            add(rest, -sign * qty * price)
    return money


def _held(money: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount for name, amount in money.items() if amount}


def _same(name: str, ours: Json, there: Json, told: BookDifferences) -> None:
    wrong: dict[str, tuple[Any, Any]] = {
        word: (ours[word], there[word]) for word in there if ours[word] != there[word]
    }
    if wrong:
        told.differs.append(f"{name} (ours, there): {wrong}")
