"""Try an account's exchange once, as its worker would: for ``oms doctor``. Changes nothing."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from oms.bootstrap.exchanges import client_spec
from oms.config import Settings
from oms.domain.account import Account, PositionMode
from oms.domain.instrument import Kind
from oms.services.unseal import Unseal

if TYPE_CHECKING:
    from oms.adapters.ccxt.client import VenueClient
    from oms.adapters.sql.store import SqlStore
    from oms.ports.vault import Vault

CLOCK_MS_MAX = 5000

Found = tuple[str, bool, str]
"""What was looked at, whether it is well, and what was found."""


async def tried(
    account: Account, store: "SqlStore", vault: "Vault", settings: Settings
) -> AsyncIterator[Found]:
    """Environment, connection with its credentials, clock, rights of the key, position mode.

    Raises ``Conflict`` where credentials cannot be opened, ``Unavailable``.
    """
    from oms.adapters.ccxt.client import VenueClient
    from oms.adapters.ccxt.faults import Fault

    spec = await client_spec(account, Unseal(rows=store.sealed, vault=vault), settings.markets)
    where = f"{account.exchange_id} in {account.environment.value}"
    if not spec.api_key:
        yield "exchange", False, f"{where}: it has no credentials"
        return
    client = VenueClient(spec)
    try:
        await client.open()
    except Fault as fault:
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


async def _looked_at(client: "VenueClient", account: Account) -> AsyncIterator[Found]:
    from oms.adapters.ccxt.faults import ReadFailed
    from oms.adapters.ccxt.key_rights import key_rights

    off = abs(int(client.exchange.options.get("timeDifference", 0)))
    yield "exchange_clock", off < CLOCK_MS_MAX, f"{off} ms from the exchange's"
    try:
        await client.read("fetch_balance")
    except ReadFailed as failed:
        yield "credentials", False, f"{failed.code}: {failed.message}"
        return
    yield "credentials", True, "the account can be read"
    rights = await key_rights(client, account.venue, account.environment.value)
    told = {None: "not told", True: "yes", False: "no"}
    detail = f"trade: {told[rights.trades]}; withdraw: {told[rights.withdraws]}"
    yield "permissions", rights.trades is not False, detail
    if account.position_mode is PositionMode.HEDGE:
        yield await _position_mode(client, account)


async def _position_mode(client: "VenueClient", account: Account) -> Found:
    """How the tickets of a hedge account are held: on two legs there, or over the net."""
    from oms.adapters.ccxt.faults import ReadFailed
    from oms.adapters.ccxt.position_modes import PositionModes

    contracts = [s for s, each in client.instruments.items() if each.kind is Kind.LINEAR]
    modes = PositionModes(client=client, venue=account.venue, mode=account.position_mode)
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
