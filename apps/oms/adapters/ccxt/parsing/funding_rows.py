"""Parses funding payments: of a venue's list of them, and among the executions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import (
    get_decimal,
    get_text,
    get_timestamp,
    malformed_response,
    require_decimal,
    to_milliseconds,
)
from oms.adapters.ccxt.parsing.trade_snapshot import RowRejector, is_funding, reject_row
from oms.adapters.ccxt.sync.raw_row_buffer import NOT_TRADED
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.instrument import Instrument
from oms.domain.money import decimal_text
from oms.domain.orders.execution_report import Charge, ChargeKind, ReportSource
from oms.domain.side import Side


def parse_funding(
    rows: Iterable[Mapping[str, Any]],
    instruments: Mapping[str, Instrument],
    now: datetime,
    quarantine: RowRejector = reject_row,
) -> list[Charge]:
    """Returns the funding payments among the executions."""
    parsed = []
    for row in rows:
        instrument = instruments.get(str(row.get("symbol")))
        if instrument is None or not is_funding(row):
            continue
        at = get_timestamp(row, "timestamp")
        if at is None:
            quarantine("funding without a time", row)
            continue
        charge = Charge(
            kind=ChargeKind.FUNDING,
            charge_id=get_text(row, "id") or str(to_milliseconds(at)),
            amount=-require_decimal(row, "fee", ("execFee",)),
            currency=instrument.settle,
            symbol=instrument.symbol,
            price=get_decimal(row, "price", ("markPrice", "execPrice")),
            executed_at=at,
            source=ReportSource.RECONCILE,
            received_at=now,
        )
        parsed.append(charge)
    return parsed


def parse_funding_history(
    rows: Iterable[Mapping[str, Any]],
    instruments: Mapping[str, Instrument],
    profile: VenueProfile,
    now: datetime,
    *,
    has_legs: bool = False,
    quarantine: RowRejector = reject_row,
) -> list[Charge]:
    """Returns the payments of a venue's list of funding; positive amounts were received.

    ``has_legs``: the account holds long and short legs, so a payment may concern one of them.
    """
    parsed = []
    for row in rows:
        instrument = instruments.get(str(row.get("symbol")))
        if instrument is None:
            quarantine(NOT_TRADED, row)
            continue
        try:
            parsed.append(_parse_payment(row, instrument, profile, now, has_legs=has_legs))
        except ReadFailed as error:
            quarantine(error.message, row)
    return parsed


def _parse_payment(
    row: Mapping[str, Any],
    instrument: Instrument,
    profile: VenueProfile,
    now: datetime,
    *,
    has_legs: bool,
) -> Charge:
    at, amount = get_timestamp(row, "timestamp"), _amount(row, profile.funding_number_keys)
    if at is None:
        raise malformed_response("funding without a time")
    name = _payment_id(row, profile.funding_content_keys)
    if name is None:
        raise malformed_response("funding without an id")
    qty = get_decimal(row, "positionQty") if has_legs else None
    return Charge(
        kind=ChargeKind.FUNDING,
        charge_id=name,
        amount=amount,
        currency=get_text(row, "code") or instrument.settle,
        symbol=instrument.symbol,
        side=None if not qty else Side.BUY if qty > 0 else Side.SELL,
        executed_at=at,
        source=ReportSource.RECONCILE,
        received_at=now,
    )


def _amount(row: Mapping[str, Any], keys: Sequence[str]) -> Decimal:
    """The first of the venue's own numbers that is not zero, else ccxt's."""
    numbers = (get_decimal({"info": row.get("info")}, "", (key,)) for key in keys)
    own = next((number for number in numbers if number), None)
    return require_decimal(row, "amount") if own is None else own


def _payment_id(row: Mapping[str, Any], content_keys: Sequence[str]) -> str | None:
    """The venue's id, as ccxt or the venue's row has it, else what no two payments have alike."""
    info = row.get("info")
    fields = info if isinstance(info, Mapping) else {}
    name = get_text(fields, "id") or get_text(row, "id")
    if name not in (None, "0"):
        return name
    parts = [get_text(fields, key) for key in content_keys]
    texts = [decimal_text(Decimal(part)) if _is_number(part) else part for part in parts if part]
    return ":".join(texts) if parts and len(texts) == len(parts) else None


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()
