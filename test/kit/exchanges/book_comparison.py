"""Compares orders, deals, positions and balances of a gateway with those of the exchange, exactly.

Our books are read from the API, the exchange's from its control port. Differences are messages,
sorted into lost, duplicated, misattributed and otherwise different rows.
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
_ALL_TIME = "start_date=2020-01-01&end_date=2100-01-01&page_size=1000"
_ORDER_ID = slice(8, 24)
#: Ids of conditional orders of contracts are above it at the exchange.
ALGO_BASE = 1_000_000_000_000_000
#: Dialects with numeric ids.
_NUMERIC_ID_DIALECTS = frozenset({"binance", "okx"})


@dataclass
class BookDifferences:
    """Messages about rows that differ."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    misattributed: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    def messages(self) -> list[str]:
        """All messages."""
        return [*self.lost, *self.duplicated, *self.misattributed, *self.differs]


@dataclass
class AccountBooks:
    """One account: rows of the gateway, and ``books`` of the exchange."""

    account: LoopbackAccount
    orders: list[Json]
    deals: list[Json]
    positions: list[Json]
    balance: Json
    books: Json

    def name(self, what: object) -> str:
        """The name of a row of this account in a message."""
        return f"{self.account.name} {what}"


def compare_books(
    gateway: Gateway, venue: LoopbackExchange, accounts: Iterable[LoopbackAccount]
) -> BookDifferences:
    """Compares all accounts; returns the differences."""
    differences, books = BookDifferences(), venue.control("books")["accounts"]
    for account in accounts:
        account_books = _load_books(gateway, account, books[account.name])
        _orders(account_books, differences)
        _deals(account_books, differences)
        _funding_payments(account_books, differences)
        _positions(account_books, differences)
        _balances(account_books, differences)
    return differences


def _load_books(gateway: Gateway, account: LoopbackAccount, books: Json) -> AccountBooks:
    query = f"account_ids={account.account_id}"
    if account.dialect in _NUMERIC_ID_DIALECTS:
        books = _with_numeric_ids(books, account.dialect)
    path = f"/ccxt/{account.account_id}/fetch_balance"
    status, differences, _ = call(gateway, "POST", path, {})
    return AccountBooks(
        account=account,
        orders=[_with_placed_id(row) for row in _pages(gateway, f"/oms/orders/history?{query}")],
        deals=_pages(gateway, f"/oms/deals?{query}"),
        positions=_pages(gateway, f"/oms/positions/history?{query}"),
        balance=differences["result"]["total"]
        if status == 200
        else {"failed": str(differences)[:200]},
        books=books,
    )


def _with_placed_id(row: Json) -> Json:
    """The order row; a conditional order gets the id of the order that it placed."""
    name = row["exchange_order_id"] or ""
    is_algo = name.isdecimal() and int(name) > ALGO_BASE
    return row | {"exchange_order_id": str(int(name) - ALGO_BASE)} if is_algo else row


def _with_numeric_ids(books: Json, dialect: str) -> Json:
    """Books with the numeric ids that such a dialect reports."""
    names = {row["order_id"]: str(row["number"]) for row in books["orders"]}
    orders = [
        row | {"order_id": str(row["number"])} | _expired_state(row, dialect)
        for row in books["orders"]
    ]
    trades = [
        row | {"order_id": names.get(row["order_id"], ""), "trade_id": str(row["number"])}
        for row in books["trades"]
    ]
    return books | {"orders": orders, "trades": trades}


def _expired_state(row: Json, dialect: str) -> Json:
    """At Binance, what the exchange itself has canceled counts as expired."""
    is_canceled = dialect == "binance" and row["state"] in ("canceled", "deactivated")
    is_its_own = is_canceled and row["reason"] not in ("", "oco")
    return {"state": "expired"} if is_its_own else {}


def _pages(gateway: Gateway, path: str) -> list[Json]:
    rows: list[Json] = []
    more = ""
    while True:
        page = get(gateway, f"{path}&{_ALL_TIME}{more}")
        rows += page["items"]
        if not page["next_cursor"]:
            return rows
        more = f"&cursor={page['next_cursor']}"


