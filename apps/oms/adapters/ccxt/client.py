"""One client of one exchange account: a ccxt object that is asked, watched and never trusted.

A write is sent at most once and ends in a reply or in one of four words; a read is tried three
times. It knows neither orders nor the book: who asks makes reports of what it hears.
"""

import asyncio
import hashlib
import json
import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from oms.adapters.ccxt.construct import ClientSpec, construct
from oms.adapters.ccxt.exact import rows_of
from oms.adapters.ccxt.faults import Fault, ReadFailed, Rejected
from oms.adapters.ccxt.judging import Judging, check_written
from oms.adapters.ccxt.key_rights import key_owner, key_rights, refuse_owner, refuse_rights
from oms.adapters.ccxt.markets import (
    MarketShelf,
    file_name,
    instruments_of,
    now_utc,
    put,
    read_saved,
    save,
)
from oms.adapters.ccxt.numbers import told_to_ccxt
from oms.adapters.ccxt.session import CALL, Call
from oms.adapters.ccxt.stream_lines import hang_up
from oms.adapters.ccxt.turns import Turns, urgency_of
from oms.adapters.ccxt.venue import Row
from oms.adapters.ccxt.venue_codes import ALREADY_SO, CLOCK_SKEW
from oms.adapters.ccxt.venues import ccxt_version
from oms.domain.instrument import Instrument

__all__ = ["ClientSpec", "VenueClient"]

TRIES_MAX = 3
PAUSE_SECONDS = 0.25
#: A longer pause than this is for who asked to wait.
PAUSE_SECONDS_MAX = 5.0
CLOCK_SECONDS_MAX = 600.0

#: What a venue's class asks before its first private call, and remembers.
_ASKED_FIRST: Mapping[str, Sequence[tuple[str, Sequence[Any]]]] = {
    **dict.fromkeys(("bybit", "bybiteu", "bybitid"), (("is_unified_enabled", ()),)),
    **dict.fromkeys(("gate", "gateeu"), (("load_unified_status", ()),)),
    # The kind of account; and which of two trees its spot orders go to, beside shared markets.
    "kucoin": (("is_uta_enabled", ()), ("load_migration_status", ())),
    "bitget": (("handle_uta_and_params", ({}, "createOrder")),),
}
#: Their classes compare amounts of contracts, which are whole, with numbers.
_COMPARES = frozenset({"kucoin", "kucoinfutures"})
_log = logging.getLogger("oms.ccxt")


