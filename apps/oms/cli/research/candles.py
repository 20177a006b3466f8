"""``oms candles``: candles of files, their gaps, and larger timeframes."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.sql.store import SqlStore
from oms.cli.output import CommandFailed
from oms.cli.research.backtest_input import failure, read_time
from oms.cli.research.candle_answers import GAPS_STATUS, counts_json, gaps_json, read_timeframe
from oms.cli.research.candle_input import read_file, read_rows
from oms.cli.research.instruments import with_store
from oms.domain.errors import Invalid, OmsError
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries
from oms.services.backtests.load_funding import SPOT
from oms.services.candles.resample_candles import resample_candles
from oms.services.candles.store_candles import require_instrument, store_candles, stored_gaps
from oms.wire.backtests.result_json import time_text
from oms.wire.market.funding_file import read_funding


def import_file(parsed: argparse.Namespace) -> Any:
    """Store the candles of a CSV file; a repeated import changes nothing."""
    timeframe = Timeframe(parsed.timeframe)
    try:
        candles = list(read_file(parsed.file, timeframe))
    except OmsError as error:
        raise failure(error) from None

    async def work(store: SqlStore) -> Any:
        instrument = await require_instrument(store.instruments, parsed.exchange, parsed.symbol)
        series = CandleSeries(instrument_id=instrument.id, timeframe=timeframe)
        counts = await store_candles(
            store.candles, series, candles, CandleSource.FILE, SYSTEM_CLOCK.now()
        )
        first, end = candles[0].open_time, timeframe.next_open(candles[-1].open_time)
        gaps = await stored_gaps(store.candles, instrument, timeframe, first, end)
        return {"ok": True} | counts_json(counts, fetched=len(candles)) | {"gaps": gaps_json(gaps)}

    return _with_gaps(with_store(parsed, work))


def import_funding(parsed: argparse.Namespace) -> Any:
    """Store the funding rates of a CSV file; a repeated import changes nothing."""
    try:
        rates = list(read_rows(parsed.file, "rates", read_funding))
    except OmsError as error:
        raise failure(error) from None

    async def work(store: SqlStore) -> Any:
        instrument = await require_instrument(store.instruments, parsed.exchange, parsed.symbol)
        if instrument.market_type == SPOT:
            raise Invalid(f"{instrument.symbol} is a spot market: it has no funding")
        counts = await store.funding_rates.upsert(instrument.id, rates)
        return {"ok": True, "read": len(rates), **asdict(counts)}

    return with_store(parsed, work)


def gaps(parsed: argparse.Namespace) -> Any:
    """Return the missing candles of a series; with ``--fill`` they are fetched first."""
    if parsed.fill:
        from oms.cli.research.candle_fetch import fill

        return fill(parsed)
    timeframe = Timeframe(parsed.timeframe)
    start, end = read_time(parsed.start, "start"), read_time(parsed.end, "end")

    async def work(store: SqlStore) -> Any:
        instrument = await require_instrument(store.instruments, parsed.exchange, parsed.symbol)
        found = await stored_gaps(store.candles, instrument, timeframe, start, end)
        return {
            "ok": not found,
            "missing": sum(gap.count for gap in found),
            "gaps": gaps_json(found),
        }

    return _with_gaps(with_store(parsed, work))


def resample(parsed: argparse.Namespace) -> Any:
    """Make candles of larger timeframes."""
    source, *targets = [read_timeframe(text) for text in parsed.timeframes]
    if not targets:
        raise CommandFailed("a source and at least one larger timeframe are required", status=2)

    async def work(store: SqlStore) -> Any:
        instrument = await require_instrument(store.instruments, parsed.exchange, parsed.symbol)
        items = []
        for target in targets:
            made = await resample_candles(
                store.candles, instrument.id, source, target, SYSTEM_CLOCK.now()
            )
            items.append(
                {"timeframe": target.value, **asdict(made.counts)}
                | {"incomplete": _times(made.incomplete)}
            )
        return {"ok": True, "items": items}

    return with_store(parsed, work)


def coverage(parsed: argparse.Namespace) -> Any:
    """Return what is stored of each instrument, by timeframe."""

    async def work(store: SqlStore) -> Any:
        items = []
        for instrument in await store.instruments.all(parsed.exchange):
            for each in await store.candles.coverage(instrument.id):
                items.append(
                    {
                        "exchange": instrument.exchange,
                        "symbol": instrument.symbol,
                        "timeframe": each.series.timeframe.value,
                        "candles": each.count,
                        "first": time_text(each.first),
                        "last": time_text(each.last),
                    }
                )
        return {"items": items}

    return with_store(parsed, work)


def _with_gaps(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer. Raises ``CommandFailed`` with it if there are gaps."""
    if answer["gaps"]:
        count = sum(gap["count"] for gap in answer["gaps"])
        message = f"{count} candles are missing in {len(answer['gaps'])} gaps"
        raise CommandFailed(message, status=GAPS_STATUS, answer=answer)
    return answer


def _times(times: Sequence[datetime]) -> list[str | None]:
    return [time_text(each) for each in times]
