"""``oms instruments``: instruments of the candle store."""

import argparse
from typing import Any

from oms import bootstrap
from oms.adapters.sql.store import SqlStore
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import run_async
from oms.cli.research.backtest_input import read_number
from oms.cli.settings import command_settings
from oms.domain.market.market_instrument import (
    AssetClass,
    MarketInstrument,
    TradingSession,
    check_instrument,
)
from oms.domain.value import evolve
from oms.wire.market.instrument_rows import instrument_row

_NUMBERS = ("price_tick", "qty_step", "min_qty", "min_notional", "contract_size")


def add(parsed: argparse.Namespace) -> Any:
    """Store an instrument."""
    base, _, quote = parsed.symbol.partition(":")[0].partition("/")
    numbers = {name: read_number(parsed, name) for name in _NUMBERS}
    instrument = MarketInstrument(
        id=0,
        exchange=parsed.exchange,
        symbol=parsed.symbol,
        base=parsed.base or base,
        quote=parsed.quote or quote or "USD",
        asset_class=AssetClass(parsed.asset_class),
        market_type=parsed.market_type,
        session=TradingSession(parsed.session),
    )
    given = {name: number for name, number in numbers.items() if number is not None}
    instrument = evolve(instrument, **given)

    async def work(store: SqlStore) -> Any:
        check_instrument(instrument)
        stored = await store.instruments.add(instrument, cli_audit_context())
        return {"ok": True, "instrument": instrument_row(stored)}

    return with_store(parsed, work)


def list_all(parsed: argparse.Namespace) -> Any:
    """Return the instruments."""

    async def work(store: SqlStore) -> Any:
        found = await store.instruments.all(parsed.exchange)
        return {"items": [instrument_row(each) for each in found]}

    return with_store(parsed, work)


def with_store(parsed: argparse.Namespace, work: Any) -> Any:
    """Return what ``work`` returns for the open store. Raises ``CommandFailed``."""
    settings = command_settings(parsed)

    async def run() -> Any:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            return await work(store)

    return run_async(run())
