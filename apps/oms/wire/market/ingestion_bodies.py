"""Requests for ingestions of candles, and their rows."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.domain.market.ingestion_schedule import lag
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.ingestion import Ingestion
from oms.wire.field_types import Moment
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import optional_time_text, time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import Id, TimeText, one_of

#: Candles before the present one that a new series begins with.
CANDLES_BEFORE = 500
_EARLIEST = datetime(1970, 1, 5, tzinfo=UTC)


class IngestionFields(TypedDict, total=False):
    """``POST /market/ingestion``."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    exchange: Required[Annotated[str, Field(min_length=1, max_length=64)]]
    symbol: Required[Annotated[str, Field(min_length=1, max_length=64)]]
    timeframe: Required[Annotated[str, one_of(*(each.value for each in Timeframe))]]
    enabled: bool
    start: Moment


INGESTION = TypeAdapter(IngestionFields)


class IngestionRow(TypedDict):
    """A series of candles that is kept up to date."""

    id: Id
    exchange: str
    symbol: str
    timeframe: TimeframeText
    enabled: bool
    start: Annotated[TimeText, Field(description="Where it begins if no candle is stored.")]
    fetched_at: TimeText | None
    newest: Annotated[TimeText | None, Field(description="Open time of its newest closed candle.")]
    lag_seconds: Annotated[
        float | None, Field(description="For how long closed candles are missing; null: no candle.")
    ]
    last_error: Annotated[str | None, Field(description="Why the last fetch failed.")]


def read_ingestion(body: object, now: datetime) -> tuple[IngestionFields, Timeframe, datetime]:
    """Return the fields of a request, its timeframe, and where the series begins.

    Raises ``Malformed``, ``Invalid``.
    """
    fields = validate(INGESTION, drop_nulls(require_object(body, ("body",))), ())
    try:
        timeframe = Timeframe(fields["timeframe"])
    except ValueError:
        message = f"one of {', '.join(Timeframe)} is expected"
        raise malformed_at(("timeframe",), message, "enum") from None
    start = fields.get("start") or _default_start(timeframe, now)
    if not _EARLIEST <= start <= now:
        raise Invalid(f"start {start.isoformat()} must be after 1970 and not in the future")
    return fields, timeframe, timeframe.open_of(start)


def _default_start(timeframe: Timeframe, now: datetime) -> datetime:
    length = timeframe.length or timedelta(days=30)
    return now - length * CANDLES_BEFORE


def ingestion_terms(ingestion: Ingestion) -> dict[str, Any]:
    """Return what an administrator has set."""
    return {
        "exchange": ingestion.instrument.exchange,
        "symbol": ingestion.instrument.symbol,
        "timeframe": ingestion.timeframe.value,
        "enabled": ingestion.is_enabled,
        "start": time_text(ingestion.start),
    }


def ingestion_row(ingestion: Ingestion, now: datetime) -> IngestionRow:
    """Return the row of an ingestion."""
    missing = lag(ingestion.timeframe, ingestion.newest_open, now)
    return {
        "id": ingestion.id,
        "exchange": ingestion.instrument.exchange,
        "symbol": ingestion.instrument.symbol,
        "timeframe": ingestion.timeframe.value,
        "enabled": ingestion.is_enabled,
        "start": time_text(ingestion.start),
        "fetched_at": optional_time_text(ingestion.fetched_at),
        "newest": optional_time_text(ingestion.newest_open),
        "lag_seconds": None if missing is None else missing.total_seconds(),
        "last_error": ingestion.last_error,
    }
