"""Instruments as JSON text, as they are stored with the accounts that trade them."""

from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.market_hours import Session
from oms.domain.money import ZERO
from oms.wire.json import dumps, loads


def encode_instrument(instrument: Instrument) -> str:
    """Return the JSON text of all terms."""
    return dumps(
        {
            "symbol": instrument.symbol,
            "kind": instrument.kind.value,
            "base": instrument.base,
            "quote": instrument.quote,
            "settle": instrument.settle,
            "tick": instrument.tick,
            "step": instrument.step,
            "min_notional": instrument.min_notional,
            "contract_size": instrument.contract_size,
            "amount_unit": instrument.amount_unit,
            "max_leverage": instrument.max_leverage,
            "maintenance_rate": instrument.maintenance_rate,
            "session": instrument.session.value,
        }
    )


def decode_instrument(text: str) -> Instrument:
    """Return the instrument; the last five terms may be absent and have their defaults then."""
    fields = loads(text)
    return Instrument(
        symbol=fields["symbol"],
        kind=InstrumentKind(fields["kind"]),
        base=fields["base"],
        quote=fields["quote"],
        settle=fields["settle"],
        tick=Decimal(fields["tick"]),
        step=Decimal(fields["step"]),
        min_notional=Decimal(fields["min_notional"]),
        contract_size=Decimal(fields.get("contract_size", 1)),
        amount_unit=Decimal(fields.get("amount_unit", 1)),
        max_leverage=fields.get("max_leverage", 1),
        maintenance_rate=Decimal(fields.get("maintenance_rate", ZERO)),
        session=Session(fields.get("session", Session.CONTINUOUS)),
    )
