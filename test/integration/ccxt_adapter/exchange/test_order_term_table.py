"""The table of order terms in docs/domain/exchanges.md is what the adapter does at each dialect.

The expiries that the gateway keeps act in ``gateway/test_order_expiry.py``.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.orders.order_request import CHANGE, AmendMode, decode_amend_mode
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order_terms import NewTerms

Made = Callable[..., CcxtHarness]

PAGE = Path(__file__).parents[4] / "docs" / "domain" / "exchanges.md"
DIALECTS = ("bybit", "binance", "okx")
SYMBOLS = {"contracts": LINEAR, "spot": SPOT}
NATIVE, AGAIN, EMULATED, REFUSED = "native", "placed again", "emulated", "refused"

LIMIT: dict[str, Any] = {"price": "10000"}
STOP: dict[str, Any] = {"price": None, "order_type": "stop_market", "trigger_price": Decimal(90000)}
STOP_LIMIT = STOP | {"price": "90100", "order_type": "stop_limit"}
#: Orders that are placed, and whether they rest.
PLACED: dict[str, tuple[dict[str, Any], bool]] = {
    "limit, `GTC`": (LIMIT | {"time_in_force": "GTC"}, True),
    "`IOC`": (LIMIT | {"time_in_force": "IOC"}, False),
    "`FOK`": (LIMIT | {"time_in_force": "FOK"}, False),
    "`PO`": (LIMIT | {"time_in_force": "PO"}, True),
    "`GTD` with `expires_at`": (
        LIMIT | {"time_in_force": "GTD", "expires_at": now() + timedelta(hours=1)},
        True,
    ),
    "`stop_market`": (STOP, True),
    "`stop_limit`": (STOP_LIMIT, True),
    "`trailing_stop`": (
        {"price": None, "order_type": "trailing_stop", "trailing_percent": Decimal(1)},
        True,
    ),
}
#: What is changed of a resting order: new price, new quantity, other terms.
CHANGED: dict[str, tuple[dict[str, Any], str | None, str | None, NewTerms | None]] = {
    "change of price": (LIMIT, "10001", None, None),
    "change of quantity": (LIMIT, None, "0.02", None),
    "change of trigger price": (STOP_LIMIT, None, None, NewTerms(trigger_price=Decimal(90050))),
    "change of trailing distance": (STOP_LIMIT, None, None, NewTerms(trailing_amount=Decimal(9))),
    "change of time in force": (LIMIT, None, None, NewTerms(time_in_force="IOC")),
    "change of expiry": (LIMIT, None, None, NewTerms(expires_at=now() + timedelta(hours=2))),
}


def documented(dialect: str, kind: str) -> dict[str, str]:
    """What the page says of each term."""
    section = PAGE.read_text(encoding="utf-8").split("## Order terms\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]
    column = rows[0].index(f"{dialect.capitalize()}, {kind}".replace("Okx", "OKX"))
    return {row[0]: row[column] for row in rows[1:] if not re.fullmatch(r"-+", row[0])}


async def _place(harness: CcxtHarness, order_id: int, symbol: str, order: dict[str, Any]) -> None:
    fields = dict(order)
    await harness.send(order_id, "buy", "0.01", fields.pop("price"), symbol=symbol, **fields)


async def placed_as(harness: CcxtHarness, symbol: str, first_id: int) -> dict[str, str]:
    """How orders with these terms are placed."""
    found, ids = {}, dict(zip(PLACED, count(first_id), strict=False))
    for term, order_id in ids.items():
        await _place(harness, order_id, symbol, PLACED[term][0])
        found[term] = NATIVE
        if ReportKind.REFUSED in harness.kinds(order_id):
            (report,) = [each for each in harness.reports if each.order_id == order_id]
            assert report.code == "order_type_not_supported"
            assert report.message is not None and report.message.endswith(")"), "a capability"
            found[term] = REFUSED
    (expiring,) = [i for term, i in ids.items() if "expires_at" in PLACED[term][0]]
    await harness.wait_for_state(expiring, "SUBMITTED")
    assert harness.orders[expiring].expires_at is not None
    assert "GTD" not in harness.attempts[expiring, 1, "place"].request
    found["`GTD` with `expires_at`"] = EMULATED
    resting = [i for term, i in ids.items() if PLACED[term][1] and found[term] != REFUSED]
    await _cancel(harness, resting)
    for term, order_id in ids.items():
        if found[term] == NATIVE and order_id not in resting:
            await harness.wait_until(partial(_is_ended, harness, order_id), f"{term} ended")
    return found


async def changed_as(harness: CcxtHarness, symbol: str, first_id: int) -> dict[str, str]:
    """How these terms of resting orders are changed."""
    found, ids = {}, dict(zip(CHANGED, count(first_id), strict=False))
    for term, order_id in ids.items():
        await _place(harness, order_id, symbol, CHANGED[term][0])
    for order_id in ids.values():
        await harness.wait_for_state(order_id, "SUBMITTED")
    for term, order_id in ids.items():
        await harness.change(order_id, *CHANGED[term][1:])
    for term, order_id in ids.items():
        await harness.wait_until(partial(_is_answered, harness, order_id), f"{term} answered")
        code = _code(harness, order_id)
        ways = [
            decode_amend_mode(row)
            for (owner, _, request), row in harness.attempts.items()
            if (owner, request) == (order_id, CHANGE)
        ]
        found[term] = NATIVE if ways == [AmendMode.NATIVE] else AGAIN
        if not ways:
            found[term] = REFUSED if code else EMULATED
        assert code == ("order_type_not_supported" if found[term] == REFUSED else None)
    moved = harness.orders[ids["change of expiry"]].expires_at
    assert moved == CHANGED["change of expiry"][3].expires_at
    await _cancel(harness, list(ids.values()))
    return found


async def _cancel(harness: CcxtHarness, order_ids: list[int]) -> None:
    for order_id in order_ids:
        await harness.wait_for_state(order_id, "SUBMITTED")
        await harness.cancel(order_id)
    for order_id in order_ids:
        await harness.wait_for_state(order_id, "CANCELED")


def _is_ended(harness: CcxtHarness, order_id: int) -> bool:
    return harness.state(order_id) in ("CANCELED", "EXPIRED")


def _is_answered(harness: CcxtHarness, order_id: int) -> bool:
    return harness.orders[order_id].pending_change is None or bool(_code(harness, order_id))


def _code(harness: CcxtHarness, order_id: int) -> str | None:
    rejected = [
        each.code
        for each in harness.reports
        if each.order_id == order_id and each.kind is ReportKind.REJECTED
    ]
    return rejected[-1] if rejected else None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_each_term_is_native_placed_again_or_refused(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    venue.control("limit", per_second=1000)
    harness = await new_harness(dialect=dialect, extra={"rateLimit": 2}).wait_ready()
    for first_id, (kind, symbol) in zip((100, 300), SYMBOLS.items(), strict=True):
        placed = await placed_as(harness, symbol, first_id)
        before = len(venue.books()["orders"])
        changed = await changed_as(harness, symbol, first_id + 100)
        again = list(changed.values()).count(AGAIN)
        assert len(venue.books()["orders"]) - before == len(CHANGED) + again
        assert placed | changed == documented(dialect, kind)
