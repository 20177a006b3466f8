"""What a key may do, where the venue tells it: one that may withdraw is not used.

An account whose admin is_allowed says so in its settings (``oms.withdrawal_key``). Where a venue does
not tell, or the table does not know how it does, nothing is assumed and nothing refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected
from oms.domain.value import value

WITHDRAWAL_KEY = "withdrawal_key"
CHANGED_OWNER = "credentials_changed_owner"
OWNER_SETTING = "exchange_owner"


class ReadClient(Protocol):
    """What can ask a venue."""

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """One ccxt method. Raises ``ReadFailed``."""
        ...


@value
class KeyPermissions:
    """``None``: not payload."""

    trades: bool | None = None
    can_withdraw: bool | None = None
    #: The exchange's own name of the account that the key leads to.
    owner: str | None = None


def _parse_bybit(payload: Any) -> KeyPermissions:
    result = payload["result"]
    permissions: Mapping[str, Any] = result["permissions"]
    granted = {
        name for kind in ("ContractTrade", "Spot", "Derivatives") for name in permissions[kind]
    }
    return KeyPermissions(
        trades=bool(granted) and not int(result["readOnly"]),
        can_withdraw="Withdraw" in permissions["Wallet"],
        owner=_account_name(result.get("userID")),
    )


def _parse_binance(payload: Any) -> KeyPermissions:
    trades = bool(payload["enableSpotAndMarginTrading"]) or bool(payload.get("enableFutures"))
    return KeyPermissions(trades=trades, can_withdraw=bool(payload["enableWithdrawals"]))


def _parse_okx(payload: Any) -> KeyPermissions:
    granted = {name.strip() for name in str(payload["data"][0]["perm"]).split(",")}
    row = payload["data"][0]
    return KeyPermissions(
        trades="trade" in granted,
        can_withdraw="withdraw" in granted,
        owner=_account_name(row.get("uid")),
    )


#: Venue: what is called, how it is read, and in which environments it is there.
_QUERIES: Mapping[str, tuple[str, Callable[[Any], KeyPermissions], frozenset[str]]] = {
    "bybit": (
        "private_get_v5_user_query_api",
        _parse_bybit,
        frozenset({"live", "testnet", "demo", "loopback"}),
    ),
    "binance": ("sapi_get_account_apirestrictions", _parse_binance, frozenset({"live"})),
    "okx": ("private_get_account_config", _parse_okx, frozenset({"live", "testnet"})),
}


async def fetch_key_permissions(client: ReadClient, venue: str, environment: str) -> KeyPermissions:
    """What the venue tells of the key, as far as it can be read. Raises nothing of its own."""
    query = _QUERIES.get(venue)
    if query is None or environment not in query[2]:
        return KeyPermissions()
    method, read, _ = query
    try:
        return read(await client.read(method))
    except ReadFailed:
        return KeyPermissions()
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return KeyPermissions()  # another form than is known tells nothing


async def fetch_key_owner(
    client: ReadClient, venue: str, environment: str, rights: KeyPermissions
) -> str | None:
    """Which account of the venue the key leads to, where it is payload. Raises nothing of its own."""
    if rights.owner is not None or venue != "binance" or environment not in ("live", "testnet"):
        return rights.owner
    try:
        payload = await client.read("private_get_account")
    except ReadFailed:
        return None
    return _account_name(payload.get("uid")) if isinstance(payload, Mapping) else None


def refuse_changed_owner(owner: str | None, previous: str | None, settings: Any) -> None:
    """Raises ``Rejected`` (``auth_failed``) for a key that leads elsewhere than the last one did.

    An admin who means it says so: ``oms.exchange_owner`` of the account's settings is where.
    """
    own_settings = settings.get("oms") if isinstance(settings, Mapping) else None
    configured = own_settings.get(OWNER_SETTING) if isinstance(own_settings, Mapping) else None
    expected = configured or previous
    if owner is None or expected is None or owner == expected:
        return
    message = (
        f"these credentials lead to account {owner} of the exchange, and not to {expected}: "
        f"store others, or set oms.{OWNER_SETTING} to {owner} if that is meant"
    )
    raise Rejected("auth_failed", message, reason=CHANGED_OWNER)


def _account_name(payload: Any) -> str | None:
    """An account's name as text; venues tell 0 where they tell none."""
    return str(payload)[:64] if payload not in (None, "", 0, "0") else None


def refuse_withdrawal_key(rights: KeyPermissions, settings: Any) -> None:
    """Raises ``Rejected`` (``auth_failed``) for a key that may withdraw, unless that is configured."""
    own_settings = settings.get("oms") if isinstance(settings, Mapping) else None
    is_allowed = isinstance(own_settings, Mapping) and own_settings.get(WITHDRAWAL_KEY) is True
    if rights.can_withdraw and not is_allowed:
        message = (
            "this key may withdraw money, which nobody here needs: make one that may not, "
            f"or set oms.{WITHDRAWAL_KEY} to true"
        )
        raise Rejected("auth_failed", message, reason=WITHDRAWAL_KEY)
