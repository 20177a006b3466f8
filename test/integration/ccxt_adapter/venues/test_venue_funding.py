"""Funding payments of four venues: rows as documented, read back page by page, by their own ids."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.stub_exchange import ReceivedRequest
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.orders.execution_report import Charge
from oms.domain.side import Side

Places = Callable[[str], Any]
Row = dict[str, Any]
#: 250 payments of one contract, one each eight hours.
COUNT, HOURS = 250, 8
END = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
BILL = {"okx": "377970609204146000", "bitget": "1111499428100472000", "kucoin": "239471298749000"}


def due_ms(number: int) -> int:
    return int((END - timedelta(hours=HOURS * (COUNT - number))).timestamp() * 1000)


def okx_row(number: int) -> Row:
    return {
        "bal": "24.29",
        "balChg": "0" if number % 2 else f"-0.{number:05}",
        "posBalChg": f"-0.{number:05}" if number % 2 else "0",
        "billId": str(int(BILL["okx"]) + number),
        "ccy": "USDT",
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "subType": "173",
        "sz": "9",
        "ts": str(due_ms(number)),
        "type": "8",
    }


def gate_row(number: int) -> Row:
    return {
        "time": due_ms(number) // 1000,
        "change": f"-0.{number:05}",
        "balance": f"{1000 - number}.653120591841",
        "text": "ETH_USDT",
        "type": "fund",
    }


def kucoin_row(number: int) -> Row:
    return {
        "id": int(BILL["kucoin"]) + number,
        "symbol": "XBTUSDTM",
        "timePoint": due_ms(number),
        "fundingRate": 0.0001,
        "markPrice": 8058.27,
        "positionQty": -10,
        "positionCost": -0.001241,
        "funding": -number / 100_000,
        "settleCurrency": "USDT",
    }


def bitget_row(number: int) -> Row:
    return {
        "billId": str(int(BILL["bitget"]) + number),
        "symbol": "BTCUSDT",
        "amount": f"-0.{number:05}",
        "fee": "0",
        "businessType": "contract_settle_fee",
        "coin": "USDT",
        "cTime": str(due_ms(number)),
    }


def newest(rows: list[Row], asked: ReceivedRequest, key: str, before: str) -> list[Row]:
    """A page of the rows older than the id asked for, the newest first."""
    end = int(asked.fields.get(before) or 2**63)
    older = [row for row in rows if int(row[key]) < end]
    return older[::-1][: int(asked.fields.get("limit") or asked.fields.get("maxCount") or 10)]


def okx_page(asked: ReceivedRequest) -> Any:
    assert (asked.fields["type"], asked.fields["instType"]) == ("8", "SWAP")
    assert "subType" not in asked.fields, "it would be the kind of bill"
    rows = [okx_row(number) for number in range(COUNT)]
    return {"code": "0", "data": newest(rows, asked, "billId", "after")}


def gate_page(asked: ReceivedRequest) -> Any:
    assert asked.fields["type"] == "fund"
    rows = [gate_row(number) for number in range(COUNT)][::-1]
    first = int(asked.fields.get("offset") or 0)
    return rows[first : first + int(asked.fields["limit"])]


def kucoin_page(asked: ReceivedRequest) -> Any:
    assert asked.fields["symbol"] == "XBTUSDTM"
    rows = [kucoin_row(number) for number in range(COUNT)]
    page = newest(rows, asked, "id", "offset")
    return {"code": "200000", "data": {"dataList": page, "hasMore": True}}


def bitget_page(asked: ReceivedRequest) -> Any:
    assert asked.fields["businessType"] == "contract_settle_fee"
    start, end = int(asked.fields["startTime"]), int(asked.fields["endTime"])
    assert end - start <= 30 * 86_400_000
    rows = [row for row in map(bitget_row, range(COUNT)) if start <= int(row["cTime"]) <= end]
    return {"code": "00000", "data": {"bills": newest(rows, asked, "billId", "idLessThan")}}


VENUES: list[tuple[str, str, Callable[[ReceivedRequest], Any], str, str]] = [
    ("okx", "GET /api/v5/account/bills-archive", okx_page, "BTC/USDT:USDT", "377970609204146249"),
    (
        "gate",
        "GET /api/v4/futures/usdt/account_book",
        gate_page,
        "ETH/USDT:USDT",
        "1772294400:751.653120591841:-0.00249",
    ),
    ("kucoin", "GET /api/v1/funding-history", kucoin_page, "BTC/USDT:USDT", "239471298749249"),
    ("bitget", "GET /api/v2/mix/account/bill", bitget_page, "BTC/USDT:USDT", "1111499428100472249"),
]


async def read(
    places: Places, one: Any, since: datetime, *, has_legs: bool = False
) -> tuple[list[Charge], Any]:
    venue, route, page, symbol, _ = one
    place = places(venue)
    place.venue.answers[route] = page
    client = await place.opened()
    raw_rows = RawRowBuffer(venue)
    reader = AccountReader(client, venue, get_profile(venue), lambda: [symbol], raw_rows)
    reader._has_legs, reader._legs_read_at = has_legs, END
    (section,) = (each for each in reader.sections() if each.has_positions)
    paid = await reader.funding(section, since, END, END, [symbol])
    assert paid is not None and not raw_rows.quarantined_counts
    return sorted(paid, key=lambda each: each.executed_at), place.venue.sent(route)


@pytest.mark.parametrize("one", VENUES, ids=lambda one: one[0])
async def test_payments_are_read_by_their_own_ids_back_to_the_start(
    one: Any, places: Places
) -> None:
    since = END - timedelta(hours=HOURS * (COUNT - 20))
    paid, asked = await read(places, one, since)
    assert len({each.charge_id for each in paid}) == len(paid) == COUNT - 20
    assert (paid[-1].charge_id, paid[-1].symbol) == (one[4], one[3])
    assert [each.amount for each in paid] == [
        -Decimal(number).scaleb(-5) for number in range(20, COUNT)
    ]
    assert {(each.currency, each.side) for each in paid} == {("USDT", None)}
    assert len(asked) <= 4, "pages of 100, or spans of 30 days"
    again, _ = await read(places, one, since)
    assert [each.charge_id for each in again] == [each.charge_id for each in paid]


async def test_a_payment_that_names_its_leg_is_of_that_leg(places: Places) -> None:
    (kucoin,) = (each for each in VENUES if each[0] == "kucoin")
    paid, _ = await read(places, kucoin, END - timedelta(days=1), has_legs=True)
    assert {each.side for each in paid} == {Side.SELL}


@pytest.mark.parametrize(("rate", "payer"), [("0.0001", Side.BUY), ("-0.0001", Side.SELL)])
async def test_the_rate_says_which_of_two_legs_paid(places: Places, rate: str, payer: Side) -> None:
    """Long and short of equal size: what one pays the other receives, in one millisecond."""
    first = okx_row(COUNT - 2) | {"balChg": "-0.24", "posBalChg": "0"}
    other = first | {"balChg": "0.24", "billId": str(int(first["billId"]) + 1)}
    place = places("okx")
    place.venue.answers |= {
        "GET /api/v5/account/bills-archive": {"code": "0", "data": [other, first]},
        "GET /api/v5/public/funding-rate-history": {
            "code": "0",
            "data": [
                {
                    "instId": "BTC-USDT-SWAP",
                    "instType": "SWAP",
                    "fundingRate": rate,
                    "realizedRate": rate,
                    "fundingTime": str(due_ms(COUNT - 2) + offset),
                }
                for offset in (28_800_000, -5, -28_800_000)
            ],
        },
    }
    client = await place.opened()
    reader = AccountReader(client, "okx", get_profile("okx"), lambda: (), RawRowBuffer("okx"))
    (section,) = (each for each in reader.sections() if each.has_positions)
    paid = await reader.funding(section, END - timedelta(days=2), END, END, ())
    assert paid is not None
    assert {each.amount: each.side for each in paid} == {
        Decimal("-0.24"): payer,
        Decimal("0.24"): Side.SELL if payer is Side.BUY else Side.BUY,
    }
