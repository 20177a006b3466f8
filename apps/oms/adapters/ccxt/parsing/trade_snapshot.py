"""Parses ccxt's executions with all their fees."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import (
    NO_ID,
    get_decimal,
    get_text,
    get_timestamp,
    malformed_response,
    require_decimal,
    to_milliseconds,
)
from oms.adapters.ccxt.parsing.order_snapshot import parse_client_id, side_of
from oms.adapters.ccxt.sync.raw_row_buffer import NOT_TRADED
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.booking import execution_key_of
from oms.domain.money import add, decimal_text, multiply
from oms.domain.orders.execution_report import Charge, ChargeKind, Execution, ReportSource
from oms.domain.side import Side
from oms.domain.value import value

RowRejector = Callable[[str, Mapping[str, Any]], None]
"""Called with the reason and the row that is left out."""


def reject_row(reason: str, row: Mapping[str, Any]) -> None:
    """Raises ``ReadFailed`` except for symbols that are not traded here: for complete lists."""
    if reason != NOT_TRADED:
        raise malformed_response(reason)


def skip_row(reason: str, row: Mapping[str, Any]) -> None:
    """Ignores the row: for lists in which an external order is searched."""


@value
class TradeSnapshot:
    """One execution; ``extra_fees`` are those in further currencies."""

    symbol: str
    side: Side
    exchange_order_id: str | None
    client_id: str | None
    execution: Execution
    extra_fees: tuple[tuple[Decimal, str], ...]
    #: ``external``, or why the exchange made the execution.
    reason: str


def parse_trades(
    rows: Iterable[Mapping[str, Any]],
    venue: str,
    instruments: Mapping[str, Instrument],
    quarantine: RowRejector = reject_row,
) -> list[TradeSnapshot]:
    """Returns the executions, oldest first; malformed rows are passed to ``quarantine``.

    Two equal rows without an id are distinguished by their position in the list.
    """
    parsed: list[TradeSnapshot] = []
    ordinals: dict[str, int] = {}
    for row in rows:
        instrument = instruments.get(str(row.get("symbol")))
        if instrument is None:
            quarantine(NOT_TRADED, row)
        elif not is_funding(row):
            try:
                parsed.append(_parse_trade(row, venue, instrument, ordinals))
            except ReadFailed as error:
                quarantine(error.message, row)
    return sorted(parsed, key=_sort_key)


def is_funding(row: Mapping[str, Any]) -> bool:
    """Returns whether the row is a funding payment instead of an execution."""
    info = row.get("info")
    return isinstance(info, Mapping) and info.get("execType") == "Funding"


def fee_charges(trade: TradeSnapshot, source: ReportSource, now: datetime) -> list[Charge]:
    """Returns fees in further currencies, as charges of the execution."""
    return [
        Charge(
            kind=ChargeKind.COMMISSION,
            charge_id=trade.execution.exchange_trade_id,
            amount=-amount,
            currency=currency,
            symbol=trade.symbol,
            executed_at=trade.execution.executed_at,
            source=source,
            received_at=now,
        )
        for amount, currency in trade.extra_fees
    ]


def _parse_trade(
    row: Mapping[str, Any], venue: str, instrument: Instrument, ordinals: dict[str, int]
) -> TradeSnapshot:
    profile = get_profile(venue)
    side, at = side_of(row, profile), get_timestamp(row, "timestamp")
    if side not in ("buy", "sell"):
        raise malformed_response("an execution without a side")
    if at is None:
        raise malformed_response("an execution without a time")
    if get_text(row, "id") == NO_ID:
        raise malformed_response("no execution: its id says that there was none")
    if profile.trades_have_ids and get_text(row, "id") is None:
        # It has an id: under another one the same execution would be booked twice.
        raise malformed_response("an execution without its id")
    keys = profile.trade_number_keys
    amount = require_decimal(row, "amount", keys.get("amount", ()))
    price = require_decimal(row, "price", keys.get("price", ()))
    if amount <= 0 or price <= 0:
        raise malformed_response("an execution without quantity or price")
    qty = multiply(amount, instrument.amount_unit)
    order_id = get_text(row, "order")
    name = get_text(row, "id") or _content_id(
        (
            venue,
            instrument.symbol,
            order_id,
            to_milliseconds(at),
            side,
            decimal_text(price),
            decimal_text(qty),
        ),
        ordinals,
    )
    fees = _fees(row, keys.get("fee", ()), profile.negative_fee_keys)
    maker = row.get("takerOrMaker") if profile.reports_makers else None
    info = row.get("info")
    kind = str(info.get("execType")) if isinstance(info, Mapping) else ""
    return TradeSnapshot(
        symbol=instrument.symbol,
        side=Side(side),
        exchange_order_id=order_id,
        client_id=parse_client_id(row),
        execution=Execution(
            exchange_trade_id=name,
            qty=qty,
            price=price,
            executed_at=at,
            sequence=_sequence(info, profile.sequence_key),
            fee=fees[0][0] if fees else None,
            fee_currency=fees[0][1] if fees else None,
            maker=None if maker is None else maker == "maker",
        ),
        extra_fees=tuple(fees[1:]),
        reason=profile.execution_reasons.get(kind, "external"),
    )


def _sequence(info: object, key: str) -> int:
    sequence = str(info.get(key)) if isinstance(info, Mapping) else ""
    return int(sequence) if sequence.isdecimal() else 0


def _fees(
    row: Mapping[str, Any], info_keys: Sequence[str], negative_keys: Sequence[str]
) -> list[tuple[Decimal, str]]:
    """All fees, one per currency, in their order; negative is a rebate.

    ``negative_keys`` are keys of the venue's row with the fee, negative where it is charged.
    """
    listed = row.get("fees") or [row.get("fee")]
    fees = [fee for fee in listed if isinstance(fee, Mapping) and fee.get("cost") is not None]
    sums: dict[str, Decimal] = {}
    for fee in fees:
        # The venue's own text is the whole fee: exact where there is only one.
        source = {**fee, "info": row.get("info")} if len(fees) == 1 else fee
        charged = get_decimal({"info": source.get("info")}, "", negative_keys)
        amount = require_decimal(source, "cost", info_keys) if charged is None else -charged
        currency = get_text(fee, "currency")
        if currency is not None:
            fee_sum = sums.get(currency)
            sums[currency] = amount if fee_sum is None else add(fee_sum, amount)
    return [(amount, currency) for currency, amount in sums.items()]


def _content_id(parts: tuple[object, ...], ordinals: dict[str, int]) -> str:
    """The id of an execution without one: the same whenever it is read again."""
    content = "|".join(str(part) for part in parts)
    ordinal = ordinals[content] = ordinals.get(content, -1) + 1
    return "x-" + hashlib.sha256(f"{content}|{ordinal}".encode()).hexdigest()[:24]


def _sort_key(trade: TradeSnapshot) -> ExecutionKey:
    return execution_key_of(trade.execution)