def _orders(account_books: AccountBooks, differences: BookDifferences) -> None:
    ours = {
        row["exchange_order_id"]: row for row in account_books.orders if row["exchange_order_id"]
    }
    counts = Counter(
        row["exchange_order_id"] for row in account_books.orders if row["exchange_order_id"]
    )
    differences.duplicated += [
        account_books.name(f"order {each}: {n} rows") for each, n in counts.items() if n > 1
    ]
    chains = group_replacements(account_books.books["orders"])
    differences.duplicated += [account_books.name(each) for each in chains.violations]
    for row in chains.orders:
        own = ours.pop(row["order_id"], None)
        if own is None:
            differences.lost.append(account_books.name(f"order {row} is not in the ledger"))
            continue
        if own["id"] != int(row["client_id"][_ORDER_ID], 16):
            differences.misattributed.append(
                account_books.name(f"order {row} is {own['id']} in the ledger")
            )
        _compare(
            account_books.name(f"order {own['id']}"),
            _ledger_order(own),
            _exchange_order(row),
            differences,
        )
    differences.lost += [
        account_books.name(f"order {row['id']} is not at the exchange") for row in ours.values()
    ]
    for row in account_books.orders:
        if not row["exchange_order_id"] and row["state"] not in ("REJECTED", "CANCELED"):
            differences.differs.append(
                account_books.name(f"order {row['id']} is {row['state']} without an exchange id")
            )


def _ledger_order(row: Json) -> Json:
    keys = ("symbol", "side", "qty", "price", "filled_qty", "avg_fill_price")
    return {"state": row["state"]} | {key: row[key] for key in keys}


def _exchange_order(row: Json) -> Json:
    return {
        "state": _STATES.get(row["state"], row["state"]),
        "symbol": row["symbol"],
        "side": row["side"],
        "qty": row["qty"],
        "price": row["price"],
        "filled_qty": row["filled"],
        "avg_fill_price": row["average"],
    }


def _deals(account_books: AccountBooks, differences: BookDifferences) -> None:
    counts = Counter((row["exchange_trade_id"], row["leg"]) for row in account_books.deals)
    differences.duplicated += [
        account_books.name(f"deal {each}: {n} rows") for each, n in counts.items() if n > 1
    ]
    ours = _merge_legs(account_books.deals)
    orders = {row["exchange_order_id"]: row["id"] for row in account_books.orders}
    first = group_replacements(account_books.books["orders"]).first
    for row in account_books.books["trades"]:
        if row["kind"] == "funding":
            continue
        own = ours.pop(row["trade_id"], None)
        if own is None:
            differences.lost.append(account_books.name(f"trade {row} is not in the ledger"))
            continue
        if own["order_id"] != orders.get(first.get(row["order_id"], "")):
            differences.misattributed.append(account_books.name(f"deal {own['id']}: {row}"))
        _compare(
            account_books.name(f"deal {own['id']}"),
            _ledger_deal(own),
            _exchange_deal(row),
            differences,
        )
    differences.lost += [
        account_books.name(f"deal {row} is not at the exchange") for row in ours.values()
    ]


def _merge_legs(deals: Iterable[Json]) -> dict[str, Json]:
    """Deals by execution: one that reverses a position is booked in two legs.

    Funding is left out, and so is dust that a fee leaves of a spot position, which only the ledger
    writes off.
    """
    merged: dict[str, Json] = {}
    for row in deals:
        name = row["exchange_trade_id"]
        if _is_dust(row) or row["type"] == "funding":
            continue
        before = merged.get(name)
        if before is not None:
            sums = {key: _add(before[key], row[key]) for key in ("qty", "fee", "pnl")}
            merged[name] = before | sums
        else:
            merged[name] = row
    return merged


def _funding_payments(account_books: AccountBooks, differences: BookDifferences) -> None:
    """Compares what was paid at the funding times of the run, if there were any.

    The ledger splits a payment over the positions that were open.
    """
    ours: dict[str, list[Json]] = {}
    for row in account_books.deals:
        if row["type"] == "funding":
            ours.setdefault(row["exchange_trade_id"], []).append(row)
    for row in account_books.books["trades"]:
        if row["kind"] != "funding":
            continue
        leg = "" if row["leg"] == "both" else f":{row['leg']}"
        own = ours.pop(f"funding:{row['trade_id']}{leg}", None)
        if own is None:
            differences.lost.append(account_books.name(f"payment {row} is not in the ledger"))
            continue
        received = sum((Decimal(each["pnl"]) for each in own), Decimal(0))
        _compare(
            account_books.name(f"payment {own[0]['exchange_trade_id']}"),
            _payment(own[0], received),
            _payment(row | {"executed_at": row["at"]}, -Decimal(row["fee"])),
            differences,
        )
    differences.lost += [
        account_books.name(f"payment {rows} is not at the exchange") for rows in ours.values()
    ]


