"""The sections of the settings, each a group of values with their defaults and limits."""

import json
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CommandSettings(_Section):
    """Acceptance of commands."""

    #: How long a request waits for its results by default.
    default_wait_ms: int = Field(default=10_000, ge=0, le=60_000)
    #: Commands queued longer than this are refused as ``command_expired``.
    max_queue_s: float = Field(default=60, gt=0)
    #: Queued commands per account; above it requests are refused with 429.
    queue_depth_max: int = Field(default=10_000, ge=1)
    #: Commands in one request body.
    items_max: int = Field(default=1000, ge=1)
    #: Bytes of one request body: of routes that take lists, and of all others.
    body_bytes_max: int = Field(default=8 * 1024 * 1024, ge=1024)
    small_body_bytes_max: int = Field(default=64 * 1024, ge=1024)
    #: Commands stored or executed by one transaction, in the API and in the worker.
    batch_max: int = Field(default=500, ge=1, le=1000)
    #: How long idempotency keys are stored.
    idempotency_hours: int = Field(default=72, ge=1)


class ConnectionSettings(_Section):
    """Client connections of one API process."""

    #: Open connections; absent: what the limit of file descriptors leaves.
    open_max: int | None = Field(default=None, ge=1)
    #: Open connections of one address other than a trusted proxy; absent: half of them.
    per_address_max: int | None = Field(default=None, ge=1)
    #: Bytes and lines of a request's head.
    head_bytes_max: int = Field(default=64 * 1024, ge=4096)
    headers_max: int = Field(default=100, ge=20)
    #: Bytes of a request with those that are discarded after a refusal.
    message_bytes_max: int = Field(default=32 * 1024 * 1024, ge=1024)
    #: How long the head and the body of a request may take to arrive.
    head_seconds: float = Field(default=10, gt=0)
    body_seconds: float = Field(default=60, gt=0)
    #: How long a connection may wait between two requests.
    idle_seconds: float = Field(default=65, gt=0)
    #: How long a client may take no byte of a response.
    write_seconds: float = Field(default=60, gt=0)


class EventSettings(_Section):
    """Event streams and WebSocket connections."""

    retention_days: int = Field(default=7, ge=1)
    #: Interval of server PINGs, and the longest wait for a PONG.
    ping_seconds: float = Field(default=15, gt=0)
    pong_seconds: float = Field(default=30, gt=0)
    #: Limits of frames queued for a slow consumer, which is then closed with 4409.
    frames_waiting_max: int = Field(default=2000, ge=10)
    bytes_waiting_max: int = Field(default=8 * 1024 * 1024, ge=1024)
    #: How long a connection may stay unauthenticated.
    auth_seconds: float = Field(default=60, gt=0)
    sockets_per_key_max: int = Field(default=100, ge=1)
    #: Frames per second of all connections of a key.
    frames_per_second_max: int = Field(default=5000, ge=1)


class RateLimitSettings(_Section):
    """Requests per second of one key in one process; defaults are above normal clients' needs."""

    #: All other requests.
    read_per_second: int = Field(default=5000, ge=1)
    #: Commands that open or change orders; each command of a batch counts.
    trade_per_second: int = Field(default=500, ge=1)
    #: Commands that cancel or close.
    cancel_per_second: int = Field(default=500, ge=1)
    #: Calls of the ccxt gateway.
    ccxt_per_second: int = Field(default=200, ge=1)


class DeskSettings(_Section):
    """Figures of accounts."""

    #: How often prices at real exchanges are read; they are stale once three times as old.
    price_refresh_seconds: float = Field(default=5, ge=1, le=3600)
    #: Interval of the equity snapshots of an account that holds positions or has new events.
    equity_snapshot_seconds: int = Field(default=300, ge=1, le=86_400)
    #: Currency of the figures of accounts that set none, and of totals over accounts.
    report_currency: str = Field(default="USDT", pattern=r"^[A-Z0-9]{2,20}$")
    #: File of the mirror of the audit log; absent: none is written.
    audit_log_path: Path | None = None
    #: Currency of the limits of risk policies on notionals and losses.
    limit_currency: str = Field(default="USD", pattern=r"^[A-Z0-9]{2,20}$")


class SignalSettings(_Section):
    """Receipt of signals."""

    #: How long the answer to a bounce signal waits for what becomes of it.
    wait_ms: int = Field(default=2000, ge=0, le=60_000)
    #: Networks of TradingView, for its sources without an ``ip_allowlist``; empty: any.
    tradingview_ips: tuple[str, ...] = ()

    @field_validator("tradingview_ips", mode="before")
    @classmethod
    def _split(cls, networks: object) -> object:
        """Return the networks of a text with commas between, as the environment has them."""
        is_text = isinstance(networks, str)
        return [each for each in str(networks).split(",") if each] if is_text else networks

    @field_validator("tradingview_ips")
    @classmethod
    def _refuse_invalid(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for text in networks:
            ip_network(text.strip(), strict=False)
        return tuple(text.strip() for text in networks)

    @property
    def tradingview_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of ``tradingview_ips``."""
        return tuple(ip_network(text, strict=False) for text in self.tradingview_ips)


PresetName = Literal["open", "standard", "strict", "small"]
"""``domain.risk.policy_keys.PRESETS``."""


class RiskPresetSettings(_Section):
    """Risk preset of new accounts, by their environment."""

    paper: PresetName = "open"
    loopback: PresetName = "open"
    testnet: PresetName = "standard"
    demo: PresetName = "standard"
    live: PresetName = "standard"


class NotifySettings(_Section):
    """Notifications."""

    #: Whether messages may go to addresses that are not public.
    allow_private: bool = False


class RunnerSettings(_Section):
    """The process of background tasks."""

    #: Whether ``oms up`` runs a runner, and the health of the gateway expects one.
    enabled: bool = True
    #: Processes that execute backtests at once.
    processes: int = Field(default=1, ge=1, le=64)
    #: How long a strategy may take for one decision.
    decision_seconds: float = Field(default=5, gt=0, le=600)
    #: Address space of a process that runs a strategy.
    strategy_memory_mb: int = Field(default=2048, ge=256, le=1_048_576)


class CandleSourceSettings(_Section):
    """Where the candles of an exchange are read."""

    environment: Literal["live", "testnet", "demo", "loopback"] = "live"
    #: Settings of ccxt, as those of an account.
    extra_config: dict[str, Any] = {}


class CandleSettings(_Section):
    """Candles of exchanges."""

    #: By the name of the venue; of the environment as JSON.
    sources: dict[str, CandleSourceSettings] = {}

    @field_validator("sources", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as problem:
            raise ValueError(f"a JSON object is expected: {problem}") from None


class UiSettings(_Section):
    """The web desk, and the sessions of its browsers."""

    #: Whether the page is served under ``/ui/``.
    enabled: bool = True
    #: A session ends this long after its last request that changed something.
    session_idle_minutes: int = Field(default=30, ge=5, le=720)
    #: A session ends this long after its login.
    session_hours: int = Field(default=12, ge=1, le=24)
    #: Whether sessions are given over plain HTTP to browsers on other hosts.
    allow_plain_http: bool = False
