"""Connect to an account's exchange once, as its worker would, for ``oms doctor``."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from oms.bootstrap.exchange_factory import load_client_spec
from oms.config import Settings
from oms.domain.account import Account, PositionMode
from oms.domain.instrument import InstrumentKind
from oms.services.credentials.unseal import UnsealCredentials

if TYPE_CHECKING:
    from oms.adapters.ccxt.client.venue_client import VenueClient
    from oms.adapters.sql.store import SqlStore
    from oms.ports.vault import Vault

CLOCK_OFFSET_MS_MAX = 5000

CheckResult = tuple[str, bool, str]
"""Name of the check, whether it passed, and the details."""


async def check_connection(
    account: Account, store: "SqlStore", vault: "Vault", settings: Settings
) -> AsyncIterator[CheckResult]:
    """Check environment, credentials, clock, permissions of the key, and position mode.

    Raises ``Conflict`` if credentials cannot be opened, ``Unavailable``.
    """
    from oms.adapters.ccxt.client.request_errors import RequestError
    from oms.adapters.ccxt.client.venue_client import VenueClient

    spec = await load_client_spec(
        account,
        UnsealCredentials(rows=store.sealed_credentials, vault=vault),
        settings.market_cache_dir,
    )
    where = f"{account.exchange_id} in {account.environment.value}"
    if not spec.api_key:
        yield "exchange", False, f"{where}: it has no credentials"
        return
    client = VenueClient(spec)
    try:
        await client.open()
    except RequestError as fault:
        reason = "" if fault.reason is None else f" ({fault.reason})"
        yield "exchange", False, f"{where}: {fault.code}{reason}: {fault.message}"
        return
    try:
        hosts = ", ".join(client.hosts_called)
        yield "exchange", True, f"{where}: {len(client.instruments)} instruments from {hosts}"
        async for result in _check_client(client, account):
            yield result
    finally:
        await client.close()


async def _check_client(client: "VenueClient", account: Account) -> AsyncIterator[CheckResult]:
    from oms.adapters.ccxt.client.key_permissions import fetch_key_permissions
    from oms.adapters.ccxt.client.request_errors import ReadFailed

    offset_ms = abs(int(client.exchange.options.get("timeDifference", 0)))
    yield (
        "exchange_clock",
        offset_ms < CLOCK_OFFSET_MS_MAX,
        f"{offset_ms} ms off the exchange's clock",
    )
    try:
        await client.read("fetch_balance")
    except ReadFailed as failed:
        yield "credentials", False, f"{failed.code}: {failed.message}"
        return
    yield "credentials", True, "the account can be read"
    rights = await fetch_key_permissions(client, account.venue, account.environment.value)
    texts = {None: "unknown", True: "yes", False: "no"}
    detail = f"trade: {texts[rights.trades]}; withdraw: {texts[rights.can_withdraw]}"
    yield "permissions", rights.trades is not False, detail
    if account.position_mode is PositionMode.HEDGE:
        yield await _position_mode(client, account)


async def _position_mode(client: "VenueClient", account: Account) -> CheckResult:
    """Check how the exchange holds the tickets of a hedge account: two legs or a net position."""
    from oms.adapters.ccxt.client.request_errors import ReadFailed
    from oms.adapters.ccxt.sync.position_modes import PositionModeReader

    contracts = [s for s, each in client.instruments.items() if each.kind is InstrumentKind.LINEAR]
    modes = PositionModeReader(client=client, venue=account.venue, mode=account.position_mode)
    name = "position_mode"
    if not contracts:
        return name, True, "no contracts are traded there"
    try:
        await modes.legs("BTC/USDT:USDT" if "BTC/USDT:USDT" in contracts else contracts[0])
    except ReadFailed as failed:
        return name, False, f"{failed.code}: {failed.message}"
    exchange_mode = modes.observed_mode() or "unknown"
    note = (
        ""
        if exchange_mode == "hedge"
        else ": one position there, tickets exist in this system only"
    )
    return name, True, f"the exchange has {exchange_mode}{note}"