def _payment(row: Json, received: Decimal) -> Json:
    at = _milliseconds(row["executed_at"])
    return {"symbol": row["symbol"], "at": at, "received": received}


def _is_dust(row: Json) -> bool:
    return str(row["exchange_trade_id"]).startswith("dust:")


def _add(one: str | None, other: str | None) -> str | None:
    """The sum; ``None`` while the fee of a provisional deal is unknown."""
    if one is None or other is None:
        return None
    return decimal_text(Decimal(one) + Decimal(other))


def _ledger_deal(row: Json) -> Json:
    keys = ("symbol", "side", "qty", "price", "fee", "fee_currency", "provisional")
    maker, at = row["liquidity"] == "maker", _milliseconds(row["executed_at"])
    realised = row["pnl"] if ":" in row["symbol"] else "0"
    return {key: row[key] for key in keys} | {"maker": maker, "at": at, "realised": realised}


def _exchange_deal(row: Json) -> Json:
    keys = ("symbol", "side", "qty", "price", "fee", "fee_currency", "maker", "realised")
    at = _milliseconds(row["at"])
    return {key: row[key] for key in keys} | {"provisional": False, "at": at}


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000 + 1e-6)


def _positions(account_books: AccountBooks, differences: BookDifferences) -> None:
    open_positions = [row for row in account_books.positions if row["state"] == "open"]
    ours = {
        (row["symbol"], _signed(row), row["avg_price"])
        for row in open_positions
        if ":" in row["symbol"]
    }
    theirs = {
        (row["symbol"], row["qty"], row["entry"])
        for row in account_books.books["positions"]
        if Decimal(row["qty"])
    }
    if ours != theirs:
        differences.differs.append(
            account_books.name(f"positions {sorted(ours)} exchange {sorted(theirs)}")
        )


def _signed(row: Json) -> str:
    return row["qty"] if row["side"] == "buy" else f"-{row['qty']}"


def _balances(account_books: AccountBooks, differences: BookDifferences) -> None:
    """Compares reported balances, and balances derived from the ledger, with the exchange.

    The gateway reports balances as ccxt does, as doubles; those of the ledger are exact.
    """
    theirs = {name: Decimal(row["total"]) for name, row in account_books.books["balances"].items()}
    reported = {name: total for name, total in account_books.balance.items() if name != "failed"}
    from_ledger = _balances_from_ledger(account_books)
    expected = _nonzero(_reported_totals(account_books, theirs))
    if "failed" in account_books.balance or _nonzero(reported) != {
        name: float(total) for name, total in expected.items()
    }:
        differences.differs.append(
            account_books.name(f"balances read {account_books.balance} exchange {theirs}")
        )
    if _nonzero(from_ledger) != _nonzero(theirs):
        differences.differs.append(
            account_books.name(f"balances of the ledger {from_ledger} exchange {theirs}")
        )


def _reported_totals(
    account_books: AccountBooks, theirs: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """The totals that the dialect reports: at OKX with the unrealised profit."""
    totals = dict(theirs)
    if account_books.account.dialect == "okx":
        rows = account_books.books["positions"]
        totals["USDT"] += sum((Decimal(row["unrealised"]) for row in rows), Decimal(0))
    return totals


def _balances_from_ledger(account_books: AccountBooks) -> dict[str, Decimal]:
    """Initial balance, spot quantities, profit of contracts and fees, by currency."""
    money: dict[str, Decimal] = {"USDT": Decimal(INITIAL_USDT)}

    def add(currency: str, amount: Decimal) -> None:
        money[currency] = money.get(currency, Decimal(0)) + amount

    for row in account_books.deals:
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


def _nonzero(money: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount for name, amount in money.items() if amount}


def _compare(name: str, ours: Json, theirs: Json, differences: BookDifferences) -> None:
    unequal: dict[str, tuple[Any, Any]] = {
        key: (ours[key], theirs[key]) for key in theirs if ours[key] != theirs[key]
    }
    if unequal:
        differences.differs.append(f"{name} (ours, exchange): {unequal}")
