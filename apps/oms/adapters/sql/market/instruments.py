"""Rows of ``instruments``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import Conflict
from oms.domain.market.market_instrument import AssetClass, MarketInstrument, TradingSession
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps
from oms.wire.market.instrument_rows import instrument_row

COLUMNS = (
    *("id", "exchange", "symbol", "base", "quote", "asset_class", "market_type", "session"),
    *("price_tick", "qty_step", "min_qty", "min_notional", "contract_size", "is_active"),
)
_INSERT = BulkInsert(table="instruments", columns=(*COLUMNS, "created_at", "updated_at"))
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM instruments"


class SqlInstruments(AuditedWriter):
    """``ports.market.candle_store.InstrumentStore``."""

    async def add(
        self, instrument: MarketInstrument, audit_context: AuditContext
    ) -> MarketInstrument:
        """Store an instrument with its audit row. Raises ``Conflict``, ``Unavailable``."""
        stored = evolve(instrument, id=await self._ids.allocate("instrument"))

        async def work(session: Session) -> AuditedResult[MarketInstrument]:
            at = session.dialect.encode_time(audit_context.at)
            await _INSERT(session, [(*self._to_row(stored), at, at)])
            after = dumps(instrument_row(stored))
            entry = audit_context.entry("add_instrument", "instrument", stored.id, after=after)
            return stored, [entry]

        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey:
            message = f"{stored.exchange} has an instrument {stored.symbol}"
            raise Conflict(message, reason="instrument_exists") from None

    async def find(self, exchange: str, symbol: str) -> MarketInstrument | None:
        """Return an instrument. Raises ``Unavailable``."""
        param = self._dialect.param
        text = f"{_SELECT} WHERE exchange = {param} AND symbol = {param}"
        rows = await self._database.fetch(text, (exchange, symbol))
        return instrument_from_row(rows[0], self._dialect) if rows else None

    async def all(
        self, exchange: str | None = None, *, active: bool | None = None
    ) -> Sequence[MarketInstrument]:
        """Return instruments, ascending by exchange and symbol. Raises ``Unavailable``."""
        wanted = {"exchange": exchange, "is_active": active}
        filters = {name: each for name, each in wanted.items() if each is not None}
        where = " AND ".join(f"{name} = {self._dialect.param}" for name in filters)
        text = f"{_SELECT} WHERE {where or '1 = 1'} ORDER BY exchange, symbol"
        rows = await self._database.fetch(text, tuple(filters.values()))
        return [instrument_from_row(row, self._dialect) for row in rows]

    def _to_row(self, instrument: MarketInstrument) -> tuple[Any, ...]:
        encode = self._dialect.encode_decimal
        return (
            *(instrument.id, instrument.exchange, instrument.symbol),
            *(instrument.base, instrument.quote, instrument.asset_class.value),
            *(instrument.market_type, instrument.session.value),
            *(encode(instrument.price_tick), encode(instrument.qty_step)),
            *(encode(instrument.min_qty), encode(instrument.min_notional)),
            *(encode(instrument.contract_size), instrument.is_active),
        )


def instrument_from_row(row: Sequence[Any], dialect: Dialect) -> MarketInstrument:
    """Return the instrument of a row of ``COLUMNS``."""
    decode = dialect.decode_decimal
    return MarketInstrument(
        id=row[0],
        exchange=row[1],
        symbol=row[2],
        base=row[3],
        quote=row[4],
        asset_class=AssetClass(row[5]),
        market_type=row[6],
        session=TradingSession(row[7]),
        price_tick=decode(row[8]),
        qty_step=decode(row[9]),
        min_qty=decode(row[10]),
        min_notional=decode(row[11]),
        contract_size=decode(row[12]),
        is_active=bool(row[13]),
    )
