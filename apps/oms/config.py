"""Settings: flag > environment ``OMS_*`` > config file > default. Setting ``a.b`` is ``OMS_A_B``.

Pydantic validates them; other modules take the values they need.
"""

import json
import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from oms.config_sections import (
    CandleSettings,
    CommandSettings,
    ConnectionSettings,
    DeskSettings,
    EventSettings,
    NotifySettings,
    RateLimitSettings,
    RiskPresetSettings,
    RunnerSettings,
    SignalSettings,
    UiSettings,
)
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
    "database_read_url": "mysql+asyncmy://USER:PASSWORD@HOST:3306/NAME",
    "redis_url": "redis://:PASSWORD@HOST:6379/0",
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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
    #: The same of a replica, where the API reads reports; absent: at ``database_url``.
    database_read_url: str | None = Field(default=None, repr=False)
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

    @model_validator(mode="after")
    def _refuse_replica_of_file(self) -> Self:
        """A replica is one of a server: a SQLite file has none."""
        urls = (self.database_url, self.database_read_url)
        if self.database_read_url is not None and not all(
            url is not None and url.startswith("mysql+") for url in urls
        ):
            raise ValueError("database_read_url needs a server in both, as mysql+asyncmy://...")
        return self

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