class VenueClient:
    """Opened once, closed once. ``shelf`` is shared by the clients of one process."""

    def __init__(self, spec: ClientSpec, shelf: MarketShelf | None = None) -> None:
        self.spec = spec
        #: Half of what the last reading of the venue's clock took.
        self.clock_error_ms = 0
        self.last_call_at: datetime | None = None
        #: The venue's own name of the account, where it tells one.
        self.owner: str | None = None
        self._shelf = shelf or MarketShelf()
        self._turns = Turns(
            self._shelf.scopes,
            venue=spec.venue,
            environment=spec.environment,
            api_key=spec.api_key,
            is_key_shared=spec.is_key_shared,
        )
        self._hosts: dict[str, None] = {}
        self._session: Any = None
        self._exchange: Any = None
        self._instruments: dict[str, Instrument] = {}
        self._clock_read_at = 0.0
        self._clock_door = asyncio.Lock()

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Spot and linear markets by unified symbol; quantities in base."""
        return self._instruments

    @property
    def exchange(self) -> Any:
        """The ccxt object, to parse with: nobody but this client sends with it."""
        return self._exchange

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far, in the order of their first call."""
        return tuple(self._hosts)

    @property
    def last_headers(self) -> Mapping[str, str]:
        """Headers of the last reply: what the venue says of its limits."""
        return getattr(self._exchange, "last_response_headers", None) or {}

    async def open(self) -> None:
        """Construct, switch to the environment, read clock and markets, try the credentials.

        Raises ``NotSent``, ``Rejected`` (``auth_failed``), ``ReadFailed``; closed again then.
        """
        try:
            with self._judging(Call(is_write=False), is_write=True):
                self._exchange, self._session = await construct(
                    self.spec, self._turns, self._called
                )
            await self.read_clock()
            await self._load_markets()
            await self._ask_first()
        except ReadFailed as failed:
            await self.close()
            if failed.code != "auth_failed":
                raise
            raise Rejected(
                failed.code,
                failed.message,
                reason=failed.reason,
                venue_code=failed.venue_code,
                ccxt_class=failed.ccxt_class,
            ) from None
        except BaseException:
            await self.close()
            raise

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """One ccxt method, sent at most once; decimals may be among the arguments.

        A request that the venue did not look at because of our clock is sent once more after the
        clock was read anew. ``already_so`` is success: ``{"info": {}, "already": True}``.

        Raises ``NotSent``, ``Rejected``, ``Overloaded``, ``OutcomeUnknown``. A cancellation goes
        through as it is: whoever cancels finds the attempt without an outcome and asks.
        """
        for is_last in (False, True):
            try:
                return await self._once(method, args, kwargs, is_write=True)
            except Rejected as refused:
                if refused.code == ALREADY_SO:
                    return {"info": {}, "already": True}
                if refused.code != CLOCK_SKEW or is_last:
                    raise
                await self._read_clock_or(refused)
        raise AssertionError("the last try returns or raises")

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """One ccxt method, tried three times at most. Raises ``ReadFailed``."""
        if self._is_clock_old():
            await self.read_clock(only_if_old=True)
        return await self._tried(method, args, kwargs)

    async def watch(self, method: str, params: Mapping[str, Any]) -> list[Row]:
        """What a stream tells next, of all symbols, copied: ccxt changes what it keeps.

        Dials where that is needed. Raises ``ReadFailed``.
        """
        call = Call(is_write=False)
        token = CALL.set(call)
        try:
            with self._judging(call, is_write=False):
                told = await getattr(self._exchange, method)(None, None, None, dict(params))
                return [dict(row) for row in rows_of(told, method)]
        finally:
            CALL.reset(token)

    async def hang_up(self) -> None:
        """Close all streams; watching dials again."""
        await hang_up(self._exchange)

    async def read_clock(self, *, only_if_old: bool = False) -> None:
        """Measure the venue's clock against ours. Raises ``ReadFailed``."""
        async with self._clock_door:
            if only_if_old and not self._is_clock_old():
                return  # many find it old at once; the first has read it
            if self._exchange.has.get("fetchTime"):
                before = self._exchange.milliseconds()
                theirs = await self._tried("fetch_time", (), {})
                after = self._exchange.milliseconds()
                if not isinstance(theirs, int | float | str):
                    raise ReadFailed("exchange_error", "no time was told", retryable=True)
                middle = (before + after) / 2
                self._exchange.options["timeDifference"] = int(middle - float(theirs))
                self.clock_error_ms = (after - before + 1) // 2
            self._clock_read_at = monotonic()

    async def refresh_markets(self) -> None:
        """Read the table of markets anew, for all who share it. Raises ``ReadFailed``."""
        name = self._table_name()
        async with self._shelf.door(name):
            await self._tried("load_markets", (True,), {})
            self._shelf.keep(name, self._exchange)
            await self._save(name)
        self._instruments = instruments_of(self._exchange)

    async def close(self) -> None:
        """Final: a closed client is not opened again."""
        exchange, session = self._exchange, self._session
        self._session = None
        try:
            if exchange is not None and not exchange.closed_by_user:
                exchange.timeout_on_exit = 0
                await hang_up(exchange)
                await exchange.close()
        finally:
            if session is not None:
                await session.close()

    def _is_clock_old(self) -> bool:
        return monotonic() - self._clock_read_at > CLOCK_SECONDS_MAX

    async def _load_markets(self) -> None:
        name = self._table_name()
        async with self._shelf.door(name):
            if not self._shelf.share(name, self._exchange):
                await self._load_table(name)
                self._shelf.keep(name, self._exchange)
        self._instruments = instruments_of(self._exchange)

    async def _load_table(self, name: str) -> None:
        """From disk while it is fresh, else from the venue, else from disk all the same."""
        path = self._table_path(name)
        found = await asyncio.to_thread(read_saved, path, now_utc())
        if found is None or not found[1]:
            try:
                await self._tried("load_markets", (), {})
            except ReadFailed as failed:
                if found is None:
                    raise
                _log.warning("markets of %s are old: %s", name, failed.message)
            else:
                await self._save(name)
                return
        assert found is not None
        put(self._exchange, found[0])

    async def _save(self, name: str) -> None:
        """A table that cannot be kept is read again next time, nothing worse."""
        try:
            await asyncio.to_thread(save, self._table_path(name), self._exchange, now_utc())
        except OSError as failed:
            _log.warning("markets of %s are not kept: %s", name, failed)

    def _table_name(self) -> str:
        """Accounts with URLs of their own share with those of the same URLs alone."""
        places = {key: self.spec.extra_config.get(key) for key in ("urls", "hostname", "options")}
        resolve = (self.spec.extra_config.get("oms") or {}).get("resolve")
        return table_name(self.spec.venue, self.spec.environment, {**places, "resolve": resolve})

    def _table_path(self, name: str) -> Path:
        return self.spec.cache_folder / "markets" / file_name(name, ccxt_version())

    async def _ask_first(self) -> None:
        """What a first write would ask by itself, so that a write is one request."""
        for method, args in _ASKED_FIRST.get(self.spec.venue, ()) if self.spec.api_key else ():
            await self._tried(method, args, {})
        if self.spec.api_key:
            rights = await key_rights(self, self.spec.venue, self.spec.environment)
            refuse_rights(rights, self.spec.extra_config)
            owner = await key_owner(self, self.spec.venue, self.spec.environment, rights)
            refuse_owner(owner, self.spec.owner, self.spec.extra_config)
            self.owner = owner

    async def _read_clock_or(self, refused: Rejected) -> None:
        try:
            await self.read_clock()
        except ReadFailed:
            raise refused from None

    async def _tried(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        for attempt in range(1, TRIES_MAX + 1):
            try:
                return await self._once(method, args, kwargs, is_write=False)
            except ReadFailed as failed:
                pause = failed.retry_after or PAUSE_SECONDS * 2**attempt
                if not failed.retryable or attempt == TRIES_MAX or pause > PAUSE_SECONDS_MAX:
                    raise
            await asyncio.sleep(pause * random.uniform(1.0, 1.5))
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_write: bool
    ) -> Any:
        call = Call(is_write=is_write, urgency=urgency_of(method, is_write=is_write, kwargs=kwargs))
        token = CALL.set(call)
        try:
            with self._judging(call, is_write=is_write):
                whole = self.spec.venue in _COMPARES
                given = [told_to_ccxt(t, whole_as_int=whole) for t in (list(args), dict(kwargs))]
                told = await getattr(self._exchange, method)(*given[0], **given[1])
                if is_write:
                    check_written(method, told)
        except Fault as fault:
            self._turns.heard(call, fault)
            raise
        else:
            self._turns.heard(call, None)
            return told
        finally:
            CALL.reset(token)

    def _judging(self, call: Call, *, is_write: bool) -> Judging:
        spec = self.spec
        hide = (spec.api_key, spec.secret, spec.passphrase)
        return Judging(spec.venue, call, is_write=is_write, hide=hide)

    def _called(self, url: str) -> None:
        parts = urlsplit(url)
        self._hosts.setdefault(parts.netloc.lower(), None)
        self.last_call_at = now_utc()


def table_name(venue: str, environment: str, places: Mapping[str, Any]) -> str:
    """``bybit.testnet``, with a mark of its own where the account's URLs differ."""
    told = {key: each for key, each in places.items() if each}
    if not told:
        return f"{venue}.{environment}"
    text = json.dumps(told, sort_keys=True, default=str)
    return f"{venue}.{environment}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
