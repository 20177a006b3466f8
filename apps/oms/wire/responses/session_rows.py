"""Browser sessions, the caller and preferences in responses; no row has a text or a hash."""

from collections.abc import Sequence
from typing import Annotated, Any

from typing_extensions import TypedDict

from oms.domain.access import (
    MATRIX,
    Grant,
    Permission,
    Principal,
    Role,
    RoleAccess,
)
from oms.domain.browser_session import BrowserSession
from oms.ports.admin.browser_sessions import SessionRow
from oms.ports.admin.user_admin import ApiKeyRow
from oms.ports.registry import AccountRow
from oms.wire.admin.user_rows import RestrictionsRow, restrictions_row
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.value_types import Count, EnvironmentText, Id, TimeText, one_of

ModeText = Annotated[str, one_of("password", "api_key")]


class SessionExpiring(TypedDict):
    """When a browser session ends: without a request that changes something, and at the latest."""

    ends_at: TimeText
    idle_ends_at: TimeText


class CallerUser(TypedDict):
    """The user of a credential."""

    user_id: Id
    user_name: str
    role: Annotated[str, one_of(*sorted(Role))]


class CallerKey(TypedDict):
    """The key that a caller acts by."""

    api_key_id: Id
    label: str | None
    key_prefix: str | None
    restrictions: RestrictionsRow


class KeyChoice(TypedDict):
    """A key that a session may change to."""

    api_key_id: Id
    label: str | None


class CallerAccount(TypedDict):
    """An account that the caller may read, and what the key may do on it."""

    account_id: Id
    label: str
    environment: EnvironmentText
    can_read: bool
    can_trade: bool
    can_close_position: bool
    can_risk_manage: bool
    can_block_new_positions: bool
    can_block_account: bool
    restrict_to_strategies: bool
    strategy_ids: list[Count]


class CallerSession(TypedDict):
    """The browser session of a caller."""

    session_id: Id
    mode: ModeText
    created_at: TimeText
    idle_ends_at: TimeText
    ends_at: TimeText
    confirmed_until: TimeText | None


class ServerInfo(TypedDict):
    """What a page shows of the gateway."""

    name: str
    version: str
    env: str
    live_trading_allowed: bool
    oms_enabled: bool
    server_time: TimeText


class CallerBody(TypedDict):
    """The caller: user, key, what they may do, and the browser session if there is one."""

    ok: bool
    auth: Annotated[str, one_of("session", "key", "token")]
    client_ip: str
    user: CallerUser
    api_key: CallerKey
    api_keys: list[KeyChoice]
    actions: list[str]
    accounts: list[CallerAccount]
    session: CallerSession | None
    csrf_token: str | None
    preferences: dict[str, Any]
    server: ServerInfo


class SessionTouched(TypedDict):
    """The ends of a session after its idle time began again."""

    ok: bool
    idle_ends_at: TimeText
    ends_at: TimeText


class SessionConfirmed(TypedDict):
    """Until when a session may make dangerous changes."""

    ok: bool
    confirmed_until: TimeText


class SessionBody(TypedDict):
    """A session of the caller."""

    session_id: Id
    mode: ModeText
    api_key_id: Id
    created_at: TimeText
    last_used_at: TimeText | None
    ip: str | None
    user_agent: str | None
    idle_ends_at: TimeText
    ends_at: TimeText
    is_this: bool


class UserSessionBody(SessionBody):
    """A session with its user, for admins."""

    user_id: Id
    user_name: str


class SessionRevoked(TypedDict):
    """How many sessions ended."""

    ok: bool
    revoked: Count


class PreferencesBody(TypedDict):
    """The preferences of the caller."""

    ok: bool
    preferences: dict[str, Any]


def session_expiring(session: BrowserSession) -> SessionExpiring:
    """Return the payload of the event ``session_expiring``."""
    return {
        "ends_at": time_text(session.ends_at),
        "idle_ends_at": time_text(session.idle_ends_at),
    }


def caller_body(
    principal: Principal,
    *,
    client_ip: str,
    keys: Sequence[ApiKeyRow],
    accounts: Sequence[AccountRow],
    csrf_token: str | None,
    preferences: dict[str, Any],
    server: ServerInfo,
) -> CallerBody:
    """Return the body of ``GET /auth/me``; ``keys`` holds the key of the principal."""
    own = next((key for key in keys if key.id == principal.api_key_id), None)
    is_admin = principal.role is Role.ADMIN
    return {
        "ok": True,
        "auth": auth_kind(principal),
        "client_ip": client_ip,
        "user": {
            "user_id": principal.user_id,
            "user_name": principal.user_name,
            "role": principal.role.value,
        },
        "api_key": {
            "api_key_id": principal.api_key_id,
            "label": None if own is None else own.label,
            "key_prefix": None if own is None else own.prefix,
            "restrictions": restrictions_row(principal.restrictions),
        },
        "api_keys": [{"api_key_id": key.id, "label": key.label} for key in keys],
        "actions": [
            permission.value
            for permission in Permission
            if MATRIX[permission, principal.role] is not RoleAccess.NO
        ],
        "accounts": [
            _account_row(row, _ADMIN_GRANT if is_admin else principal.grants[row.account.id])
            for row in accounts
        ],
        "session": None if principal.session is None else _caller_session(principal.session),
        "csrf_token": csrf_token,
        "preferences": preferences,
        "server": server,
    }


def auth_kind(principal: Principal) -> str:
    """Return what the caller sent: ``session``, ``key`` or ``token``."""
    if principal.session is not None:
        return "session"
    return "key" if principal.token_id is None else "token"


def session_row(row: SessionRow, this_id: int | None) -> SessionBody:
    """Return a session for its owner; ``this_id`` is the session of the request."""
    session = row.session
    return {
        "session_id": session.id,
        "mode": session.mode.value,
        "api_key_id": row.api_key_id,
        "created_at": time_text(session.created_at),
        "last_used_at": optional_time_text(row.last_used_at),
        "ip": row.ip,
        "user_agent": row.user_agent,
        "idle_ends_at": time_text(session.idle_ends_at),
        "ends_at": time_text(session.ends_at),
        "is_this": session.id == this_id,
    }


def user_session_row(row: SessionRow, this_id: int | None) -> UserSessionBody:
    """Return a session with its user for admins."""
    return {**session_row(row, this_id), "user_id": row.user_id, "user_name": row.user_name}


_ADMIN_GRANT = Grant(can_risk_manage=True, can_block_new_positions=True, can_block_account=True)
"""An admin needs no flags; he does not trade."""


def _account_row(row: AccountRow, grant: Grant) -> CallerAccount:
    return {
        "account_id": row.account.id,
        "label": row.account.label,
        "environment": row.account.environment.value,
        "can_read": grant.can_read,
        "can_trade": grant.can_trade,
        "can_close_position": grant.can_close_position,
        "can_risk_manage": grant.can_risk_manage,
        "can_block_new_positions": grant.can_block_new_positions,
        "can_block_account": grant.can_block_account,
        "restrict_to_strategies": grant.restrict_to_strategies,
        "strategy_ids": sorted(grant.strategy_ids),
    }


def _caller_session(session: BrowserSession) -> CallerSession:
    return {
        "session_id": session.id,
        "mode": session.mode.value,
        "created_at": time_text(session.created_at),
        "idle_ends_at": time_text(session.idle_ends_at),
        "ends_at": time_text(session.ends_at),
        "confirmed_until": optional_time_text(session.confirmed_until),
    }
