"""Administration of accounts: request bodies and rows. Rows contain no secrets."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.domain.value import evolve
from oms.ports.admin.account_admin import (
    AccountChange,
    AccountRecord,
    CreatedAccount,
    NewAccount,
)
from oms.ports.vault import Secrets
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin.user_requests import read_fields
from oms.wire.json import dumps, loads, optional_time_text, time_text
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import Count, Id, TimeText

ENGINES = ("paper", "ccxt", "ccxtpro")
CHANGEABLE_FIELDS = (
    *("label", "exchange_id", "position_mode", "environment", "is_testnet", "status"),
    *("live_enabled", "extra_config", "trader_name"),
)
"""Fields of ``AccountChange`` and ``AccountRecord``."""
MASKED_SECRET = "enc:***"
"""Shown in place of every credential."""


class AdminAccountRow(TypedDict):
    """An account with all of its settings, for admins; credentials are masked."""

    account_id: Id
    label: str
    exchange_id: str
    position_mode: str
    extra_config_json: dict[str, Any]
    is_testnet: bool
    reconcile_enabled: bool
    reconcile_short_interval_seconds: Count | None
    reconcile_short_lookback_seconds: Count | None
    reconcile_hourly_interval_seconds: Count | None
    reconcile_hourly_lookback_seconds: Count | None
    reconcile_long_interval_seconds: Count | None
    reconcile_long_lookback_seconds: Count | None
    dispatcher_worker_hint: int | None
    raw_storage_mode: str
    dispatcher_hint_updated_at: TimeText | None
    status: str
    created_at: TimeText
    api_key_enc: str | None
    secret_enc: str | None
    passphrase_enc: str | None
    credentials_updated_at: TimeText | None
    environment: str
    live_enabled: bool
    trader_name: str | None


class AccountCreated(TypedDict):
    """The id of a new account, and the limits that it begins with."""

    ok: bool
    account_id: Id
    risk_preset: str
    limits_needing_equity: list[str]


def account_created(created: CreatedAccount) -> AccountCreated:
    """Return the answer to the creation of an account."""
    return {
        "ok": True,
        "account_id": created.id,
        "risk_preset": created.risk_preset,
        "limits_needing_equity": list(created.limits_needing_equity),
    }


class AccountChanged(TypedDict):
    """How many rows of an account were changed."""

    ok: bool
    account_id: Id
    rows: Count


def exchange_id_of(text: str) -> str:
    """Return ``<engine>.<venue>``; the default engine is ccxt. Raises ``Invalid``."""
    full = text if "." in text else f"ccxt.{text}"
    engine, _, venue = full.partition(".")
    if engine not in ENGINES or not venue.replace("_", "").isalnum() or not venue.isascii():
        listed = ", ".join(f"{name}.*" for name in ENGINES)
        raise Invalid(f"exchange_id is one of {listed}", code="unsupported_engine")
    return full


def environment_of(exchange_id: str, is_testnet: bool) -> str:
    """Return the default environment of an account."""
    if exchange_id.startswith("paper."):
        return "paper"
    return "testnet" if is_testnet else "live"


def apply_account_change(before: AccountRecord, change: AccountChange) -> AccountRecord:
    """Return the account after a change.

    A new exchange or testnet flag without an environment implies the default environment.
    """
    fields = {name: getattr(change, name) for name in CHANGEABLE_FIELDS}
    after = evolve(before, **{name: new for name, new in fields.items() if new is not None})
    if change.clears_trader_name:
        after = evolve(after, trader_name=None)
    is_moved = (after.exchange_id, after.is_testnet) != (before.exchange_id, before.is_testnet)
    if change.environment is None and is_moved:
        after = evolve(after, environment=environment_of(after.exchange_id, after.is_testnet))
    return after


def read_account(body: object) -> NewAccount:
    """Parse an account to be created. Raises ``Malformed``, ``Invalid``."""
    fields = read_fields(shapes.ACCOUNT, body)
    exchange_id = exchange_id_of(fields["exchange_id"])
    requested = fields.get("environment")
    is_testnet = fields.get("is_testnet", requested != "live")
    expected = environment_of(exchange_id, is_testnet)
    environment = requested or expected
    if (environment == "paper") is not (expected == "paper"):
        message = f"{exchange_id} has no environment {environment}"
        raise Invalid(message, code="environment_not_supported")
    if expected != "paper" and (environment == "live") is is_testnet:
        message = f"environment {environment} contradicts is_testnet"
        raise Invalid(message, code="environment_not_supported")
    return NewAccount(
        exchange_id=exchange_id,
        label=fields["label"],
        position_mode=fields.get("position_mode", "hedge"),
        environment=environment,
        is_testnet=is_testnet,
        extra_config=dumps(fields.get("extra_config_json", {})),
        risk_preset=fields.get("risk_preset"),
    )


def read_account_change(
    body: object, header_comment: str | None
) -> tuple[AccountChange, Secrets | None, str | None]:
    """Parse the change, the credentials and the comment, which defaults to ``header_comment``.

    Raises ``Malformed``, ``Invalid`` (``comment_required``).
    """
    fields = read_fields(shapes.ACCOUNT_CHANGE, body, ("trader_name",))
    comment = fields.get("comment") or header_comment
    if "live_enabled" in fields and not (comment or "").strip():
        raise Invalid("changing live_enabled requires a comment", code="comment_required")
    if not set(fields) - {"comment"}:
        raise malformed_at(("body",), "nothing is changed", "missing")
    exchange_id = fields.get("exchange_id")
    config = fields.get("extra_config_json")
    change = AccountChange(
        exchange_id=None if exchange_id is None else exchange_id_of(exchange_id),
        label=fields.get("label"),
        position_mode=fields.get("position_mode"),
        is_testnet=fields.get("is_testnet"),
        status=fields.get("status"),
        extra_config=None if config is None else dumps(config),
        trader_name=fields.get("trader_name"),
        clears_trader_name="trader_name" in fields and fields["trader_name"] is None,
        live_enabled=fields.get("live_enabled"),
    )
    credentials = fields.get("credentials")
    return change, None if not credentials else Secrets(**credentials), comment


def admin_account_row(record: AccountRecord) -> AdminAccountRow:
    """Return the row of an account for admins."""
    display_columns: Mapping[str, Any] = record.more
    return {
        "account_id": record.id,
        "label": record.label,
        "exchange_id": record.exchange_id,
        "position_mode": record.position_mode,
        "extra_config_json": loads(record.extra_config),
        "is_testnet": record.is_testnet,
        "reconcile_enabled": display_columns["reconcile_enabled"],
        "reconcile_short_interval_seconds": display_columns["reconcile_short_interval_seconds"],
        "reconcile_short_lookback_seconds": display_columns["reconcile_short_lookback_seconds"],
        "reconcile_hourly_interval_seconds": display_columns["reconcile_hourly_interval_seconds"],
        "reconcile_hourly_lookback_seconds": display_columns["reconcile_hourly_lookback_seconds"],
        "reconcile_long_interval_seconds": display_columns["reconcile_long_interval_seconds"],
        "reconcile_long_lookback_seconds": display_columns["reconcile_long_lookback_seconds"],
        "dispatcher_worker_hint": display_columns["dispatcher_worker_hint"],
        "raw_storage_mode": display_columns["raw_storage_mode"],
        "dispatcher_hint_updated_at": optional_time_text(
            display_columns["dispatcher_hint_updated_at"]
        ),
        "status": record.status,
        "created_at": time_text(record.created_at),
        "api_key_enc": MASKED_SECRET if "api_key_enc" in record.sealed else None,
        "secret_enc": MASKED_SECRET if "secret_enc" in record.sealed else None,
        "passphrase_enc": MASKED_SECRET if "passphrase_enc" in record.sealed else None,
        "credentials_updated_at": optional_time_text(record.sealed_at),
        "environment": record.environment,
        "live_enabled": record.live_enabled,
        "trader_name": record.trader_name,
    }
