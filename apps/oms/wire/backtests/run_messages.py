"""A backtest in messages of the process that runs it: exact decimals as text.

Times are counts of milliseconds, as those of the candles that it is given.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from oms.backtest.result import CurvePoint, Execution, ExecutionReason, RoundTrip
from oms.backtest.settings import BacktestSettings
from oms.domain.market.funding_rate import FundingRate
from oms.domain.side import Side
from oms.domain.value import constructor, evolve
from oms.wire.backtests.result_json import settings_json
from oms.wire.backtests.run_settings import read_settings
from oms.wire.strategies.messages import decode_time, encode_time

_new_point = constructor(CurvePoint)


def run_message(settings: BacktestSettings) -> dict[str, Any]:
    """Return the settings of a run."""
    funding = [[encode_time(each.at), str(each.rate)] for each in settings.funding]
    return {"settings": settings_json(settings), "funding": funding}


def read_run_message(message: Mapping[str, Any]) -> BacktestSettings:
    """Return the settings of ``run_message``."""
    funding = [
        FundingRate(at=decode_time(at), rate=Decimal(rate)) for at, rate in message["funding"]
    ]
    return evolve(read_settings(message["settings"]), funding=funding)


def encode_point(point: CurvePoint) -> list[Any]:
    """Return time, close, cash, value of the position and equity."""
    numbers = (point.close, point.cash, point.position_value, point.equity)
    return [encode_time(point.at), *(str(each) for each in numbers)]


def decode_point(row: Sequence[Any]) -> CurvePoint:
    """Return the point of ``encode_point``."""
    close, cash, held, equity = (Decimal(each) for each in row[1:])
    return _new_point(
        at=decode_time(row[0]), close=close, cash=cash, position_value=held, equity=equity
    )


def encode_execution(execution: Execution) -> list[Any]:
    """Return time, side, quantity, price, value, fee, reason and the number of its round trip."""
    numbers = (execution.qty, execution.price, execution.value, execution.fee)
    return [
        *(encode_time(execution.at), execution.side.value),
        *(str(each) for each in numbers),
        *(execution.reason.value, execution.round_trip),
    ]


def decode_execution(row: Sequence[Any]) -> Execution:
    """Return the execution of ``encode_execution``."""
    qty, price, worth, fee = (Decimal(each) for each in row[2:6])
    return Execution(
        at=decode_time(row[0]),
        side=Side(row[1]),
        qty=qty,
        price=price,
        value=worth,
        fee=fee,
        reason=ExecutionReason(row[6]),
        round_trip=row[7],
    )


def encode_round_trip(trip: RoundTrip) -> list[Any]:
    """Return number, side, entry, exit, quantity, fees, result, its percent, candles, reason."""
    numbers = (trip.qty, trip.fees, trip.pnl, trip.pnl_pct)
    return [
        *(trip.number, trip.side.value),
        *(encode_time(trip.entry_time), str(trip.entry_price)),
        *(encode_time(trip.exit_time), str(trip.exit_price)),
        *(str(each) for each in numbers),
        *(trip.bars_held, trip.exit_reason.value),
    ]


def decode_round_trip(row: Sequence[Any]) -> RoundTrip:
    """Return the round trip of ``encode_round_trip``."""
    qty, fees, pnl, pnl_pct = (Decimal(each) for each in row[6:10])
    return RoundTrip(
        number=row[0],
        side=Side(row[1]),
        entry_time=decode_time(row[2]),
        entry_price=Decimal(row[3]),
        exit_time=decode_time(row[4]),
        exit_price=Decimal(row[5]),
        qty=qty,
        fees=fees,
        pnl=pnl,
        pnl_pct=pnl_pct,
        bars_held=row[10],
        exit_reason=ExecutionReason(row[11]),
    )
