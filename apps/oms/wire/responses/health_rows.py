"""The health of the gateway, part by part, in responses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.wire.responses.value_types import TimeText, one_of

BrokerModeText = Annotated[str, one_of("paper", "testnet", "live")]


class HealthPart(TypedDict):
    """One part as it was measured; ``value`` is null where there is nothing to measure."""

    ok: bool
    value: float | str | None
    limit: Annotated[float | None, Field(description="``value`` is ok below it.")]
    at: TimeText


class HealthParts(TypedDict):
    """The parts of the gateway."""

    database: Annotated[HealthPart, Field(description="Milliseconds of a trivial query.")]
    worker: Annotated[
        HealthPart, Field(description="Seconds since the oldest heartbeat of a worker.")
    ]
    queue: Annotated[HealthPart, Field(description="Commands in the longest queue of an account.")]
    stop_watcher: Annotated[
        HealthPart, Field(description="Seconds since stop levels were compared with prices.")
    ]
    outbox: Annotated[HealthPart, Field(description="Seconds by which WebSocket events are late.")]
    calendar: Annotated[
        HealthPart, Field(description="Trading calendar of stocks: ok, ends_soon or missing.")
    ]


class HealthReport(TypedDict):
    """What the gateway may do, and its parts; null is not known without the database."""

    ok: bool
    service: str
    status: Annotated[str, one_of("ok", "degraded", "down")]
    environment: str
    broker_mode: Annotated[
        BrokerModeText | None, Field(description="The riskiest active account; null without one.")
    ]
    oms_enabled: bool | None
    live_trading_allowed: bool
    database_url: Annotated[str, Field(description="Kind, host and name.")]
    parts: HealthParts
