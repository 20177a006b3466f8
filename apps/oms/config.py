"""Settings: flag > environment ``OMS_*`` > config file > default. Setting ``a.b`` is ``OMS_A_B``.

Pydantic validates them; other modules take the values they need.
"""

import json
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from oms.environment import merge_environment
from oms.profiles import ProfileName, apply_profile, refuse_settings

#: File name of the master keys in the data folder.
KEY_FILE_NAME = "master.key"
#: File name of the key of secrets that API and runner open.
SIGNAL_KEY_FILE_NAME = "signal.key"
#: File name of the keys that the first start created, in the data folder.
FIRST_RUN_FILE = "first-run.json"
URL_EXAMPLES = {
    "database_url": "mysql+asyncmy://USER:PASSWORD@HOST:3306/NAME",
    "redis_url": "redis://:PASSWORD@HOST:6379/0",
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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


class Settings(BaseModel):
    """All settings with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Sets defaults of other settings; absent: those of this class.
    profile: ProfileName | None = None
    env: str = "local"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: Data folder: embedded database, notification sockets, ``first-run.json``.
    home: Path = Path("var")
    #: SQLAlchemy URL: ``mysql+asyncmy``, ``mysql+aiomysql`` or ``sqlite+aiosqlite``;
    #: absent: SQLite in ``home``.
    database_url: str | None = Field(default=None, repr=False)
    #: Comma-separated master keys of exchange credentials: the first encrypts, all decrypt.
    #: Takes precedence over the file.
    master_key: str | None = Field(default=None, repr=False)
    #: File of master keys, one per line; absent: ``home/master.key``.
    master_key_file: Path | None = None
    #: Key of the secrets that API and runner open, as those of sinks; absent: that of
    #: ``signal_key_file``.
    signal_key: str | None = Field(default=None, repr=False)
    #: File of that key; absent: ``signal.key`` beside the file of master keys.
    signal_key_file: Path | None = None
    #: Folder of the Unix sockets for notifications between processes; absent: ``home/notifier``.
    notifier_dir: Path | None = None
    #: Redis or Valkey server by which processes of several hosts notify each other.
    redis_url: str | None = Field(default=None, repr=False)
    #: Folder of recorded prices for paper accounts; absent: ``home/tapes``.
    tapes_dir: Path | None = None
    #: Folder of cached market tables of exchanges; absent: ``home/markets``.
    markets_dir: Path | None = None
    lease_seconds: float = Field(default=5, ge=1)
    runner: RunnerSettings = RunnerSettings()
    #: How long ``oms up`` waits for a heartbeat before it restarts a process.
    silence_seconds_max: float = Field(default=5, ge=1)
    commands: CommandSettings = CommandSettings()
    connections: ConnectionSettings = ConnectionSettings()
    events: EventSettings = EventSettings()
    limits: RateLimitSettings = RateLimitSettings()
    desk: DeskSettings = DeskSettings()
    signals: SignalSettings = SignalSettings()
    risk_presets: RiskPresetSettings = RiskPresetSettings()
    notify: NotifySettings = NotifySettings()
    candles: CandleSettings = CandleSettings()
    #: File or folder of strategies; the runner and ``oms backtest`` load them.
    strategies: Path | None = None
    ui: UiSettings = UiSettings()
    #: Scheme, host and port under which browsers reach this gateway; absent: those of the request.
    public_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    #: Networks of proxies whose ``X-Forwarded-For`` is trusted.
    trusted_proxies: tuple[str, ...] = ()
    #: The switch of a new gateway; afterwards ``POST /risk/switch`` sets it.
    enabled: bool = True
    public_docs: bool = True
    live_trading_allowed: bool = False
    #: How long keys and permissions are cached in a process.
    access_cache_seconds: float = Field(default=2, ge=0, le=5)
    #: API keys that a user may create; see ``docs/reference/security.md``.
    keys_per_user_max: int = Field(default=50, ge=1, le=10_000)
    #: Poll interval of paper accounts with open orders.
    paper_tick_ms: int = Field(default=250, ge=10)
    #: Older live prices neither fill nor trigger orders of paper accounts.
    max_price_age_seconds: float = Field(default=10, gt=0, le=86_400)
    log_level: str = "INFO"
    log_format: Literal["text", "json"] = "text"

    @model_validator(mode="before")
    @classmethod
    def _apply_profile(cls, values: object) -> object:
        return apply_profile(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _refuse_unlike_profile(self) -> Self:
        refuse_settings(
            self.profile,
            live_trading_allowed=self.live_trading_allowed,
            database_url=self.database_url,
        )
        return self

    @field_validator(*URL_EXAMPLES)
    @classmethod
    def _refuse_no_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and "://" not in url:
            raise ValueError(f"a URL like {URL_EXAMPLES[info.field_name or '']} is expected")
        return url

    @field_validator("log_level")
    @classmethod
    def _refuse_unknown_level(cls, level: str) -> str:
        if level.upper() not in LOG_LEVELS:
            raise ValueError(f"{level!r} is not one of {', '.join(LOG_LEVELS)}")
        return level.upper()

    @field_validator("cors_origins")
    @classmethod
    def _refuse_any_origin(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in origins:
            raise ValueError("exact origins are expected; * is refused")
        return origins

    @field_validator("public_url")
    @classmethod
    def _refuse_no_origin(cls, url: str | None) -> str | None:
        """Return the origin of the URL, as browsers send it."""
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("a URL like https://oms.example.com is expected")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("a URL without a path is expected")
        is_default = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}" + ("" if is_default else f":{parts.port}")

    @field_validator("trusted_proxies")
    @classmethod
    def _refuse_invalid_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for text in networks:
            network = ip_network(text, strict=False)
            if getattr(network.network_address, "ipv4_mapped", None) is not None:
                raise ValueError(f"{text}: write an IPv4-mapped network as IPv4")
        return networks

    @property
    def dsn(self) -> str:
        """The database URL, by default of the embedded database."""
        if self.database_url is not None:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.home / 'oms.sqlite3').absolute()}"

    @property
    def database_address(self) -> str:
        """Where the database is, without user and password: to be shown to an operator."""
        scheme, _, rest = self.dsn.partition("://")
        place = rest.rpartition("@")[2].partition("?")[0]
        kind = scheme.partition("+")[0]
        return f"{kind} at {place.removeprefix('/') if kind == 'sqlite' else place}"

    @property
    def key_file(self) -> Path:
        """The file of master keys."""
        return (
            self.master_key_file if self.master_key_file is not None else self.home / KEY_FILE_NAME
        )

    @property
    def signal_key_path(self) -> Path:
        """The file of the signal key."""
        if self.signal_key_file is not None:
            return self.signal_key_file
        return self.key_file.with_name(SIGNAL_KEY_FILE_NAME)

    @property
    def notifier_socket_dir(self) -> Path:
        """The folder of the notification sockets."""
        return self.notifier_dir if self.notifier_dir is not None else self.home / "notifier"

    @property
    def market_cache_dir(self) -> Path:
        """The folder of cached market tables."""
        return self.markets_dir if self.markets_dir is not None else self.home / "markets"

    @property
    def price_tapes_dir(self) -> Path:
        """The folder of recorded prices."""
        return self.tapes_dir if self.tapes_dir is not None else self.home / "tapes"


def load_settings(
    environment: Mapping[str, str] = os.environ, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Return settings from the config file, the environment and ``overrides`` (flags).

    Later sources win. Raises ``ValueError`` that names the invalid key.
    """
    values: dict[str, Any] = {}
    if path := environment.get("OMS_CONFIG"):
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    merge_environment(Settings, values, environment)
    values |= {key: value for key, value in (overrides or {}).items() if value is not None}
    return Settings.model_validate(values)
