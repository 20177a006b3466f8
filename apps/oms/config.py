"""Settings: flag > environment ``OMS_*`` > config file > default. Setting ``a.b`` is ``OMS_A_B``.

Pydantic reads and checks them; everything else takes the plain values it needs.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: Name of the file of master keys in the home folder.
KEY_FILE_NAME = "master.key"


class CommandSettings(BaseModel):
    """The door in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: How long a request waits for its outcome when it does not say.
    default_wait_ms: int = Field(default=10_000, ge=0, le=60_000)
    #: A command queued longer than this is refused as ``command_expired``.
    max_queue_s: float = Field(default=60, gt=0)
    #: Commands waiting per account before 429.
    queue_depth_max: int = Field(default=10_000, ge=1)
    #: Commands in one request body.
    items_max: int = Field(default=1000, ge=1)
    #: Bytes of one request body.
    body_bytes_max: int = Field(default=8 * 1024 * 1024, ge=1024)
    #: Rows written by one transaction, at the door and by the worker.
    batch_max: int = Field(default=500, ge=1, le=1000)
    #: How long an Idempotency-Key is kept.
    idempotency_hours: int = Field(default=72, ge=1)


class EventSettings(BaseModel):
    """The door out."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    retention_days: int = Field(default=7, ge=1)
    #: Server PING on a WebSocket, and how long no PONG is borne.
    ping_seconds: float = Field(default=15, gt=0)
    pong_seconds: float = Field(default=30, gt=0)
    #: What may wait for a slow listener before it is closed with 4409.
    frames_waiting_max: int = Field(default=2000, ge=10)
    bytes_waiting_max: int = Field(default=8 * 1024 * 1024, ge=1024)
    #: How long a socket may stay without credentials.
    auth_seconds: float = Field(default=60, gt=0)
    sockets_per_key_max: int = Field(default=100, ge=1)
    #: Frames a second that all sockets of a key may send.
    frames_per_second_max: int = Field(default=5000, ge=1)


class RateLimitSettings(BaseModel):
    """What one key may do a second, in one process; the defaults lie above any honest client."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Whatever is neither of the others.
    read_per_second: int = Field(default=5000, ge=1)
    #: Commands that may open or change something; a batch counts once per command.
    trade_per_second: int = Field(default=500, ge=1)
    #: Commands that cancel or close have a budget of their own.
    cancel_per_second: int = Field(default=500, ge=1)
    #: Calls of the ccxt gateway.
    ccxt_per_second: int = Field(default=200, ge=1)


class Settings(BaseModel):
    """All settings with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str = "local"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: Folder of the embedded database, the doorbell and ``first-run.json``.
    home: Path = Path("var")
    #: SQLAlchemy URL: ``mysql+asyncmy``, ``mysql+aiomysql`` or ``sqlite+aiosqlite``;
    #: absent: SQLite in ``home``.
    database_url: str | None = Field(default=None, repr=False)
    #: Master keys that seal the credentials of exchanges, separated by commas: the first seals, all
    #: open. It goes before the file.
    master_key: str | None = Field(default=None, repr=False)
    #: The file of master keys, one a line; absent: ``home/master.key``.
    master_key_file: Path | None = None
    #: Folder of the Unix sockets that wake the other processes; absent: ``home/bell``.
    bell_dir: Path | None = None
    #: Folder of the recorded prices that paper accounts may replay; absent: ``home/tapes``.
    tapes_dir: Path | None = None
    #: Folder of what exchanges told of their markets; absent: ``home/markets``.
    markets_dir: Path | None = None
    lease_seconds: float = Field(default=5, ge=1)
    #: How long ``oms up`` bears a process that does not tell that it lives.
    silence_seconds_max: float = Field(default=5, ge=1)
    commands: CommandSettings = CommandSettings()
    events: EventSettings = EventSettings()
    limits: RateLimitSettings = RateLimitSettings()
    cors_origins: tuple[str, ...] = ()
    #: Networks of proxies whose ``X-Forwarded-For`` is believed.
    trusted_proxies: tuple[str, ...] = ()
    public_docs: bool = True
    live_trading_allowed: bool = False
    #: Seconds for which a process may believe what it read of keys and permissions.
    access_cache_seconds: float = Field(default=2, ge=0, le=5)
    #: How often a paper account with open orders looks at the market.
    paper_tick_ms: int = Field(default=250, ge=10)
    #: From what age on a live price fills and releases nothing on a paper account.
    max_price_age_seconds: float = Field(default=10, gt=0, le=86_400)
    log_level: str = "INFO"

    @field_validator("cors_origins")
    @classmethod
    def _refuse_any_origin(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in origins:
            raise ValueError("it lists exact origins; * is refused")
        return origins

    @property
    def dsn(self) -> str:
        """The database URL, the embedded one where none is set."""
        if self.database_url is not None:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.home / 'oms.sqlite3').absolute()}"

    @property
    def key_file(self) -> Path:
        """The file of master keys."""
        return (
            self.master_key_file if self.master_key_file is not None else self.home / KEY_FILE_NAME
        )

    @property
    def bell(self) -> Path:
        """The folder of the doorbell."""
        return self.bell_dir if self.bell_dir is not None else self.home / "bell"

    @property
    def markets(self) -> Path:
        """The folder of the tables of markets."""
        return self.markets_dir if self.markets_dir is not None else self.home / "markets"

    @property
    def tapes(self) -> Path:
        """The folder of recorded prices."""
        return self.tapes_dir if self.tapes_dir is not None else self.home / "tapes"


def load_settings(
    environment: Mapping[str, str] = os.environ, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Settings from the config file, the environment and ``overrides`` (flags), in that order.

    Raises ``ValueError`` that names the key and what is wrong with it.
    """
    values: dict[str, Any] = {}
    if path := environment.get("OMS_CONFIG"):
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    _merge_environment(values, environment)
    values |= {key: value for key, value in (overrides or {}).items() if value is not None}
    return Settings.model_validate(values)


def _merge_environment(values: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            group = dict(values.get(name) or {})
            for key in field.annotation.model_fields:
                if (text := environment.get(f"OMS_{name}_{key}".upper())) is not None:
                    group[key] = text
            values[name] = group
        elif (text := environment.get(f"OMS_{name}".upper())) is not None:
            is_list = str(field.annotation).startswith("tuple")
            values[name] = [part for part in text.split(",") if part] if is_list else text
