"""Try an account's exchange once, as its worker would: for ``oms doctor``. Changes nothing."""

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
"""What was looked at, whether it is well, and what was found."""


async def check_connection(
    account: Account, store: "SqlStore", vault: "Vault", settings: Settings
) -> AsyncIterator[CheckResult]:
    """Environment, connection with its credentials, clock, rights of the key, position mode.

    Raises ``Conflict`` where credentials cannot be opened, ``Unavailable``.
    """
    from oms.adapters.ccxt.client.request_errors import RequestError
    from oms.adapters.ccxt.client.venue_client import VenueClient

    spec = await load_client_spec(
        account, UnsealCredentials(rows=store.sealed_credentials, vault=vault), settings.markets
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
        async for found in _looked_at(client, account):
            yield found
    finally:
        await client.close()


async def _looked_at(client: "VenueClient", account: Account) -> AsyncIterator[CheckResult]:
    from oms.adapters.ccxt.client.key_permissions import fetch_key_permissions
    from oms.adapters.ccxt.client.request_errors import ReadFailed

    off = abs(int(client.exchange.options.get("timeDifference", 0)))
    yield "exchange_clock", off < CLOCK_OFFSET_MS_MAX, f"{off} ms from the exchange's"
    try:
        await client.read("fetch_balance")
    except ReadFailed as failed:
        yield "credentials", False, f"{failed.code}: {failed.message}"
        return
    yield "credentials", True, "the account can be read"
    rights = await fetch_key_permissions(client, account.venue, account.environment.value)
    told = {None: "not told", True: "yes", False: "no"}
    detail = f"trade: {told[rights.trades]}; withdraw: {told[rights.can_withdraw]}"
    yield "permissions", rights.trades is not False, detail
    if account.position_mode is PositionMode.HEDGE:
        yield await _position_mode(client, account)


async def _position_mode(client: "VenueClient", account: Account) -> CheckResult:
    """How the tickets of a hedge account are held: on two legs there, or over the net."""
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
    shown = modes.shown() or "told none"
    apart = "" if shown == "hedge" else ": one position there, tickets are told apart here"
    return name, True, f"the exchange has {shown}{apart}"
