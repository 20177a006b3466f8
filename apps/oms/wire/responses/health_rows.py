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
    worker_loops: Annotated[
        HealthPart,
        Field(description="Loops of workers in which a round failed within the last minute."),
    ]
    queue: Annotated[HealthPart, Field(description="Commands in the longest queue of an account.")]
    queue_age: Annotated[
        HealthPart, Field(description="Seconds for which the oldest queued command waits.")
    ]
    streams: Annotated[
        HealthPart,
        Field(
            description="Seconds for which a stream of an account is disconnected, the longest;"
            " null where no account has one."
        ),
    ]
    price_feed: Annotated[
        HealthPart,
        Field(
            description="Age in seconds of the oldest price of what accounts at exchanges hold; ok"
            " is false also while a symbol with stop levels has no fresh price, or the live prices"
            " of a paper account cannot be read. Null where none is needed."
        ),
    ]
    stop_watcher: Annotated[
        HealthPart, Field(description="Seconds since stop levels were compared with prices.")
    ]
    outbox: Annotated[HealthPart, Field(description="Seconds by which WebSocket events are late.")]
    runner: Annotated[
        HealthPart,
        Field(
            description="Seconds since the last progress of the runner's slowest task; ok is false"
            " if one does not run, or no runner runs although ``runner.enabled`` is true."
        ),
    ]
    sinks: Annotated[
        HealthPart,
        Field(
            description="Seconds by which the oldest message to a sink waits longer than its"
            " interval; null without active sinks."
        ),
    ]
    candles: Annotated[
        HealthPart,
        Field(
            description="Seconds of the closed candles that the series furthest behind lacks; ok is"
            " false if one lacks more than two candles."
        ),
    ]
    bots: Annotated[
        HealthPart,
        Field(
            description="Seconds since the oldest heartbeat of the bots that need a runner; ok is"
            " false if one is stale or in error."
        ),
    ]
    audit_mirror: Annotated[
        HealthPart,
        Field(description="Rows of the audit log that its mirror lacks; null without a mirror."),
    ]
    replica: Annotated[
        HealthPart,
        Field(
            description="Seconds by which the replica that reports are read from is late; ok is"
            " false if it does not answer. Null without a replica."
        ),
    ]
    calendar: Annotated[
        HealthPart, Field(description="Trading calendar of stocks: ok, ends_soon or missing.")
    ]


class RunnerTaskRow(TypedDict):
    """A background task of the runner."""

    name: str
    ok: bool
    state: Annotated[
        str,
        one_of("running", "backing_off", "stopped"),
        Field(description="stopped: no runner holds its lease."),
    ]
    owner: Annotated[str | None, Field(description="The runner that holds its lease.")]
    silence_s: Annotated[float | None, Field(description="Seconds since its last progress.")]
    restarts: Annotated[int, Field(description="Restarts after failures, by all runners.")]
    last_error: Annotated[str | None, Field(description="What ended it the last time.")]


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
    audit_log_path: Annotated[str | None, Field(description="File of the mirror of the audit log.")]
    parts: HealthParts
    tasks: Annotated[list[RunnerTaskRow], Field(description="Tasks that a runner has ever run.")]
