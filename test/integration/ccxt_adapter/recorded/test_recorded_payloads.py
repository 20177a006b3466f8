"""Payloads recorded at real exchanges become orders and deals, each once and with its numbers.

A row without id, side or time is quarantined with a reason and stops nothing. The table that is
printed (``-s``) is the one in the documentation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.recorded_venue import Recording, Row, load_recordings
from oms.adapters.ccxt.parsing.fields import to_milliseconds
from oms.domain.instrument import InstrumentKind

Reception = Any
pytestmark = pytest.mark.recorded
#: How a venue marks an update without an execution.
NO_TRADE = "-1"
#: Why rows may be quarantined.
NO_EXECUTION = ("execution", "no execution: its id says that there was none")
CONTRADICTS = ("execution", "repeated under the same id with different values")
NO_PAIR = ("position", "its symbol is not traded here")
ALLOWED = {NO_EXECUTION, CONTRADICTS, NO_PAIR}


@dataclass
class RecordingCounts:
    """The counts of one recording."""

    name: str
    orders: int
    new_orders: int
    trades: int
    new_deals: int
    positions: int
    held: int
    quarantine: Mapping[tuple[str, str], int]


async def test_every_row_is_ingested_once_whatever_its_order(
    reception: Reception, recorded_data: Path
) -> None:
    """Repeated and shuffled rows change nothing; another account with them ends equal."""
    counts = []
    for number, (name, recorded) in enumerate(load_recordings(recorded_data).items()):
        account_id = await reception.add(recorded)
        await reception.take_snapshot(account_id, recorded)
        counts.append(checked(reception, account_id, name, recorded))
        once = reception.every_row(account_id)
        for shuffle in (None, number + 1000):
            if shuffle is not None:
                await reception.forget(account_id)
            again = await reception.take_snapshot(account_id, recorded, shuffle)
            assert (again["new_deals"], again["new_orders"]) == (0, 0), name
            assert reception.every_row(account_id) == once, name
        other = await reception.add(recorded)
        await reception.take_snapshot(other, recorded, number)
        assert reception.book(other) == reception.book(account_id), name
        assert reception.quarantined_counts(other) == reception.quarantined_counts(account_id)
    print(table(counts))
    assert sum(each.new_orders for each in counts) > 150
    assert sum(each.new_deals for each in counts) > 90
    listed = await reception.verify()
    found = {
        (each["account_id"], finding["invariant"], finding["id"])
        for each in listed["accounts"]
        for finding in each["findings"]
    }
    assert found == overfilled(reception)
    assert len(found) == 2, "the same one in each of two accounts"


def overfilled(reception: Reception) -> set[tuple[int, str, int]]:
    """Orders whose executions exceed their amount: booked as reported, and listed."""
    found = set()
    for account_id, venue in reception.venues.items():
        traded: Counter[tuple[str, str]] = Counter()
        for row in distinct(venue.trades):
            if row["order"] is not None:
                traded[row["symbol"], row["order"]] += row["amount"]
        listed = {(row["symbol"], row["id"]): row["amount"] for row in venue.orders}
        columns = "id, symbol, exchange_order_id"
        for order_id, *key in reception.stored(account_id, "oms_orders", columns):
            if traded[tuple(key)] > listed.get(tuple(key), traded[tuple(key)]):
                found.add((account_id, "order_overfilled", order_id))
    return found


def checked(
    reception: Reception, account_id: int, name: str, recorded: Recording
) -> RecordingCounts:
    """Compare the ledger with the recording, row by row."""
    orders = {
        (row[0], row[1]): row[2:]
        for row in reception.stored(
            account_id, "oms_orders", "symbol, exchange_order_id, side, qty, price, order_type"
        )
    }
    deals = dealt(reception, account_id)
    quarantine = reception.quarantined_counts(account_id)
    assert set(quarantine) <= ALLOWED, (name, quarantine)
    versions = grouped(recorded.orders)
    for key, listed in versions.items():
        assert any(is_order(orders[key], row) for row in listed), (name, key, orders[key], listed)
    named = grouped(row for row in recorded.trades if row["id"] not in (None, NO_TRADE))
    for key, listed in named.items():
        assert any(is_deal(deals[key], row) for row in listed), (name, key, deals[key], listed)
    nameless = sum(row["id"] is None for row in recorded.trades)
    contradict = sum(disagreeing(listed) for listed in named.values())
    assert (CONTRADICTS in quarantine) == (contradict > 0), name
    updates = [row for row in recorded.trades if row["id"] == NO_TRADE]
    assert quarantine.get(NO_EXECUTION, 0) == len(distinct(updates)), name
    assert sum(1 for key in deals if key not in named) == nameless, name
    for table_name, rows in (
        ("ccxt_orders_raw", recorded.orders),
        ("ccxt_trades_raw", recorded.trades),
    ):
        kept = reception.stored(account_id, table_name, "raw_json")
        assert len(kept) == len(distinct(rows)), (name, table_name)
    held = check_holdings(reception, account_id, recorded)
    return RecordingCounts(
        name=name,
        orders=len(recorded.orders),
        new_orders=len(versions),
        trades=len(recorded.trades),
        new_deals=len(deals),
        positions=len(recorded.positions),
        held=held,
        quarantine=quarantine,
    )


def dealt(reception: Reception, account_id: int) -> dict[tuple[str, str], Row]:
    """Executions in the ledger: the legs of each put together."""
    found: dict[tuple[str, str], Row] = {}
    columns = "type, symbol, exchange_trade_id, side, qty, price, executed_at, fee, fee_currency"
    for kind, symbol, trade_id, side, qty, price, at, fee, currency in reception.stored(
        account_id, "oms_deals", columns
    ):
        if kind != "trade":
            continue  # a fee in a second currency
        deal = found.setdefault(
            (symbol, trade_id),
            {"side": side, "qty": Decimal(0), "price": price, "at": at, "fee": None},
        )
        deal["qty"] += Decimal(str(qty))
        if fee is not None:
            deal["fee"] = (deal["fee"] or Decimal(0)) + Decimal(str(fee))
            deal["currency"] = currency
    return found


def grouped(listed: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows by symbol and id."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in listed:
        found.setdefault((row["symbol"], row["id"]), []).append(row)
    return found


def disagreeing(listed: list[Row]) -> int:
    """How many further versions of one execution contradict the first."""
    names = ("side", "price", "amount", "timestamp")
    return len({tuple(row[name] for name in names) for row in listed}) - 1


def distinct(listed: Iterable[Row]) -> list[Row]:
    """Rows that differ in anything."""
    found: list[Row] = []
    for row in listed:
        if row not in found:
            found.append(row)
    return found


def is_order(stored: tuple[Any, ...], row: Row) -> bool:
    """Whether the stored order has the side, the quantity and the price of ``row``."""
    side, qty, price, order_type = stored
    is_priced = "limit" in order_type and row["price"]
    return (
        side == row["side"]
        and float(qty) == row["amount"]
        and (not is_priced or float(price) == row["price"])
    )


def is_deal(deal: Row, row: Row) -> bool:
    """Whether the booked execution has side, quantity, price, time and fee of ``row``."""
    fee = row["fee"] or {}
    is_paid = fee.get("cost") is not None and fee.get("currency") is not None
    paid = None if deal["fee"] is None else float(deal["fee"])
    return (
        deal["side"] == side_of(row)
        and float(deal["qty"]) == row["amount"]
        and float(deal["price"]) == row["price"]
        and to_milliseconds(datetime.fromisoformat(deal["at"])) == row["timestamp"]
        and (not is_paid or (paid, deal.get("currency")) == (fee["cost"], fee["currency"]))
    )


def side_of(row: Row) -> str:
    """The side of the execution: Bitget reports the opening side for the close of a long leg."""
    info = row["info"]
    if info.get("posMode") == "hedge_mode" and info.get("tradeSide") == "close":
        return "sell" if info["side"] == "buy" else "buy"
    return str(row["side"])


def check_holdings(reception: Reception, account_id: int, recorded: Recording) -> int:
    """Compare holdings with the positions; returns how many positions have a quantity."""
    instruments = reception.venues[account_id].instruments
    sums: Counter[str] = Counter()
    count = 0
    for row in recorded.positions:
        if row["symbol"] in instruments and row["contracts"]:
            assert instruments[row["symbol"]].kind is not InstrumentKind.SPOT
            side = row["side"] or row["info"]["positionSide"].lower()
            sign = 1 if side == "long" else -1
            sums[row["symbol"]] += sign * Decimal(repr(abs(row["contracts"])))
            count += 1
    shown: Counter[str] = Counter()
    for (symbol, _), qty in reception.holdings(account_id).items():
        shown[symbol] += qty
    assert shown == sums
    return count


def table(counts: list[RecordingCounts]) -> str:
    """The table of the documentation."""
    lines = [
        "| exchange | order rows | orders | execution rows | deals | position rows | held"
        " | quarantined |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for each in counts:
        why = "; ".join(f"{n} {what}: {reason}" for (what, reason), n in each.quarantine.items())
        numbers = (each.orders, each.new_orders, each.trades, each.new_deals)
        cells = [each.name, *map(str, (*numbers, each.positions, each.held)), why or "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(["", *lines])
