"""``oms candles fetch``, ``gaps --fill``, ``oms instruments load``: data of an exchange."""

import argparse
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.market_data import open_candle_fetcher
from oms.cli.audit_context import cli_audit_context
from oms.cli.output import CommandFailed
from oms.cli.research.backtest_input import read_time
from oms.cli.research.candle_answers import GAPS_STATUS, counts_json, gaps_json, read_timeframe
from oms.cli.research.instruments import with_store
from oms.cli.settings import command_settings
from oms.cli.terminal.progress import ProgressReport
from oms.config_sections import CandleSourceSettings
from oms.domain.errors import Invalid
from oms.domain.market.ingestion_schedule import closed_until
from oms.domain.market.market_instrument import MarketInstrument, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_fetcher import CandleFetcher
from oms.services.candles.fetch_candles import (
    EMPTY_PAGES_MAX,
    CandleFetch,
    FetchResult,
    check_range,
    ensure_instrument,
    load_instruments,
)
from oms.services.candles.store_candles import require_instrument, stored_gaps
from oms.wire.market.instrument_rows import instrument_row

Work = Callable[[SqlStore, CandleFetcher], Awaitable[Any]]


def fetch(parsed: argparse.Namespace) -> Any:
    """Store the candles of an exchange that are missing in a range."""
    timeframes = [read_timeframe(text) for text in parsed.timeframes]

    async def work(store: SqlStore, fetcher: CandleFetcher) -> Any:
        instrument = await ensure_instrument(
            store.instruments, fetcher, parsed.exchange, parsed.symbol, cli_audit_context()
        )
        return await _fetch_all(parsed, store, fetcher, instrument, timeframes)

    return _report(_with_fetcher(parsed, work))


def fill(parsed: argparse.Namespace) -> Any:
    """Fetch the missing candles of a stored series."""
    timeframe = Timeframe(parsed.timeframe)

    async def work(store: SqlStore, fetcher: CandleFetcher) -> Any:
        instrument = await require_instrument(store.instruments, parsed.exchange, parsed.symbol)
        return await _fetch_all(parsed, store, fetcher, instrument, [timeframe])

    return _report(_with_fetcher(parsed, work))


def load(parsed: argparse.Namespace) -> Any:
    """Store the instruments of an exchange."""

    async def work(store: SqlStore, fetcher: CandleFetcher) -> Any:
        new, stored = await load_instruments(
            store.instruments, fetcher, parsed.exchange, parsed.quote, cli_audit_context()
        )
        rows = [instrument_row(each) for each in new]
        return {"ok": True, "inserted": len(new), "unchanged": stored, "items": rows}

    return _with_fetcher(parsed, work)


async def _fetch_all(
    parsed: argparse.Namespace,
    store: SqlStore,
    fetcher: CandleFetcher,
    instrument: MarketInstrument,
    timeframes: Sequence[Timeframe],
) -> dict[str, Any]:
    run = CandleFetch(
        fetcher=fetcher, store=store.candles, clock=SYSTEM_CLOCK, page_candles=parsed.limit
    )
    items = []
    for timeframe in timeframes:
        start, end = await _range(parsed, store, instrument, timeframe)
        with ProgressReport(f"{instrument.symbol} {timeframe.value}", 0) as progress:
            result = await run(
                instrument,
                timeframe,
                start,
                end,
                lambda done, total, shown=progress: shown.update(  # type: ignore[misc]
                    done, f"{done:,} of {total:,} candles", total=total
                ),
            )
        items.append(await _item(store, instrument, result, start, end))
    return {"ok": not any(each["gaps"] for each in items), "items": items}


async def _item(
    store: SqlStore,
    instrument: MarketInstrument,
    result: FetchResult,
    start: datetime,
    end: datetime,
) -> dict[str, Any]:
    """Return what a fetch did, and what is missing in its range where that is known."""
    timeframe, gaps, note = result.timeframe, [], None
    if instrument.session is TradingSession.CONTINUOUS:
        closed = min(end, closed_until(timeframe, SYSTEM_CLOCK.now()))
        found = await stored_gaps(store.candles, instrument, timeframe, start, closed)
        gaps = gaps_json(found)
    else:
        note = f"gaps are not known: the session is {instrument.session.value}"
    if result.has_stopped:
        note = f"the exchange sent {EMPTY_PAGES_MAX} pages without a candle"
    counts = counts_json(result.counts, fetched=result.fetched, invalid=result.invalid)
    item = {"timeframe": timeframe.value, **counts, "gaps": gaps}
    return item if note is None else {**item, "note": note}


async def _range(
    parsed: argparse.Namespace, store: SqlStore, instrument: MarketInstrument, timeframe: Timeframe
) -> tuple[datetime, datetime]:
    """Return the range of the flags: from the first stored candle until now.

    Raises ``Invalid``.
    """
    start, now = read_time(parsed.start, "start"), SYSTEM_CLOCK.now()
    if start is None:
        coverage = await store.candles.coverage(instrument.id)
        firsts = [each.first for each in coverage if each.series.timeframe is timeframe]
        if not firsts:
            raise Invalid(f"no candle of {timeframe.value} is stored: --start is required")
        (start,) = firsts
    end = min(read_time(parsed.end, "end") or now, now)
    check_range(start, end)
    return start, end


def _with_fetcher(parsed: argparse.Namespace, work: Work) -> Any:
    settings, source = command_settings(parsed), _source(parsed)
    if not 1 <= getattr(parsed, "limit", 1) <= 5000:
        raise CommandFailed(f"--limit {parsed.limit}: 1 to 5000", status=2)

    async def run(store: SqlStore) -> Any:
        async with open_candle_fetcher(store, settings, parsed.exchange, source) as fetcher:
            return await work(store, fetcher)

    return with_store(parsed, run)


def _source(parsed: argparse.Namespace) -> CandleSourceSettings | None:
    """Return the source of the flags; ``None``: that of the settings."""
    if parsed.environment is None and parsed.config is None:
        return None
    try:
        config = json.loads(parsed.config or "{}")
    except ValueError as problem:
        raise CommandFailed(f"--config is no JSON: {problem}", status=2) from None
    if not isinstance(config, dict):
        raise CommandFailed("--config must be a JSON object", status=2)
    return CandleSourceSettings(environment=parsed.environment or "live", extra_config=config)


def _report(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer. Raises ``CommandFailed`` with it if candles are missing."""
    if answer["ok"]:
        return answer
    gaps = [gap for item in answer["items"] for gap in item["gaps"]]
    message = f"{sum(gap['count'] for gap in gaps)} candles are missing in {len(gaps)} gaps"
    notes = [f"{item['timeframe']}: {item['note']}" for item in answer["items"] if "note" in item]
    raise CommandFailed("; ".join([message, *notes]), status=GAPS_STATUS, answer=answer)
