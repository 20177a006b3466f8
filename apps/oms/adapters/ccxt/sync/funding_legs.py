"""Which leg a funding payment concerns where the exchange does not say it.

Two payments of one symbol and due time, one paid and one received, are those of a long and a short
leg. At a positive rate the long leg pays, at a negative one the short leg does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import (
    get_decimal,
    get_timestamp,
    require_rows,
    to_milliseconds,
)
from oms.adapters.ccxt.sync.paging import split_windows, until_params
from oms.domain.orders.execution_report import Charge
from oms.domain.side import Side
from oms.domain.value import evolve

_RATES = "fetch_funding_rate_history"
#: Rates of so many days fit on a page of every venue.
_WINDOW_DAYS = 30
#: Payments are booked a moment after the time of their rate.
_TOLERANCE = timedelta(minutes=1)
DueTime = tuple[str, datetime]


async def with_legs(client: ExchangeClient, payments: Sequence[Charge]) -> list[Charge]:
    """Return the payments; those of two legs with their leg, as far as the rates are listed.

    Raises ``ReadFailed`` for a failure that may pass.
    """
    two_legged = _two_legged(payments)
    rates: dict[DueTime, Decimal] = {}
    for symbol in sorted({symbol for symbol, _ in two_legged}):
        times = sorted(due for name, due in two_legged if name == symbol)
        for window in split_windows(times[0], times[-1], _WINDOW_DAYS):
            inside = [due for due in times if window.since <= due <= window.until]
            if inside:
                rates |= await _rates(client, symbol, inside)
    return [_with_leg(each, rates) for each in payments]


def _two_legged(payments: Iterable[Charge]) -> set[DueTime]:
    unnamed = [each for each in payments if each.side is None and each.symbol is not None]
    paid = {_due_time(each) for each in unnamed if each.amount < 0}
    return paid & {_due_time(each) for each in unnamed if each.amount > 0}


async def _rates(
    client: ExchangeClient, symbol: str, times: Sequence[datetime]
) -> Mapping[DueTime, Decimal]:
    """The rates of the due times, as far as they are listed; none where no list is given."""
    start, params = times[0] - _TOLERANCE, until_params({}, times[-1] + _TOLERANCE)
    try:
        answer = await client.read(_RATES, symbol, to_milliseconds(start), None, params)
    except ReadFailed as failed:
        if failed.retryable:
            raise
        return {}
    listed = [
        (get_timestamp(row, "timestamp"), get_decimal(row, "fundingRate"))
        for row in require_rows(answer, _RATES)
    ]
    return {
        (symbol, due): rate
        for due in times
        for at, rate in listed
        if at is not None and rate and abs(at - due) <= _TOLERANCE
    }


def _with_leg(payment: Charge, rates: Mapping[DueTime, Decimal]) -> Charge:
    rate = None if payment.symbol is None else rates.get(_due_time(payment))
    if rate is None or payment.side is not None or not payment.amount:
        return payment
    is_long = (payment.amount < 0) is (rate > 0)
    return evolve(payment, side=Side.BUY if is_long else Side.SELL)


def _due_time(payment: Charge) -> DueTime:
    assert payment.symbol is not None, "funding is paid for a symbol"
    return payment.symbol, payment.executed_at
